// Files that are rotated while they are followed: renamed, copied and truncated, removed.
#include "tests/sources/follow_fixture.h"

namespace tidemill::sources::follow {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class FollowRotation : public FollowFixture {
protected:
    FollowRotation() { path_ = "/in/a.log"; }
};

TEST_F(FollowRotation, ARenamedFileIsReadToItsEndAndTheNewOneFromItsBeginning) {
    append("/in/a.log", "one\n");
    round();
    append("/in/a.log", "two\n");
    rename("/in/a.log", "/in/a.log.1");
    append("/in/a.log", "three\n");
    rounds();
    // Its writer has not opened the new one yet.
    append("/in/a.log.1", "late\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two", "three", "late"));
    EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FollowRotation, TheSameInADowntime) {
    append("/in/a.log", "one\n");
    round();
    follower_.reset();
    append("/in/a.log", "two\n");
    rename("/in/a.log", "/in/old.1");
    append("/in/a.log", "three\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three"));
}

TEST_F(FollowRotation, AFileThatWasRotatedBeforeItWasSeenIsReadToo) {
    append("/in/a.log.7", "from before\n");
    append("/in/a.log", "one\n");
    round();
    rename("/in/a.log", "/in/a.log.1");
    append("/in/a.log", "two\n");
    rename("/in/a.log.1", "/in/a.log.2");
    rename("/in/a.log", "/in/a.log.1");
    append("/in/a.log", "three\n");
    append("/in/a.log.old", "of somebody else\n");
    append("/in/other.log.1", "of somebody else\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three"));
    follower_.reset();
    rename("/in/a.log", "/in/a.log-20261130");
    append("/in/a.log", "four\n");
    rename("/in/a.log", "/in/a.log-20261130-1");
    append("/in/a.log", "five\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three", "four", "five"));
}

TEST_F(FollowRotation, ACopyThatDoesNotMatchThePathHasTheRestOfItsOriginal) {
    append("/in/a.log", "one\n");
    round();
    append("/in/a.log", "two\n");
    copy("/in/a.log", "/in/a.log.1");
    truncate("/in/a.log");
    append("/in/a.log", "three\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three"));
}

