// MD5 (RFC 1321) and SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidemill::rows::expressions {

std::array<std::uint8_t, 16> md5(std::string_view bytes);
std::array<std::uint8_t, 32> sha256(std::string_view bytes);

}  // namespace tidemill::rows::expressions
