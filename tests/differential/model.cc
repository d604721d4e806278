#include "tests/differential/model.h"

#include <algorithm>
#include <array>

#include "core/key_group.h"
#include "core/stream_node.h"

namespace tidemill::test {

Groups::Groups(const Records& records) {
    std::map<std::string, std::pair<std::size_t, std::size_t>> found;  // range, place in it
    std::array<std::vector<std::pair<std::string, Values>>, core::kKeyRanges> ranges;
    for (const auto& [key, value] : records) {
        auto& range = ranges[core::keyRangeOf(core::keyGroup(key))];
        const auto [place, isNew] =
            found.try_emplace(key, core::keyRangeOf(core::keyGroup(key)), range.size());
        if (isNew) range.emplace_back(key, Values());
        range[place->second.second].second.push_back(value);
    }
    for (auto& range : ranges)
        for (auto& group : range) {
            places_[group.first] = size();
            push_back(std::move(group));
        }
}

const Values& Groups::of(const std::string& key) const {
    static const Values none;
    const auto found = places_.find(key);
    return found == places_.end() ? none : (*this)[found->second].second;
}

Records stored(Records records) {
    std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
        return std::pair(core::keyGroup(a.first), a.first) <
               std::pair(core::keyGroup(b.first), b.first);
    });
    return records;
}

std::int64_t sumOf(const Values& values) {
    std::int64_t sum = 0;
    for (const auto value : values) sum += value;
    return sum;
}

std::int64_t sizeAndSum(const Values& values) {
    return static_cast<std::int64_t>(values.size()) * 1000 + sumOf(values);
}

std::int64_t inOrder(const Values& values) {
    std::uint64_t hash = values.size();
    for (const auto value : values) hash = hash * 131 + static_cast<std::uint64_t>(value);
    return static_cast<std::int64_t>(hash % 1000003);
}

}  // namespace tidemill::test
