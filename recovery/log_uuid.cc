#include "recovery/log_uuid.h"

#include <sys/random.h>

#include <cerrno>

namespace tidemill::recovery {

using core::ErrorKind;

core::Result<LogUuid> randomLogUuid() {
    LogUuid uuid;
    if (::getrandom(uuid.bytes.data(), uuid.bytes.size(), 0) !=
        static_cast<ssize_t>(uuid.bytes.size()))
        return core::failErrno(errno, "getrandom failed");
    return uuid;
}

std::string toString(const LogUuid& uuid) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const auto byte : uuid.bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

core::Result<LogUuid> parseLogUuid(std::string_view text) {
    LogUuid uuid;
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    bool good = text.size() == 2 * uuid.bytes.size();
    for (std::size_t i = 0; good && i < uuid.bytes.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        if (good) uuid.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    if (!good) return core::fail(ErrorKind::kCorrupt, "log identity is not 32 hexadecimal digits");
    return uuid;
}

}  // namespace tidemill::recovery
