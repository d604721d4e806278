#include "sources/http/http_check.h"

#include <algorithm>
#include <cctype>

#include "core/file_system.h"
#include "core/logging.h"

namespace tidemill::sources::http {
namespace {

using core::ErrorKind;
using core::Result;

constexpr std::size_t kPathBytesMax = 200;
constexpr std::size_t kTokenBytesMin = 16;
constexpr std::size_t kTokenBytesMax = 1024;

bool isOfPath(unsigned char c) {
    return c < 0x80 &&
           (std::isalnum(c) != 0 ||
            std::string_view("-_.~/").find(static_cast<char>(c)) != std::string_view::npos);
}

Result<> atLeastOneMilli(const char* what, std::chrono::milliseconds time) {
    if (time >= std::chrono::milliseconds(1)) return {};
    return core::fail(
        ErrorKind::kInvalid,
        std::string(what) + " is " + std::to_string(time.count()) + " ms; expected at least 1 ms");
}

}  // namespace

Result<> checkOptions(const HttpOptions& options) {
    const auto& path = options.path;
    if (!path.starts_with('/') || path.size() > kPathBytesMax ||
        !std::all_of(path.begin(), path.end(), [](char c) { return isOfPath(c); }))
        return core::fail(
            ErrorKind::kInvalid,
            "path is \"" + core::escaped(path, 60) +
                "\"; expected \"/\" and letters, digits or -_.~/ behind it, at most " +
                std::to_string(kPathBytesMax) + " bytes");
    if (options.requestBytesMax < kRequestBytesMin || options.requestBytesMax > kRequestBytesMost)
        return core::fail(ErrorKind::kInvalid, "max_request_bytes is " +
                                                   std::to_string(options.requestBytesMax) +
                                                   "; expected 1 KiB to 32 MiB");
    if (options.connectionsMax == 0 || options.connectionsPerAddressMax == 0)
        return core::fail(ErrorKind::kInvalid,
                          "the numbers of connections must be at least 1; given are " +
                              std::to_string(options.connectionsMax) + " in all and " +
                              std::to_string(options.connectionsPerAddressMax) + " per address");
    TM_TRY(atLeastOneMilli("request_time", options.requestTimeMax));
    return atLeastOneMilli("idle_time", options.idleTimeMax);
}

std::string lanePrefix(std::string_view path) { return "http" + std::string(path) + ":"; }

Result<std::string> readToken(const std::string& path) {
    auto text = core::readWholeFile(core::posixFileSystem(), path, kTokenBytesMax + 2);
    if (!text)
        return core::fail(text.error().kind, "token_file cannot be read: " + text.error().message);
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    const bool isPrintable =
        std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (text->size() < kTokenBytesMin || text->size() > kTokenBytesMax || !isPrintable)
        return core::fail(ErrorKind::kInvalid,
                          "token_file \"" + path + "\" holds " + std::to_string(text->size()) +
                              " bytes" + (isPrintable ? "" : ", not all of them printable ASCII") +
                              "; expected a token of " + std::to_string(kTokenBytesMin) + " to " +
                              std::to_string(kTokenBytesMax) +
                              " printable ASCII bytes without spaces, such as the output of "
                              "openssl rand -hex 32");
    return std::move(*text);
}

bool isSame(std::string_view token, std::string_view given) {
    if (token.size() != given.size()) return false;
    volatile unsigned char difference = 0;
    for (std::size_t i = 0; i < token.size(); ++i)
        difference = static_cast<unsigned char>(difference | (token[i] ^ given[i]));
    return difference == 0;
}

}  // namespace tidemill::sources::http
