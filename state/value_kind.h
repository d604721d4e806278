// What a state table's values are.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tidemill::state {

// Stored as the first byte of every row's value: part of the format (docs/formats/state_rows.md).
enum class ValueKind : std::uint8_t {
    kBytes = 0,
    // Numbers of 8 bytes that are reduced exactly, in any order and grouping. Sums wrap around, and
    // are the same for signed and unsigned numbers.
    kSum = 1,
    kMinI64 = 2,
    kMaxI64 = 3,
    kMinU64 = 4,
    kMaxU64 = 5,
};

inline constexpr bool isNumber(ValueKind kind) { return kind != ValueKind::kBytes; }
inline constexpr bool isValueKind(std::uint8_t byte) { return byte <= 5; }

// `a` reduced with `b`; requires isNumber(kind).
inline constexpr std::uint64_t reduceNumbers(ValueKind kind, std::uint64_t a, std::uint64_t b) {
    const auto signedA = static_cast<std::int64_t>(a);
    const auto signedB = static_cast<std::int64_t>(b);
    switch (kind) {
        case ValueKind::kMinI64: return static_cast<std::uint64_t>(std::min(signedA, signedB));
        case ValueKind::kMaxI64: return static_cast<std::uint64_t>(std::max(signedA, signedB));
        case ValueKind::kMinU64: return std::min(a, b);
        case ValueKind::kMaxU64: return std::max(a, b);
        default: return a + b;
    }
}

}  // namespace tidemill::state