TEST_F(FollowRotation, AFileThatIsMovedAwayIsReadToItsEndWhileItIsOpen) {
    ASSERT_TRUE(disk_.createDirectory("/old"));
    append("/in/a.log", "one\n");
    round();
    rename("/in/a.log", "/old/a.log");
    append("/old/a.log", "two\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
    EXPECT_EQ(follower_->filesHeld(), 1u);
    round(Follower::kCloseAfter + 1s);
    round();
    EXPECT_EQ(follower_->filesHeld(), 0u);
}

TEST_F(FollowRotation, ATruncatedFileIsReadFromItsBeginning) {
    append("/in/a.log", "one\n");
    round();
    truncate("/in/a.log");
    append("/in/a.log", "2\n");
    rounds();
    append("/in/a.log", "three\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("one", "2", "three"));
    EXPECT_THAT(reports_, IsEmpty()) << "all that was seen was read";
    begin();
    rounds();
    EXPECT_EQ(lines().size(), 3u);
}

// It is longer than before when it is looked at.
TEST_F(FollowRotation, ATruncatedFileThatHasGrownAgainIsNoticed) {
    append("/in/a.log", "one\n");
    round();
    truncate("/in/a.log");
    append("/in/a.log", "three\nfour\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "three", "four"));
}

TEST_F(FollowRotation, ATruncatedFileThatHasGrownToItsSizeIsNoticed) {
    append("/in/a.log", "one\n");
    round();
    truncate("/in/a.log");
    append("/in/a.log", "two\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
}

TEST_F(FollowRotation, TruncatedInADowntimeIsNoticed) {
    append("/in/a.log", "one\n");
    round();
    follower_.reset();
    truncate("/in/a.log");
    append("/in/a.log", "five\nsix\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "five", "six"));
}

TEST_F(FollowRotation, WhatWasSeenAndNotReadBeforeATruncationIsSaid) {
    append("/in/a.log", "one\n");
    begin();
    intake_.allow({1, core::Allowance::kUnlimited});
    append("/in/a.log", "two\nthree\n");
    round();
    truncate("/in/a.log");
    intake_.allow({});
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one"));
    ASSERT_EQ(reports_.size(), 1u);
    EXPECT_THAT(reports_[0], HasSubstr("10 bytes that had been appended before were not read"));
    EXPECT_THAT(reports_[0], HasSubstr("\"/in/a.log\" was truncated"));
}

TEST_F(FollowRotation, AnotherFileUnderTheNameOfARemovedOneIsAnother) {
    append("/in/a.log", "one\n");
    round();
    remove("/in/a.log");
    append("/in/a.log", "one\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "one"));
}

// The number of a removed file comes again, and nothing says when it was born.
TEST_F(FollowRotation, WithoutTimesOfBirthAFileOfTheSameNumberIsBegunAnew) {
    files_.hideBirths();
    append("/in/a.log", "one\n");
    round();
    // The same number: to the follower there is no other difference.
    truncate("/in/a.log");
    append("/in/a.log", "another\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "another"));
    EXPECT_TRUE(log_.origins().back().lane.ends_with("-0"));
}

TEST_F(FollowRotation, TheLastLineOfARemovedFileCountsWhenNothingCameForAWhile) {
    append("/in/a.log", "one\ntwo");
    round();
    remove("/in/a.log");
    round();
    EXPECT_THAT(lines(), ElementsAre("one"));
    round(Follower::kLineEndsAfter);
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
    round(Follower::kLineEndsAfter);
    EXPECT_EQ(lines().size(), 2u);
}

TEST_F(FollowRotation, TheSameOfAFileThatWasRenamed) {
    append("/in/a.log", "one\ntw");
    round();
    rename("/in/a.log", "/in/a.log.1");
    round();
    append("/in/a.log.1", "o");
    round(Follower::kLineEndsAfter);
    EXPECT_THAT(lines(), ElementsAre("one"));
    round(Follower::kLineEndsAfter);
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
    // What comes all the same is a line of its own.
    append("/in/a.log.1", " more\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("one", "two", " more"));
}

TEST_F(FollowRotation, AFileThatVanishesUnreadIsSaid) {
    append("/in/a.log", "one\n");
    files_.refuse("/in/a.log", true);
    round();
    remove("/in/a.log");
    round();
    round(Follower::kLineEndsAfter);
    ASSERT_EQ(reports_.size(), 2u);
    EXPECT_THAT(reports_[1], HasSubstr("\"/in/a.log\" is gone, and 4 bytes"));
}

TEST_F(FollowRotation, AFileThatIsGoneIsForgottenAndItsLaneGoes) {
    append("/in/a.log", "one\n");
    round();
    EXPECT_EQ(lanesInLog(), 1u);
    remove("/in/a.log");
    round();
    round(Follower::kCloseAfter + 1s);
    round();
    EXPECT_EQ(lanesInLog(), 1u);
    round(Follower::kForgetAfter);
    EXPECT_EQ(lanesInLog(), 0u);
    EXPECT_EQ(follower_->filesKnown(), 0u);
    begin();
    round();
    EXPECT_EQ(follower_->filesKnown(), 0u);
}

TEST_F(FollowRotation, LanesOfFilesThatWentInADowntimeAreForgotten) {
    append("/in/a.log", "one\n");
    round();
    follower_.reset();
    remove("/in/a.log");
    round();
    EXPECT_EQ(lanesInLog(), 1u);
    round(Follower::kForgetAfter + 1s);
    EXPECT_EQ(lanesInLog(), 0u);
}

TEST_F(FollowRotation, ADirectoryThatIsGoneForgetsNothing) {
    ASSERT_TRUE(disk_.createDirectory("/in/sub"));
    path_ = "/in/sub/a.log";
    append("/in/sub/a.log", "one\n");
    round();
    follower_.reset();
    rename("/in/sub", "/away");
    round();
    round(Follower::kForgetAfter + 1s);
    EXPECT_EQ(lanesInLog(), 1u);
    rename("/away", "/in/sub");
    append("/in/sub/a.log", "two\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
}

class FollowCopies : public FollowFixture {
protected:
    FollowCopies() { path_ = "/in/a.log*"; }
};

TEST_F(FollowCopies, ACopyIsNotReadAgain) {
    append("/in/a.log", "one\n");
    round();
    copy("/in/a.log", "/in/a.log.1");
    rounds();
    truncate("/in/a.log");
    append("/in/a.log", "two\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
    begin();
    rounds();
    EXPECT_EQ(lines().size(), 2u);
}

TEST_F(FollowCopies, WhatTheOriginalHadWhenItWasTruncatedComesFromItsCopy) {
    append("/in/a.log", "one\n");
    round();
    append("/in/a.log", "two\n");
    copy("/in/a.log", "/in/a.log.1");
    truncate("/in/a.log");
    append("/in/a.log", "three\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three"));
    EXPECT_THAT(reports_, IsEmpty());
    begin();
    rounds();
    EXPECT_EQ(lines().size(), 3u);
}

TEST_F(FollowCopies, TheSameInADowntimeOfTwoRotations) {
    append("/in/a.log", "one\n");
    round();
    follower_.reset();
    append("/in/a.log", "two\n");
    copy("/in/a.log", "/in/a.log.1");
    truncate("/in/a.log");
    append("/in/a.log", "three\n");
    rename("/in/a.log.1", "/in/a.log.2");
    copy("/in/a.log", "/in/a.log.1");
    truncate("/in/a.log");
    append("/in/a.log", "four\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("one", "two", "three", "four"));
    begin();
    rounds();
    EXPECT_EQ(lines().size(), 4u);
}

TEST_F(FollowCopies, ACopyThatIsStillBeingMadeIsNotRead) {
    append("/in/a.log", "one\ntwo\n");
    round();
    append("/in/a.log.1", "one\n");
    rounds();
    append("/in/a.log.1", "two\n");
    rounds();
    truncate("/in/a.log");
    append("/in/a.log", "three\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two", "three"));
}

TEST_F(FollowCopies, AFileThatOnlyBeginsAlikeIsReadWhole) {
    append("/in/a.log", "header\none\n");
    round();
    append("/in/a.log.1", "header\n");
    rounds();
    append("/in/a.log.1", "two\n");
    rounds();
    EXPECT_THAT(lines(), UnorderedElementsAre("header", "one", "header", "two"));
}

TEST_F(FollowCopies, ACopyIsForgottenWhenItIsGone) {
    append("/in/a.log", "one\n");
    round();
    copy("/in/a.log", "/in/a.log.1");
    rounds();
    EXPECT_EQ(follower_->filesKnown(), 2u);
    remove("/in/a.log.1");
    round();
    round(Follower::kCloseAfter + 1s);
    round(Follower::kForgetAfter);
    round();
    EXPECT_EQ(follower_->filesKnown(), 1u);
    EXPECT_THAT(lines(), ElementsAre("one"));
}

TEST_F(FollowCopies, WhenTheOriginalIsGoneItsCopyGoesOn) {
    append("/in/a.log", "one\n");
    round();
    copy("/in/a.log", "/in/a.log.1");
    rounds();
    remove("/in/a.log");
    append("/in/a.log.1", "two\n");
    round();
    EXPECT_THAT(lines(), ElementsAre("one"));
    round(Follower::kCloseAfter + 1s);
    round(Follower::kForgetAfter);
    rounds();
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
}

TEST_F(FollowCopies, FilesOfOtherNamesAreNoCopies) {
    path_ = "/in/";
    append("/in/a.log", "same\n");
    round();
    append("/in/b.log", "same\n");
    rounds();
    EXPECT_THAT(lines(), ElementsAre("same", "same"));
}

}  // namespace
}  // namespace tidemill::sources::follow
