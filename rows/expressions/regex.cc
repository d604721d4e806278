#include "rows/expressions/regex.h"

#include "core/format.h"

namespace tidemill::rows::expressions {
namespace {

bool isUtf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = core::utf8SequenceLength(text.substr(i));
        if (length == 0) return false;
        i += length;
    }
    return true;
}

}  // namespace

core::Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern, bool anyCase) {
    auto made = std::make_shared<Regex>();
    made->pattern_ = pattern;
    made->anyCase_ = anyCase;
    made->isAscii_ = isAscii(pattern);
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!anyCase);
    options.set_dot_nl(true);  // as PostgreSQL: "." is any character
    options.set_max_mem(std::int64_t{8} << 20);
    made->characters_ = std::make_unique<re2::RE2>(re2::StringPiece(pattern), options);
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    made->bytes_ = std::make_unique<re2::RE2>(re2::StringPiece(pattern), options);
    if (!made->characters_->ok())
        return core::fail(core::ErrorKind::kInvalid, "the regular expression \"" +
                                                         std::string(pattern) +
                                                         "\": " + made->characters_->error());
    if (!made->bytes_->ok()) made->bytes_ = nullptr;
    return std::shared_ptr<const Regex>(made);
}

const re2::RE2& Regex::of(std::string_view text) const {
    if (bytes_ == nullptr) return *characters_;
    if (isAscii(text)) return isAscii_ ? *bytes_ : *characters_;
    return isUtf8(text) ? *characters_ : *bytes_;
}

}  // namespace tidemill::rows::expressions
