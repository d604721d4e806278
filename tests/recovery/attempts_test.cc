// How often a batch has ended the process, as the file ATTEMPTS tells it over lives.
#include "recovery/attempts.h"

#include <gtest/gtest.h>

#include "tests/recovery/log_fixture.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;

class AttemptsTest : public ::testing::Test {
protected:
    AttemptsTest() { EXPECT_TRUE(disk_.createDirectory("/data")); }
    // Each life has the file anew.
    AttemptsFile file() { return {disk_, "/data"}; }

    tidemill::testing::SimulatedDisk disk_;
};

TEST_F(AttemptsTest, AFailureOfARunningJobIsTheFirst) {
    EXPECT_FALSE(file().known());
    EXPECT_EQ(file().failed(BatchId(15), "no").value().ended, 1u);
    const auto known = file().known();
    ASSERT_TRUE(known);
    EXPECT_EQ(known->batch, BatchId(15));
    EXPECT_EQ(known->error, "no");
    EXPECT_TRUE(mayBeMended(*known));
}

TEST_F(AttemptsTest, EveryReplayThatFailsIsOneMore) {
    (void)file().failed(BatchId(15), "no");
    for (std::uint32_t ended = 1; ended < 4; ++ended) {
        auto life = file();
        EXPECT_EQ(life.begin(BatchId(15)).value().ended, ended);
        EXPECT_EQ(life.failed(BatchId(15), "no again").value().ended, ended + 1);
    }
}

TEST_F(AttemptsTest, AReplayThatNeverCameToAnEndIsOneToo) {
    // The process before may have ended in it, and each replay surely.
    for (std::uint32_t ended = 1; ended < 4; ++ended) {
        const auto known = file().begin(BatchId(15)).value();
        EXPECT_EQ(known.ended, ended);
        EXPECT_EQ(mayBeMended(known), ended >= kAttemptsSuspicious);
    }
}

TEST_F(AttemptsTest, AnotherBatchAndAnEndBeginAnew) {
    (void)file().failed(BatchId(15), "no");
    EXPECT_EQ(file().failed(BatchId(16), "no").value().ended, 1u);
    ASSERT_TRUE(file().clear());
    EXPECT_FALSE(file().known());
    ASSERT_TRUE(file().clear());
}

TEST_F(AttemptsTest, TheFileComesBackAndWhatDoesNotParseIsNone) {
    const Attempts attempts{BatchId(15), 2, Attempts::How::kThrew, "one line"};
    const auto text = encodeAttempts(attempts);
    EXPECT_EQ(text, "tidemill attempts\nversion 1\nbatch 15\nended 2\nthrew one line\n");
    EXPECT_EQ(decodeAttempts(text).value(), attempts);
    EXPECT_EQ(encodeAttempts({BatchId(1), 1, Attempts::How::kThrew, "two\nlines"}),
              "tidemill attempts\nversion 1\nbatch 1\nended 1\nthrew two lines\n");
    for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_FALSE(decodeAttempts(text.substr(0, size))) << size;
}

}  // namespace
}  // namespace tidemill::recovery
