// Rates of sources: what they say, what they let through, and what operators' orders outlast.
#include "core/rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tidemill/intake.h"
#include "tidemill/rate_limit.h"

namespace tidemill {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(Rate, IsReadInItsUnits) {
    EXPECT_EQ(parseRate("5000 records/s"), Rate::records(5000));
    EXPECT_EQ(parseRate("5000records/s"), Rate::records(5000));
    EXPECT_EQ(parseRate("10 MiB/s"), Rate::bytes(10 << 20));
    EXPECT_EQ(parseRate("64kB/s"), Rate::bytes(64'000));
    EXPECT_EQ(parseRate("1 B/s"), Rate::bytes(1));
    for (const auto* wrong :
         {"", "5000", "0 records/s", "-1 records/s", "5000 records", "5 lines/s", "1.5 MiB/s",
          "99999999999999999999 B/s", "9999999999 GiB/s", "5  MiB/s", "5 MiB/s "})
        EXPECT_EQ(parseRate(wrong), std::nullopt) << wrong;
    EXPECT_EQ(parseRate(toString(Rate::records(7))), Rate::records(7));
    EXPECT_EQ(parseRate(toString(Rate::bytes(1 << 30))), Rate::bytes(1 << 30));
}

// A source that takes all it is allowed, and what it took in so many looks.
std::uint64_t takesIn(Rate rate, nanoseconds every, int looks, std::uint64_t overshoot = 0) {
    RateLimit limit(rate, seconds(1), nanoseconds(0));
    core::SourceStatistics taken;
    for (int i = 1; i <= looks; ++i) {
        const auto allowed = limit.look(taken, i * every);
        if (rate.unit == Rate::Unit::kBytes) {
            EXPECT_EQ(allowed.records, core::Allowance::kUnlimited);
            if (allowed.bytes != 0) taken.bytes += allowed.bytes + overshoot;
        } else if (allowed.records != 0) {
            taken.records += allowed.records + overshoot;
            taken.bytes += 50 * (allowed.records + overshoot);
        }
    }
    return rate.unit == Rate::Unit::kBytes ? taken.bytes : taken.records;
}

TEST(RateLimit, HoldsOnAverage) {
    EXPECT_NEAR(double(takesIn(Rate::bytes(100'000), milliseconds(10), 1000)), 1e6, 2000);
    EXPECT_NEAR(double(takesIn(Rate::records(3), milliseconds(10), 1000)), 30, 1);
    // However late it looks, and though the source takes more than it may.
    EXPECT_NEAR(double(takesIn(Rate::bytes(100'000), milliseconds(10), 1000, 5000)), 1e6, 10'000);
    EXPECT_NEAR(double(takesIn(Rate::records(1000), milliseconds(700), 100, 300)), 70'000, 1500);
}

TEST(RateLimit, AnIdleSourceMakesUpForASecond) {
    RateLimit limit(Rate::records(1000), seconds(1), nanoseconds(0));
    EXPECT_EQ(limit.look({}, seconds(60)).records, 1000u);
}

TEST(RateLimit, OfRecordsWhatIsReadAndNotLoggedIsEstimated) {
    RateLimit limit(Rate::records(1000), seconds(1), nanoseconds(0));
    core::SourceStatistics taken;
    taken.records = 100;
    taken.bytes = 2000;
    EXPECT_EQ(limit.look(taken, seconds(1)).records, 1000u);
    // 500 more of 20 bytes are read, of which the log knows nothing yet.
    taken.bytes += 10'000;
    const auto allowed = limit.look(taken, seconds(1));
    EXPECT_EQ(allowed.records, 500u);
    EXPECT_EQ(allowed.bytes, 10'000u);
    // They were 400, of 25 bytes.
    taken.records += 400;
    const auto then = limit.look(taken, seconds(1));
    EXPECT_EQ(then.records, 600u);
    EXPECT_EQ(then.bytes, 15'000u);
}

TEST(RateLimit, OfASourceThatIsAskedItIsWhatABatchMayTake) {
    RateLimit limit(Rate::bytes(1000), seconds(10), nanoseconds(0));
    EXPECT_EQ(limit.allowed(seconds(2)), 2000u);
    limit.took(5000);  // one record was larger
    EXPECT_EQ(limit.allowed(seconds(4)), 0u);
    EXPECT_EQ(limit.allowed(seconds(6)), 1000u);
    EXPECT_EQ(limit.allowed(seconds(1000)), 10'000u);
}

TEST(IntakeOrders, AreReadAsTheyWereWritten) {
    const std::vector<IntakeOrder> orders{{"clicks", true, std::nullopt},
                                          {"listenTextStream 2", false, Rate::records(50)}};
    EXPECT_EQ(decodeIntake(encodeIntake(orders)).value(), orders);
    EXPECT_EQ(decodeIntake(encodeIntake({})).value(), std::vector<IntakeOrder>());
    const auto text = encodeIntake(orders);
    for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
        const auto cut = decodeIntake(text.substr(0, bytes));
        if (cut) EXPECT_LT(cut->size(), orders.size()) << bytes;
        else EXPECT_EQ(cut.error().kind, core::ErrorKind::kCorrupt);
    }
    EXPECT_FALSE(decodeIntake("tidemill intake\nversion 1\npaused\tmuch\tx\n"));
    EXPECT_FALSE(decodeIntake("tidemill intake\nversion 1\nhalted\tas the job says\tx\n"));
}

}  // namespace
}  // namespace tidemill
