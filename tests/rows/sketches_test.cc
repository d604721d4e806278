#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "rows/sketches/distinct_sketch.h"
#include "rows/sketches/percentile_sketch.h"

namespace tidemill::rows {
namespace {

template <class Sketch>
std::string bytesOf(const Sketch& sketch) {
    std::string bytes;
    sketch.encode(bytes);
    return bytes;
}

DistinctSketch distinctOf(std::uint64_t from, std::uint64_t to) {
    DistinctSketch sketch;
    for (std::uint64_t i = from; i < to; ++i)
        sketch.add({reinterpret_cast<const char*>(&i), sizeof i});
    return sketch;
}

TEST(DistinctSketch, FewValuesAreCountedExactly) {
    EXPECT_EQ(DistinctSketch().estimate(), 0u);
    DistinctSketch sketch = distinctOf(0, DistinctSketch::kExactMax);
    sketch.merge(distinctOf(0, DistinctSketch::kExactMax));
    EXPECT_EQ(sketch.estimate(), DistinctSketch::kExactMax);
}

// 1.04 / sqrt(4096) at every size: the spread over many sets, and no bias.
TEST(DistinctSketch, TheErrorIsAsStated) {
    for (const std::uint64_t size : {200u, 1000u, 5000u, 12'000u, 100'000u}) {
        const int sets = size > 50'000 ? 40 : 100;
        double sum = 0;
        double squares = 0;
        for (int set = 0; set < sets; ++set) {
            const std::uint64_t from = static_cast<std::uint64_t>(set + 1) << 40;
            const auto estimate = static_cast<double>(distinctOf(from, from + size).estimate());
            const double error = estimate / static_cast<double>(size) - 1;
            EXPECT_LT(std::abs(error), 0.07) << size;
            sum += error;
            squares += error * error;
        }
        EXPECT_LT(std::sqrt(squares / sets), 0.0163 * 1.35) << size;
        EXPECT_LT(std::abs(sum / sets), 0.0163 * 3.5 / std::sqrt(sets)) << size;
    }
}

TEST(DistinctSketch, TheSameSetMakesTheSameBytesInAnyOrder) {
    std::mt19937_64 random(2);
    for (const std::uint64_t each : {10u, 40u, 2000u}) {
        std::vector<DistinctSketch> parts;
        for (std::uint64_t i = 0; i < 8; ++i)
            parts.push_back(distinctOf(i * each / 2, i * each / 2 + each));
        const std::string whole = bytesOf(distinctOf(0, 7 * each / 2 + each));
        for (int i = 0; i < 20; ++i) {
            std::shuffle(parts.begin(), parts.end(), random);
            DistinctSketch left;
            for (const auto& part : parts) left.merge(part);
            ASSERT_EQ(bytesOf(left), whole) << each;
            DistinctSketch pairs[2];
            for (std::size_t n = 0; n < parts.size(); ++n) pairs[n % 2].merge(parts[n]);
            pairs[1].merge(pairs[0]);
            ASSERT_EQ(bytesOf(pairs[1]), whole) << each;
        }
    }
}

TEST(DistinctSketch, BytesAreReadBackOrRefused) {
    for (const std::uint64_t size : {0u, 5u, 128u, 129u, 5000u}) {
        const std::string bytes = bytesOf(distinctOf(0, size));
        const auto back = DistinctSketch::decode(bytes);
        ASSERT_TRUE(back);
        EXPECT_EQ(bytesOf(*back), bytes);
        EXPECT_FALSE(DistinctSketch::decode(bytes + "x"));
        EXPECT_FALSE(DistinctSketch::decode(std::string_view(bytes).substr(0, 1)));
        std::string newer = bytes;
        newer[0] = 2;
        EXPECT_EQ(DistinctSketch::decode(newer).error().kind, core::ErrorKind::kUnsupported);
    }
    std::string bytes = bytesOf(distinctOf(0, 5000));
    bytes[100] = 60;
    EXPECT_FALSE(DistinctSketch::decode(bytes));
    bytes = bytesOf(distinctOf(0, 2));
    std::swap_ranges(bytes.begin() + 2, bytes.begin() + 10, bytes.begin() + 10);
    EXPECT_FALSE(DistinctSketch::decode(bytes));
    EXPECT_FALSE(DistinctSketch::decode(""));
}

PercentileSketch percentilesOf(const std::vector<double>& values) {
    PercentileSketch sketch;
    for (const double value : values) sketch.add(value);
    return sketch;
}

std::vector<double> valuesOf(int kind, std::mt19937_64& random, std::size_t count) {
    std::vector<double> values(count);
    for (double& value : values) {
        switch (kind) {
            case 0: value = static_cast<double>(random() % 1000); break;
            case 1: value = std::lognormal_distribution<double>(0, 3)(random); break;
            case 2: value = std::normal_distribution<double>(0, 100)(random); break;
            default: value = -std::exponential_distribution<double>(0.001)(random);
        }
    }
    return values;
}

TEST(PercentileSketch, EveryAnswerIsWithinOnePercentOfTheValueOfThatRank) {
    std::mt19937_64 random(3);
    for (int kind = 0; kind < 4; ++kind) {
        auto values = valuesOf(kind, random, 20'000);
        const auto sketch = percentilesOf(values);
        std::sort(values.begin(), values.end());
        for (double fraction = 0; fraction <= 1; fraction += 0.001) {
            const auto rank =
                static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1));
            ASSERT_NEAR(*sketch.at(fraction), values[rank],
                        std::abs(values[rank]) * PercentileSketch::kRelativeError * (1 + 1e-9))
                << kind << " " << fraction;
        }
        EXPECT_EQ(*sketch.at(0), values.front());
        EXPECT_EQ(*sketch.at(1), values.back());
        EXPECT_EQ(sketch.count(), values.size());
    }
}

TEST(PercentileSketch, InfinitiesAndNaNHaveTheirPlaces) {
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_FALSE(PercentileSketch().at(0.5));
    const auto sketch = percentilesOf({std::nan(""), infinity, 0, -infinity, -0.0});
    EXPECT_EQ(*sketch.at(0), -infinity);
    EXPECT_EQ(*sketch.at(0.5), 0);
    EXPECT_EQ(*sketch.at(0.75), infinity);
    EXPECT_TRUE(std::isnan(*sketch.at(1)));
    const auto extremes = percentilesOf(
        {std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max()});
    EXPECT_EQ(*extremes.at(1), std::numeric_limits<double>::max());
    EXPECT_EQ(*percentilesOf({std::numeric_limits<double>::denorm_min()}).at(0),
              std::numeric_limits<double>::denorm_min());
    ASSERT_TRUE(PercentileSketch::decode(bytesOf(extremes)));
}

TEST(PercentileSketch, TheSameValuesMakeTheSameBytesInAnyOrder) {
    std::mt19937_64 random(5);
    // Sizes of all doubles, so that buckets must be given up.
    std::vector<double> values(3000);
    for (double& value : values)
        value = std::ldexp(1.5, static_cast<int>(random() % 2000) - 1000) *
                (random() % 2 == 0 ? 1 : -1);
    values.push_back(0);
    values.push_back(std::nan(""));
    const std::string whole = bytesOf(percentilesOf(values));
    for (int i = 0; i < 20; ++i) {
        std::shuffle(values.begin(), values.end(), random);
        PercentileSketch parts[4];
        for (std::size_t n = 0; n < values.size(); ++n) parts[random() % 4].add(values[n]);
        std::shuffle(std::begin(parts), std::end(parts), random);
        parts[0].merge(parts[1]);
        parts[2].merge(parts[3]);
        parts[2].merge(parts[0]);
        ASSERT_EQ(bytesOf(parts[2]), whole);
    }
}

TEST(PercentileSketch, BytesAreReadBackOrRefused) {
    std::mt19937_64 random(7);
    for (int kind = 0; kind < 4; ++kind) {
        const std::string bytes = bytesOf(percentilesOf(valuesOf(kind, random, 500)));
        const auto back = PercentileSketch::decode(bytes);
        ASSERT_TRUE(back);
        EXPECT_EQ(bytesOf(*back), bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            ASSERT_FALSE(PercentileSketch::decode(std::string_view(bytes).substr(0, size)));
        EXPECT_FALSE(PercentileSketch::decode(bytes + "x"));
        for (int i = 0; i < 2000; ++i) {
            std::string damaged = bytes;
            damaged[random() % damaged.size()] = static_cast<char>(random());
            if (const auto read = PercentileSketch::decode(damaged)) read->at(0.5);
        }
    }
    std::string newer = bytesOf(PercentileSketch());
    newer[0] = 2;
    EXPECT_EQ(PercentileSketch::decode(newer).error().kind, core::ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace tidemill::rows
