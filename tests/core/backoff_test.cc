#include "core/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace tidemill::core {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesToHalfAMinuteWithJitter) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Backoff backoff(milliseconds(2'000), seed);
        for (const int most : {2'000, 4'000, 8'000, 16'000, 30'000, 30'000, 30'000}) {
            const auto wait = backoff.next();
            EXPECT_LE(wait, milliseconds(most));
            EXPECT_GE(wait, milliseconds(most / 2));
        }
        backoff.reset();
        EXPECT_LE(backoff.next(), milliseconds(2'000));
    }
}

TEST(Backoff, ManyDoNotComeBackAtOneMoment) {
    std::set<milliseconds> waits;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Backoff backoff(milliseconds(2'000), seed);
        (void)backoff.next();
        waits.insert(backoff.next());
    }
    EXPECT_GT(waits.size(), 50u);
}

TEST(Backoff, TheSameSeedWaitsTheSame) {
    Backoff one(milliseconds(20), 7), two(milliseconds(20), 7);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(one.next(), two.next());
}

TEST(Backoff, ShortAndLongFirstWaitsAreBounded) {
    Backoff none(milliseconds(0), 1), days(std::chrono::hours(48), 1);
    EXPECT_EQ(none.next(), milliseconds(1));
    EXPECT_LE(days.next(), Backoff::kMost);
}

}  // namespace
}  // namespace tidemill::core
