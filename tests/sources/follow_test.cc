// What a stream of files that grow takes, on a disk in memory.
#include "tests/sources/follow_fixture.h"

namespace tidemill::sources::follow {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Follow : public FollowFixture {};

TEST_F(Follow, WhatIsAppendedIsTakenOnce) {
    append("/in/a.log", "one\ntwo\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
    round();
    append("/in/a.log", "three\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("one", "two", "three"));
    EXPECT_EQ(follower_->counters().records, 3u);
    EXPECT_EQ(follower_->counters().bytes, 14u);
}

TEST_F(Follow, EveryFileIsALaneWithANumberForEachLine) {
    append("/in/a.log", "one\ntwo\n");
    append("/in/b.log", "b\n");
    round();
    append("/in/a.log", "three\n");
    round();
    std::map<std::string, std::vector<std::uint64_t>> first;
    for (const auto& origin : log_.origins())
        if (origin.lines != 0) first[origin.lane].push_back(origin.firstLine);
    ASSERT_EQ(first.size(), 2u);
    EXPECT_THAT(first.begin()->second, ElementsAre(1, 3));
    EXPECT_TRUE(first.begin()->first.starts_with("follow//in//1-")) << first.begin()->first;
}

TEST_F(Follow, AnUnfinishedLineWaitsForItsEnd) {
    append("/in/a.log", "one\ntw");
    round();
    EXPECT_THAT(lines(), ElementsAre("one"));
    append("/in/a.log", "o");
    round(1h);
    EXPECT_THAT(lines(), ElementsAre("one"));
    append("/in/a.log", "\nthree");
    round();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
}

TEST_F(Follow, ALifeGoesOnWhereTheLogIs) {
    append("/in/a.log", "one\ntw");
    append("/in/b.log", "b\n");
    round();
    begin();
    append("/in/a.log", "o\n");
    append("/in/c.log", "c\n");
    round();
    begin();
    round();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "b", "c"));
}

TEST_F(Follow, AtTheEndOnlyWhatIsThereAtTheFirstStartIsLeft) {
    options_.start = FollowStart::kEnd;
    append("/in/a.log", "old\nunfinish");
    append("/in/empty.log", "");
    round();
    EXPECT_THAT(lines(), IsEmpty());
    append("/in/a.log", "ed\n");
    append("/in/empty.log", "first\n");
    append("/in/b.log", "new\n");
    round();
    EXPECT_THAT(lines(), UnorderedElementsAre("unfinished", "first", "new"));
    begin();
    append("/in/c.log", "later\n");
    round();
    EXPECT_THAT(lines(), UnorderedElementsAre("unfinished", "first", "new", "later"));
}

TEST_F(Follow, APatternChoosesFilesAndDirectories) {
    path_ = "/in/day-*/*.log";
    ASSERT_TRUE(disk_.createDirectory("/in/day-1"));
    append("/in/day-1/a.log", "a\n");
    append("/in/day-1/a.txt", "not this\n");
    append("/in/day-1/.hidden.log", "not this\n");
    round();
    ASSERT_TRUE(disk_.createDirectory("/in/day-2"));
    append("/in/day-2/b.log", "b\n");
    round();
    EXPECT_THAT(lines(), UnorderedElementsAre("a", "b"));
}

TEST_F(Follow, ADirectoryWithoutASlashIsRefused) {
    path_ = "/in";
    const auto begun = tryBegin();
    ASSERT_FALSE(begun);
    EXPECT_THAT(begun.error().message, HasSubstr("with a '/' at its end"));
}

TEST_F(Follow, CompressedFilesAreNotFollowed) {
    append("/in/a.log.2.gz", "zipped\n");
    append("/in/a.log", "a\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("a"));
}

TEST_F(Follow, LinesThatAreTooLongAreLeftOutAndCounted) {
    recordBytesMax_ = 10;
    blockBytesMax_ = 16;
    append("/in/a.log", "0123456789\n0123456789\r\n0123456789a\nshort\n");
    round();
    append("/in/a.log", std::string(1000, 'x'));
    round();
    append("/in/a.log", std::string(1000, 'y'));
    round();
    EXPECT_THAT(lines(), ElementsAre("0123456789", "0123456789\r", "short"));
    EXPECT_EQ(log_.oversizeCount(), 1u);
    append("/in/a.log", "z\nend\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("0123456789", "0123456789\r", "short", "end"));
    EXPECT_EQ(log_.oversizeCount(), 2u);
    EXPECT_EQ(follower_->counters().oversize, 2u);
}

TEST_F(Follow, ManyBlocksHoldWhatTheFileHolds) {
    recordBytesMax_ = 50;
    blockBytesMax_ = 64;
    Lines expected;
    std::string text;
    for (int i = 0; i < 1'000; ++i) {
        expected.push_back(std::string(static_cast<std::size_t>(i % 51), 'l'));
        text += expected.back() + "\n";
    }
    append("/in/a.log", text);
    round();
    EXPECT_EQ(lines(), expected);
}

TEST_F(Follow, ARateEndsARoundWithinARecord) {
    append("/in/a.log", "one\ntwo\nthree\nfour\n");
    append("/in/b.log", "b\n");
    begin();
    intake_.allow({2, core::Allowance::kUnlimited});
    round();
    EXPECT_EQ(lines().size(), 2u);
    intake_.allow({core::Allowance::kUnlimited, 1});
    round();
    EXPECT_EQ(lines().size(), 3u);
    intake_.allow({});
    round();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three", "four", "b"));
}

TEST_F(Follow, NoFileKeepsTheOthersFromTheirTurnUnderARate) {
    std::string much;
    for (int i = 0; i < 1'000; ++i) much += "much\n";
    append("/in/a.log", much);
    append("/in/b.log", "b\n");
    begin();
    for (int i = 0; i < 4; ++i) {
        intake_.allow({10, core::Allowance::kUnlimited});
        round();
    }
    EXPECT_THAT(lines(), ::testing::Contains("b"));
}

TEST_F(Follow, WhatHasNoRoomWaits) {
    pool_ = core::BufferPool::make(core::BufferPool::kSmallestBytes);
    auto all = pool_->tryAcquire(1);
    append("/in/a.log", "one\n");
    round();
    EXPECT_THAT(lines(), IsEmpty());
    all = {};
    round();
    EXPECT_THAT(lines(), ElementsAre("one"));
}

TEST_F(Follow, AFileThatCannotBeReadIsTriedAgainAndTheOthersGoOn) {
    files_.refuse("/in/a.log", true);
    append("/in/a.log", "one\n");
    append("/in/b.log", "b\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("b"));
    ASSERT_EQ(reports_.size(), 1u);
    EXPECT_THAT(reports_[0], HasSubstr("\"/in/a.log\" cannot be read, and is tried again"));
    files_.refuse("/in/a.log", false);
    round(1s);
    EXPECT_THAT(lines(), ElementsAre("b", "one"));
}

TEST_F(Follow, ALaneThatAnotherHasMovedEndsTheJob) {
    append("/in/a.log", "one\n");
    round();
    const auto lane = log_.origins().back();
    core::BlockOrigin other;
    other.lane = lane.lane;
    other.from = lane.to;
    other.to = "elsewhere";
    log_.append(std::make_shared<core::Block>(
        core::Buffer::unpooled(core::BufferPool::kSmallestBytes), 0, other));
    append("/in/a.log", "two\n");
    round();
    ASSERT_TRUE(follower_->failure());
    EXPECT_THAT(follower_->failure()->message, HasSubstr("is followed twice"));
}

TEST_F(Follow, TheLanesThatAreShownAreBounded) {
    for (int i = 0; i < 150; ++i) append("/in/" + std::to_string(i), "x\n");
    round();
    append("/in/7", "unfinished");
    round();
    const auto lanes = follower_->lanes();
    ASSERT_EQ(lanes.size(), Follower::kShownMax);
    EXPECT_EQ(lanes[0].lane, "/in/7");
    EXPECT_EQ(lanes[0].position, "2 of 12 bytes");
}

TEST_F(Follow, APositionIsReadBackAndDamageIsNot) {
    FollowPosition position{3, 5'000, 77, 0, 0};
    setAnchor(position, std::string(2'000, 'a'));
    EXPECT_EQ(position.anchorBytes, kAnchorBytes);
    const auto bytes = encode(position);
    EXPECT_EQ(decodeFollowPosition(bytes).value(), position);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decodeFollowPosition(bytes.substr(0, size)));
    position.anchorBytes = 5'001;
    EXPECT_FALSE(decodeFollowPosition(encode(position)));
    EXPECT_FALSE(decodeFollowPosition("\x02" + bytes.substr(1)));
}

// The example of docs/formats/followed_files.md.
TEST_F(Follow, APositionIsWrittenAsItsPageSays) {
    FollowPosition position{0, 8, 2, 0, 0};
    setAnchor(position, "one\ntwo\n");
    const std::string expected{
        "\x01\0\0\0\0"
        "\x08\0\0\0\0\0\0\0"
        "\x02\0\0\0\0\0\0\0"
        "\x08\0\0\0"
        "\x1d\xc0\x24\xca\x29\x84\x62\x6e",
        33};
    EXPECT_EQ(encode(position), expected);
}

TEST_F(Follow, ALaneNamesItsFile) {
    const FileKey key{{0x2a, 0x1f}, 0x1234};
    EXPECT_EQ(laneOf("follow/logs/", key), "follow/logs/2a-1f-1234");
    EXPECT_EQ(keyOfLane("follow/logs/", "follow/logs/2a-1f-1234"), key);
    // Of the stream of another path.
    EXPECT_FALSE(keyOfLane("follow/logs/", "follow/logs/more/2a-1f-1234"));
    EXPECT_FALSE(keyOfLane("follow/logs/", begunLane("follow/logs/")));
}

}  // namespace
}  // namespace tidemill::sources::follow
