#include "sources/http/request_body.h"

#include <cstring>

namespace tidemill::sources::http {
namespace {

Answer tooLarge(std::size_t bytesMax, const char* how) {
    return {413, "the body " + std::string(how) + " more than " + std::to_string(bytesMax) +
                     " bytes (max_request_bytes); nothing of it was taken: send it in smaller "
                     "requests"};
}

}  // namespace

RequestBody::RequestBody(bool isGzip, std::size_t bytesMax) : bytesMax_(bytesMax) {
    if (isGzip) gunzip_.emplace();
}

std::optional<Answer> RequestBody::take(std::string_view bytes) {
    sentBytes_ += bytes.size();
    if (sentBytes_ > bytesMax_) return tooLarge(bytesMax_, "is");
    if (!gunzip_) {
        text_ += bytes;
        return std::nullopt;
    }
    switch (gunzip_->take(bytes, text_, bytesMax_)) {
        case Gunzip::Outcome::kTaken: return std::nullopt;
        case Gunzip::Outcome::kTooLarge: return tooLarge(bytesMax_, "inflates to");
        case Gunzip::Outcome::kDamaged: break;
    }
    return Answer{400, "the body is no gzip, though Content-Encoding says so: " +
                           gunzip_->damage() + " within its first " + std::to_string(sentBytes_) +
                           " bytes; nothing of it was taken"};
}

std::optional<Answer> RequestBody::finish() {
    if (gunzip_ && !gunzip_->isComplete() && sentBytes_ != 0)
        return Answer{400, "the gzip body ends too early, after " + std::to_string(sentBytes_) +
                               " bytes; nothing of it was taken"};
    gunzip_.reset();
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
    return std::nullopt;
}

Lines linesOf(std::string_view text, std::size_t recordBytesMax) {
    Lines lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto* end =
            static_cast<const char*>(std::memchr(text.data() + begin, '\n', text.size() - begin));
        const auto next = static_cast<std::size_t>(end - text.data()) + 1;
        ++lines.count;
        std::size_t length = next - begin - 1;
        if (length > recordBytesMax) {
            if (text[next - 2] == '\r') --length;
            if (length > recordBytesMax) {
                lines.tooLong = lines.count;
                lines.tooLongBytes = length;
                return lines;
            }
        }
        begin = next;
    }
    return lines;
}

std::size_t behindLines(std::string_view text, std::uint64_t lines) {
    std::size_t begin = 0;
    for (; lines != 0; --lines) begin = text.find('\n', begin) + 1;
    return begin;
}

}  // namespace tidemill::sources::http
