#include "sources/gate.h"

#include <algorithm>
#include <array>
#include <asio/error.hpp>
#include <cstring>

#include "sources/connect_socket.h"
#include "sources/http/http_check.h"

namespace tidemill::sources {
namespace {

constexpr std::string_view kWord = "token ";

}  // namespace

FirstLine::Read FirstLine::read(Channel& channel) {
    std::array<char, 2048> peeked;
    const auto room = std::min(peeked.size(), bytesMax_ + 1 - std::min(bytesMax_, line_.size()));
    asio::error_code error;
    std::size_t count = channel.peek(std::span(peeked).first(room), error);
    if (wouldBlock(error)) return Read::kMore;
    if (error) {
        broken_ = error != asio::error::eof;
        return Read::kEnded;
    }
    const void* end = std::memchr(peeked.data(), '\n', count);
    if (end != nullptr)
        count = static_cast<std::size_t>(static_cast<const char*>(end) - peeked.data()) + 1;
    count = channel.read(std::span(peeked).first(count), error);
    if (error) {
        broken_ = true;
        return Read::kEnded;
    }
    line_.append(peeked.data(), count);
    if (line_.size() > bytesMax_) return Read::kTooLong;
    if (end == nullptr) return Read::kMore;
    return Read::kLine;
}

std::string_view FirstLine::text() const {
    std::string_view line = line_;
    line.remove_suffix(1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

Gate::Gate(std::string token)
    : token_(std::move(token)),
      line_(kWord.size() + std::max<std::size_t>(token_.size(), 128) + 2) {}

Gate::Pass Gate::pass(Channel& channel) {
    asio::error_code error;
    if (!channel.isOpen(error)) return wouldBlock(error) ? Pass::kWaits : Pass::kFailed;
    if (token_.empty()) return Pass::kOpen;
    switch (line_.read(channel)) {
        case FirstLine::Read::kMore: return Pass::kWaits;
        case FirstLine::Read::kEnded: return Pass::kFailed;
        case FirstLine::Read::kTooLong: return Pass::kWrongToken;
        case FirstLine::Read::kLine: break;
    }
    const auto line = line_.text();
    if (!line.starts_with(kWord) || !http::isSame(token_, line.substr(kWord.size())))
        return Pass::kWrongToken;
    return Pass::kOpen;
}

}  // namespace tidemill::sources
