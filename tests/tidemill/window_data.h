// Streams and expected data that the tests of windows share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/batch_harness.h"

namespace tidemill::test {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Words = std::vector<std::vector<std::string>>;
using Seen = std::map<std::uint64_t, std::vector<std::string>>;
using Count = std::pair<std::string, std::int64_t>;

inline const auto kPlus = std::plus<std::int64_t>();
inline const auto kMinus = std::minus<std::int64_t>();
inline const auto kNotZero = [](const Count& count) { return count.second != 0; };

inline const Words kBig{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b"}, {"a"}, {},
                        {"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b"}, {"a"}, {}};
inline const Batches kBigCounts{{"(a,1)"},
                                {"(a,2)", "(b,1)"},
                                {"(a,2)", "(b,2)", "(c,1)"},
                                {"(a,2)", "(b,2)", "(c,1)"},
                                {"(a,2)", "(b,1)"},
                                {"(a,1)"},
                                {"(a,1)"},
                                {"(a,2)", "(b,1)"},
                                {"(a,2)", "(b,2)", "(c,1)"},
                                {"(a,2)", "(b,2)", "(c,1)"},
                                {"(a,2)", "(b,1)"},
                                {"(a,1)"}};

inline auto ones(DStream<std::string> words) {
    return words.map([](const std::string& w) { return Count(w, 1); });
}

// Strings show in which order a window reduced its values.
inline auto joined(DStream<std::string> words) {
    return words.map([](const std::string& w) { return std::pair(w.substr(0, 1), w); });
}
inline const auto kJoin = [](const std::string& a, const std::string& b) { return a + b; };

// Lengths and slides of windows, in seconds.
inline const std::pair<int, int> kSpans[] = {{5, 1}, {6, 2}, {7, 3}, {4, 4}, {2, 3}};

}  // namespace tidemill::test
