// Batches of many partitions, and streams over them that are seen in order on several numbers of
// workers.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>

#include "tests/support/batch_harness.h"

namespace tidemill::test {

using Pair = std::pair<std::string_view, std::int64_t>;
using Pairs = DStream<Pair>;
using Seen = std::vector<std::string>;

inline const std::vector<unsigned> kWorkers{1, 2, 4, 9, 20};

// "KEY NUMBER" lines. Half of the lines of `hot` have one key.
inline std::string linesOf(std::size_t count, std::size_t keys, bool hot) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        const bool isHot = hot && i % 2 == 0;
        text += isHot ? "hot" : "key number " + std::to_string(i * 7919 % keys);
        text += ' ' + std::to_string(i) + '\n';
    }
    return text;
}

inline Pair pairOf(std::string_view line) {
    const auto space = line.rfind(' ');
    Pair pair(line.substr(0, space), 0);
    std::from_chars(line.data() + space + 1, line.data() + line.size(), pair.second);
    return pair;
}

inline std::vector<Pair> pairsOf(std::string_view text) {
    std::vector<Pair> pairs;
    core::cutLines(text, [&](std::string_view line) {
        pairs.push_back(pairOf(line));
        return true;
    });
    return pairs;
}

template <class T>
Seen shown(const std::vector<T>& elements) {
    Seen lines;
    for (const auto& element : elements) core::appendElement(lines.emplace_back(), element);
    return lines;
}

// What build(pairs) gives of `text`, taken in as many batches as asked, in the order in which an
// output sees it: the batches behind each other.
inline Seen seenInOrder(const std::string& text, unsigned workers,
                        const std::function<void(const Pairs&, Seen&)>& build,
                        std::size_t batches = 1) {
    Seen seen;
    Life life(inMemory(workers));
    build(life.context().memoryTextStream(text, text.size() / batches + 1).map(pairOf), seen);
    life.start();
    life.run(batches);
    life.context().stop();
    return seen;
}

// Lets `stream` be seen in order by one output.
template <class T>
void see(const DStream<T>& stream, Seen& into) {
    stream.forEachBatch([&into](Batch<T>& batch) {
        for (auto& line : shown(batch.collect())) into.push_back(std::move(line));
    });
}

// The pairs of each key, in their order; keys as a shuffle gives them: range by range, each in the
// order in which its keys came.
inline std::vector<std::pair<std::string_view, std::vector<std::int64_t>>> groupsOf(
    const std::vector<Pair>& pairs) {
    std::array<std::vector<std::pair<std::string_view, std::vector<std::int64_t>>>,
               core::kKeyRanges>
        ranges;
    std::map<std::string_view, std::size_t> places;
    for (const auto& [key, value] : pairs) {
        auto& range = ranges[core::keyRangeOf(core::keyGroup(key))];
        const auto [place, isNew] = places.try_emplace(key, range.size());
        if (isNew) range.emplace_back(key, std::vector<std::int64_t>());
        range[place->second].second.push_back(value);
    }
    std::vector<std::pair<std::string_view, std::vector<std::int64_t>>> all;
    for (auto& range : ranges) all.insert(all.end(), range.begin(), range.end());
    return all;
}

// Says of a list what its order changes.
inline std::int64_t inOrder(const std::vector<std::int64_t>& values) {
    std::uint64_t hash = values.size();
    for (const auto value : values) hash = hash * 1000003 + static_cast<std::uint64_t>(value);
    return static_cast<std::int64_t>(hash);
}
// Of numbers that may be any: what is too large wraps round.
inline std::int64_t mixed(std::int64_t first, std::int64_t second) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) * 31 +
                                     static_cast<std::uint64_t>(second));
}
inline std::int64_t negative(std::int64_t value) { return -value; }

inline std::vector<Pair> eachGroup(
    const std::vector<Pair>& pairs,
    const std::function<std::int64_t(const std::vector<std::int64_t>&)>& f) {
    std::vector<Pair> made;
    for (const auto& [key, values] : groupsOf(pairs)) made.emplace_back(key, f(values));
    return made;
}

template <class T>
std::vector<T> operator+(std::vector<T> a, const std::vector<T>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

inline std::int64_t sizeOf(const std::vector<std::int64_t>& values) {
    return static_cast<std::int64_t>(values.size());
}

inline void expectInOrder(const std::string& text, const std::vector<Pair>& expected,
                          const std::function<Pairs(const Pairs&)>& build, int repeats = 1) {
    const auto lines = shown(expected);
    for (const unsigned workers : kWorkers)
        for (int repeat = 0; repeat < repeats; ++repeat)
            ASSERT_TRUE(seenInOrder(text, workers,
                                    [&](const Pairs& pairs, Seen& seen) {
                                        see(build(pairs), seen);
                                    }) == lines)
                << "on " << workers << " workers";
}

}  // namespace tidemill::test
