// CRC-32C (Castagnoli), the checksum of log frames and manifests. RFC 3720, appendix B.4.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemill::core {

// The checksum of `size` bytes, going on from `seed`: crc32c(crc32c(0, a), b) is that of a and b
// together. Uses the processor's instruction where it has one.
std::uint32_t crc32c(std::uint32_t seed, const void* data, std::size_t size);

// The same without that instruction.
std::uint32_t crc32cPortable(std::uint32_t seed, const void* data, std::size_t size);

}  // namespace tidemill::core
