#include "rows/expressions/digest.h"

#include <bit>
#include <cstring>

namespace tidemill::rows::expressions {
namespace {

using Word = std::uint32_t;

// Calls block(64 bytes) for the text, then a bit, zeros and the length in bits.
template <class F>
void forEachBlock(std::string_view bytes, bool isBigEndian, F&& block) {
    const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
    for (; bytes.size() >= 64; bytes.remove_prefix(64))
        block(reinterpret_cast<const std::uint8_t*>(bytes.data()));
    std::uint8_t last[128] = {};
    if (!bytes.empty()) std::memcpy(last, bytes.data(), bytes.size());
    last[bytes.size()] = 0x80;
    const std::size_t size = bytes.size() < 56 ? 64 : 128;
    for (std::size_t i = 0; i < 8; ++i)
        last[size - 8 + i] = static_cast<std::uint8_t>(bits >> (isBigEndian ? 56 - 8 * i : 8 * i));
    block(last);
    if (size == 128) block(last + 64);
}

constexpr Word kMd5[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int kMd5Turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

constexpr Word kSha256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

}  // namespace

std::array<std::uint8_t, 16> md5(std::string_view bytes) {
    Word state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    forEachBlock(bytes, false, [&](const std::uint8_t* block) {
        Word in[16];
        for (std::size_t i = 0; i < 16; ++i)
            in[i] = Word{block[4 * i]} | Word{block[4 * i + 1]} << 8 |
                    Word{block[4 * i + 2]} << 16 | Word{block[4 * i + 3]} << 24;
        Word a = state[0], b = state[1], c = state[2], d = state[3];
        for (unsigned i = 0; i < 64; ++i) {
            Word f = 0;
            unsigned word = 0;
            switch (i / 16) {
                case 0:
                    f = (b & c) | (~b & d);
                    word = i;
                    break;
                case 1:
                    f = (d & b) | (~d & c);
                    word = (5 * i + 1) % 16;
                    break;
                case 2:
                    f = b ^ c ^ d;
                    word = (3 * i + 5) % 16;
                    break;
                default: f = c ^ (b | ~d); word = (7 * i) % 16;
            }
            const Word turned = std::rotl(a + f + kMd5[i] + in[word], kMd5Turns[i / 16][i % 4]);
            a = d;
            d = c;
            c = b;
            b += turned;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
    });
    std::array<std::uint8_t, 16> digest;
    for (std::size_t i = 0; i < 16; ++i)
        digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (i % 4)));
    return digest;
}

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
    Word state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    forEachBlock(bytes, true, [&](const std::uint8_t* block) {
        Word in[64];
        for (std::size_t i = 0; i < 16; ++i)
            in[i] = Word{block[4 * i]} << 24 | Word{block[4 * i + 1]} << 16 |
                    Word{block[4 * i + 2]} << 8 | Word{block[4 * i + 3]};
        for (std::size_t i = 16; i < 64; ++i) {
            const Word a = in[i - 15], b = in[i - 2];
            in[i] = in[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) + in[i - 7] +
                    (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
        }
        Word v[8];
        std::memcpy(v, state, sizeof v);
        for (std::size_t i = 0; i < 64; ++i) {
            const Word first = v[7] +
                               (std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25)) +
                               ((v[4] & v[5]) ^ (~v[4] & v[6])) + kSha256[i] + in[i];
            const Word second = (std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22)) +
                                ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            std::memmove(v + 1, v, 7 * sizeof *v);
            v[4] += first;
            v[0] = first + second;
        }
        for (std::size_t i = 0; i < 8; ++i) state[i] += v[i];
    });
    std::array<std::uint8_t, 32> digest;
    for (std::size_t i = 0; i < 32; ++i)
        digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
    return digest;
}

}  // namespace tidemill::rows::expressions
