// The instruction has a latency of three cycles and a throughput of one, so large inputs are
// checksummed as three streams at once and the three results are joined: advancing a checksum over
// n zero bytes is multiplication by x^(8n) modulo the polynomial, done by table.
#include "core/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tidemill::core {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // bit-reversed

constexpr std::array<std::uint32_t, 256> makeByteTable() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kPolynomial : crc >> 1;
        table[byte] = crc;
    }
    return table;
}
constexpr auto kByteTable = makeByteTable();

std::uint32_t advanceOverZero(std::uint32_t crc) { return crc >> 8 ^ kByteTable[crc & 0xFF]; }

// What crc becomes after `zeros` zero bytes, one table per byte of crc: the map is linear.
class ZeroAdvance {
public:
    explicit ZeroAdvance(std::size_t zeros) {
        for (std::size_t byte = 0; byte < 4; ++byte)
            for (std::uint32_t value = 0; value < 256; ++value) tables_[byte][value] = 0;
        for (std::size_t bit = 0; bit < 32; ++bit) {
            std::uint32_t crc = std::uint32_t{1} << bit;
            for (std::size_t i = 0; i < zeros; ++i) crc = advanceOverZero(crc);
            auto& table = tables_[bit / 8];
            for (std::uint32_t value = 0; value < 256; ++value)
                if (value >> bit % 8 & 1) table[value] ^= crc;
        }
    }
    std::uint32_t operator()(std::uint32_t crc) const {
        return tables_[0][crc & 0xFF] ^ tables_[1][crc >> 8 & 0xFF] ^ tables_[2][crc >> 16 & 0xFF] ^
               tables_[3][crc >> 24];
    }

private:
    std::uint32_t tables_[4][256];
};

#if defined(__x86_64__)
constexpr std::size_t kStreamBytes = 4096;

std::uint64_t wordAt(const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32cHardware(std::uint32_t seed, const void* data,
                                                               std::size_t size) {
    static const ZeroAdvance advance(kStreamBytes);
    const char* at = static_cast<const char*>(data);
    std::uint64_t crc = ~seed;
    while (size >= 3 * kStreamBytes) {
        std::uint64_t first = crc, second = 0, third = 0;
        for (std::size_t i = 0; i < kStreamBytes; i += 8) {
            first = _mm_crc32_u64(first, wordAt(at + i));
            second = _mm_crc32_u64(second, wordAt(at + kStreamBytes + i));
            third = _mm_crc32_u64(third, wordAt(at + 2 * kStreamBytes + i));
        }
        crc = advance(static_cast<std::uint32_t>(first)) ^ second;
        crc = advance(static_cast<std::uint32_t>(crc)) ^ third;
        at += 3 * kStreamBytes;
        size -= 3 * kStreamBytes;
    }
    for (; size >= 8; at += 8, size -= 8) crc = _mm_crc32_u64(crc, wordAt(at));
    auto rest = static_cast<std::uint32_t>(crc);
    for (; size != 0; ++at, --size) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*at));
    return ~rest;
}
#endif

using Function = std::uint32_t (*)(std::uint32_t, const void*, std::size_t);

Function chooseFunction() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32cHardware;
#endif
    return crc32cPortable;
}

}  // namespace

std::uint32_t crc32cPortable(std::uint32_t seed, const void* data, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(data);
    std::uint32_t crc = ~seed;
    for (; size != 0; ++at, --size) crc = crc >> 8 ^ kByteTable[(crc ^ *at) & 0xFF];
    return ~crc;
}

std::uint32_t crc32c(std::uint32_t seed, const void* data, std::size_t size) {
    static const Function chosen = chooseFunction();
    return chosen(seed, data, size);
}

}  // namespace tidemill::core
