#include "core/rate.h"

#include <array>
#include <charconv>
#include <utility>

namespace tidemill {

std::string toString(const Rate& rate) {
    return std::to_string(rate.perSecond) +
           (rate.unit == Rate::Unit::kRecords ? " records/s" : " B/s");
}

std::optional<Rate> parseRate(std::string_view text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || number == 0 || number > Rate::kMost) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    if (!text.ends_with("/s")) return std::nullopt;
    text.remove_suffix(2);
    if (text == "records") return Rate::records(number);
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> kUnits{
        {{"B", 1},
         {"kB", 1'000},
         {"MB", 1'000'000},
         {"GB", 1'000'000'000},
         {"KiB", 1 << 10},
         {"MiB", 1 << 20},
         {"GiB", 1 << 30}}};
    for (const auto& [name, factor] : kUnits)
        if (text == name && number <= Rate::kMost / factor) return Rate::bytes(number * factor);
    return std::nullopt;
}

}  // namespace tidemill
