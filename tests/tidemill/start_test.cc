// What a start reads, and in which order it refuses.
#include <gtest/gtest.h>

#include <map>

#include "tests/support/batch_harness.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::test {
namespace {

class StartTest : public ::testing::Test {
protected:
    StartTest() : files_(std::make_shared<tidemill::testing::FaultFileSystem>(disk_)) {
        EXPECT_TRUE(disk_.createDirectory("/job"));
        files_->onRead([this](const core::Path& path) { ++reads_[path.filename().string()]; });
    }

    // A batch for each word; graceful or as if killed.
    void live(const std::vector<std::string>& words, bool graceful) {
        StreamingOptions options;
        options.name = "words";
        options.directory = "/job/data";
        options.files = files_;
        options.oneOrder = true;
        options.workers = 1;
        options.checkpointInterval = Duration(1000);
        Life life(options, fromMillis(static_cast<std::int64_t>(1000 * batches_)));
        RecordQueue<std::string> queue;
        for (const auto& word : words) queue.push({word});
        life.collect(life.context().queueStream(queue).countByValue().runningTotals("totals"),
                     seen_);
        reads_.clear();
        life.start();
        readAtStart_ = reads_;
        life.run(words.size());
        life.context().stop(graceful);
        batches_ += words.size();
    }

    tidemill::testing::SimulatedDisk disk_;
    std::shared_ptr<tidemill::testing::FaultFileSystem> files_;
    std::map<std::string, int> reads_, readAtStart_;
    std::map<std::uint64_t, std::vector<std::string>> seen_;
    std::size_t batches_ = 0;
};

TEST_F(StartTest, EachFactIsReadOnce) {
    live({"a", "b", "c"}, true);
    live({"a", "d"}, false);
    live({"a"}, true);
    for (const char* fact : {"FORMAT", "JOB", "SOURCES", "DURABLE", "MANIFEST.tidemill"})
        EXPECT_EQ(readAtStart_[fact], 1) << fact;
    EXPECT_LE(readAtStart_["ATTEMPTS"], 1);
    EXPECT_EQ(seen_.at(6), std::vector<std::string>{"(a,3)"});
}

}  // namespace
}  // namespace tidemill::test
