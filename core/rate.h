// How much a source may take a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemill {

struct Rate {
    enum class Unit { kRecords, kBytes };
    // At least 1, and at most kMost.
    std::uint64_t perSecond = 1;
    Unit unit = Unit::kRecords;

    static constexpr std::uint64_t kMost = std::uint64_t{1} << 50;
    static constexpr Rate records(std::uint64_t count) { return {count, Unit::kRecords}; }
    static constexpr Rate bytes(std::uint64_t count) { return {count, Unit::kBytes}; }
    bool operator==(const Rate&) const = default;
};

// "5000 records/s", "1048576 B/s".
std::string toString(const Rate& rate);

// "5000 records/s", "10 MiB/s", "64 kB/s": a whole number, then records, B, kB, MB, GB, KiB, MiB or
// GiB, with or without a blank between, then "/s". None when it is none of these, 0, or too much.
std::optional<Rate> parseRate(std::string_view text);

// What is wrong with a text that parseRate() does not take, for messages.
inline constexpr std::string_view kRateForms =
    "a rate is a number of records or bytes per second, such as \"5000 records/s\" or "
    "\"10 MiB/s\"";

}  // namespace tidemill
