// Rows that are found by their time.
#include "state/time_rows.h"

#include <gtest/gtest.h>

#include <limits>

#include "state/state_reader.h"
#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

using Rows = std::vector<std::pair<std::uint64_t, std::string>>;
constexpr std::uint64_t kEver = std::numeric_limits<std::uint64_t>::max();

class TimeRowsTest : public StoreFixture {
protected:
    TimeRows of(std::uint32_t range) {
        return TimeRows(store_->table(kOperator, 0, ValueKind::kBytes).range(range));
    }
    static Rows visited(TimeRows& rows, std::uint64_t first = 0, std::uint64_t end = kEver) {
        Rows seen;
        must(rows.visit(first, end, [&](std::uint64_t time, std::string_view bytes) {
            seen.emplace_back(time, bytes);
            return core::Result<>();
        }));
        return seen;
    }
};

TEST_F(TimeRowsTest, RowsComeInTheOrderOfTimeAndOfAdding) {
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
        auto rows = of(range);
        must(rows.append(300, "c"));
        must(rows.append(2, "a"));
        must(rows.append(2, "b"));
        must(rows.append(300, "d"));
        must(rows.append(std::uint64_t{1} << 40, "e"));
        EXPECT_EQ(
            visited(rows),
            (Rows{{2, "a"}, {2, "b"}, {300, "c"}, {300, "d"}, {std::uint64_t{1} << 40, "e"}}));
        EXPECT_EQ(visited(rows, 3, 301), (Rows{{300, "c"}, {300, "d"}}));
        EXPECT_EQ(must(rows.oldest()), 2u);
    }
}

TEST_F(TimeRowsTest, WhatIsRemovedIsGoneAndEarlierTimesMayComeAgain) {
    auto rows = of(3);
    EXPECT_EQ(must(rows.oldest()), std::nullopt);
    for (std::uint64_t time = 1; time <= 5; ++time) must(rows.append(time, "x"));
    must(rows.removeBefore(4));
    EXPECT_EQ(visited(rows), (Rows{{4, "x"}, {5, "x"}}));
    EXPECT_EQ(must(rows.oldest()), 4u);
    must(rows.append(2, "late"));
    EXPECT_EQ(visited(rows), (Rows{{2, "late"}, {4, "x"}, {5, "x"}}));
}

TEST_F(TimeRowsTest, RowsGoOnBehindACheckpoint) {
    Rows expected;
    std::uint64_t batch = 0;
    for (const char* bytes : {"first", "second", "third"}) {
        auto rows = of(9);
        EXPECT_EQ(visited(rows), expected);
        must(rows.append(7, bytes));
        expected.emplace_back(7, bytes);
        EXPECT_EQ(visited(rows), expected);
        restartFrom(checkpoint(++batch));
    }
}

TEST_F(TimeRowsTest, AWalkShowsTheRowsOfItsBeginning) {
    auto rows = of(0);
    for (std::uint64_t time = 1; time <= 3; ++time) must(rows.append(time, std::to_string(time)));
    Rows seen;
    must(rows.visit(0, kEver, [&](std::uint64_t time, std::string_view bytes) -> core::Result<> {
        seen.emplace_back(time, bytes);
        return rows.append(time + 10, "added");
    }));
    EXPECT_EQ(seen, (Rows{{1, "1"}, {2, "2"}, {3, "3"}}));
    EXPECT_EQ(visited(rows).size(), 6u);
}

TEST_F(TimeRowsTest, PutReplacesWhatTheTimeHeld) {
    auto rows = of(4);
    for (std::uint64_t time : {7, 8, 9}) must(rows.put(time, "first"));
    must(rows.removeBefore(8));
    must(rows.put(8, "second"));
    EXPECT_EQ(visited(rows), (Rows{{8, "second"}, {9, "first"}}));
}

TEST_F(TimeRowsTest, AVisitEndsWhenItWasToldSo) {
    auto rows = of(5);
    for (std::uint64_t time = 1; time <= 5; ++time) must(rows.append(time, "x"));
    std::vector<std::uint64_t> seen;
    must(rows.visitWhile(2, kEver, [&](std::uint64_t time, std::string_view) {
        seen.push_back(time);
        return core::Result<bool>(time < 3);
    }));
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(TimeRowsTest, RowsOfOtherRangesAreNotSeen) {
    auto one = of(1), two = of(2);
    must(one.append(5, "one"));
    must(two.append(5, "two"));
    must(one.removeBefore(6));
    EXPECT_EQ(visited(one), Rows());
    EXPECT_EQ(visited(two), (Rows{{5, "two"}}));
}

TEST_F(TimeRowsTest, RowsStayFlatOverManyWindowsWithoutACheckpoint) {
    auto rows = of(6);
    for (std::uint64_t pane = 1; pane <= 5000; ++pane) {
        for (std::uint32_t piece = 0; piece < 3; ++piece) must(rows.put(pane, "x", piece));
        if (pane > 10) must(rows.removeBefore(pane - 9));
        if (pane % 500 == 0) must(store_->spill());
    }
    EXPECT_EQ(visited(rows).size(), 30u);
    const auto generation = checkpoint(1);
    const auto reader = must(StateReader::open(generation));
    for (const auto& table : must(reader->tables(true))) {
        if (table.operatorId == kOperator) {
            EXPECT_EQ(table.rows, 30u);
        }
    }
}

}  // namespace
}  // namespace tidemill::state
