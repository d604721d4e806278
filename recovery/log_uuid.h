// The identity of one data directory's log; seeds the checksum of every frame in it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::recovery {

struct LogUuid {
    std::array<std::uint8_t, 16> bytes{};
    bool operator==(const LogUuid&) const = default;
};

// From the system's randomness.
core::Result<LogUuid> randomLogUuid();

// 32 lower-case hexadecimal digits.
std::string toString(const LogUuid& uuid);
// Errors: kCorrupt.
core::Result<LogUuid> parseLogUuid(std::string_view text);

}  // namespace tidemill::recovery
