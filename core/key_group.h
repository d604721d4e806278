// Key groups: the fixed cut of all keys that state and shuffles are divided by.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill::core {

inline constexpr std::uint32_t kKeyGroups = 256;

// XXH3 (64 bits, no seed) of the key's bytes, mod 256. Stored with the state: part of the format.
std::uint8_t keyGroup(std::string_view key);

}  // namespace tidemill::core
