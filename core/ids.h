// Distinct types for the numbers that name things, so that none is passed for another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace tidemill::core {

template <class Tag, class Rep>
struct Id {
    Rep value{};

    constexpr Id() = default;
    constexpr explicit Id(Rep v) : value(v) {}
    constexpr auto operator<=>(const Id&) const = default;
    constexpr Id next() const { return Id(static_cast<Rep>(value + 1)); }
};

template <class Tag, class Rep>
std::string toString(Id<Tag, Rep> id) {
    return std::to_string(id.value);
}

// Running number of a batch in a data directory: dense, the first is 1. 0 means "before any".
using BatchId = Id<struct BatchIdTag, std::uint64_t>;
// Running number of a frame in the write-ahead log; the first is 1. 0 means "before any".
using Lsn = Id<struct LsnTag, std::uint64_t>;
// Number of a named operator in a data directory, assigned once per name, never reused. 0 is
// Tidemill's own: the boundary marker, session and source positions.
using OperatorId = Id<struct OperatorIdTag, std::uint32_t>;
// Position of an input in the order in which the job declares its inputs, from 0.
using SourceId = Id<struct SourceIdTag, std::uint32_t>;

inline constexpr OperatorId kSystemOperator{0};

}  // namespace tidemill::core

template <class Tag, class Rep>
struct std::hash<tidemill::core::Id<Tag, Rep>> {
    std::size_t operator()(tidemill::core::Id<Tag, Rep> id) const noexcept {
        return std::hash<Rep>{}(id.value);
    }
};
