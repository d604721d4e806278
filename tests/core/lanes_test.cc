#include "core/lanes.h"

#include <gtest/gtest.h>

namespace tidemill::core {
namespace {

BlockOrigin part(std::string lane, std::string from, std::string to) {
    BlockOrigin origin;
    origin.lane = std::move(lane);
    origin.from = std::move(from);
    origin.to = std::move(to);
    return origin;
}

TEST(Lanes, TakeEachPartOnceAndInOrder) {
    Lanes lanes;
    EXPECT_EQ(lanes.position("a"), "");
    EXPECT_TRUE(lanes.advance(part("a", "", "shard:7")));
    EXPECT_FALSE(lanes.advance(part("a", "", "shard:7"))) << "the same again";
    EXPECT_FALSE(lanes.advance(part("a", "shard:8", "shard:9"))) << "a hole";
    EXPECT_EQ(lanes.position("a"), "shard:7");
    EXPECT_TRUE(lanes.advance(part("a", "shard:7", "shard:9")));
    EXPECT_TRUE(lanes.advance(part("b", "", "x")));
    EXPECT_FALSE(lanes.advance(part("c", "x", "y")))
        << "a lane nobody knows begins at its beginning";
    EXPECT_EQ(lanes.size(), 2u);
}

TEST(Lanes, BlocksWithoutALaneAreTaken) {
    Lanes lanes;
    EXPECT_TRUE(lanes.advance({}));
    EXPECT_TRUE(lanes.advance({}));
    EXPECT_EQ(lanes.size(), 0u);
}

TEST(Lanes, GoOnFromPositionsThatWereKept) {
    Lanes lanes(LanePositions{{"a", "5"}});
    EXPECT_FALSE(lanes.advance(part("a", "", "1")));
    EXPECT_TRUE(lanes.advance(part("a", "5", "6")));
}

TEST(Lanes, LinesAreCountedInEightBytes) {
    EXPECT_EQ(linePosition(0), "");
    EXPECT_EQ(linePosition(258), std::string("\2\1\0\0\0\0\0\0", 8));
    for (const std::uint64_t lines : {0ull, 1ull, 258ull, ~0ull})
        EXPECT_EQ(linesAt(linePosition(lines)), lines);
    EXPECT_EQ(linesAt("short"), 0u);
    EXPECT_EQ(linesAt("longer than it"), 0u);
}

TEST(Lanes, OversizeLinesKeepTheirNumbers) {
    BlockOrigin origin;
    origin.firstLine = 11;
    origin.lines = 2;
    origin.oversize = 3;
    setLineLane(origin, "s");
    EXPECT_EQ(linesAt(origin.from), 10u);
    EXPECT_EQ(linesAt(origin.to), 15u);
}

}  // namespace
}  // namespace tidemill::core
