// Files that grow on a real file system, followed by a thread of its own.
#include "sources/follow/follow_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/logging.h"
#include "tests/support/memory_block_log.h"
#include "tests/support/test_client.h"

namespace tidemill::sources::follow {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::eventually;

class FollowSourceTest : public ::testing::Test {
protected:
    FollowSourceTest() {
        core::setLogLevel(core::LogLevel::kError);
        fs::create_directories(directory_);
    }
    ~FollowSourceTest() override {
        source_.reset();
        fs::remove_all(directory_);
    }

    void append(const std::string& name, const std::string& text) {
        std::ofstream(directory_ / name, std::ios::app) << text;
    }
    void start(FollowOptions options = {}, std::size_t budgetBytes = 64 << 20) {
        FollowEnvironment environment{core::SourceId(0), core::posixFileSystem(), log_,
                                      core::BufferPool::make(budgetBytes)};
        source_ = std::make_unique<FollowSource>(environment, directory_.string() + "/", options,
                                                 nullptr);
        ASSERT_TRUE(source_->open({}));
        ASSERT_TRUE(source_->start());
    }

    const fs::path directory_ =
        fs::temp_directory_path() / ("follow-source-" + std::to_string(::getpid()));
    test::MemoryBlockLog log_;
    std::unique_ptr<FollowSource> source_;
};

// Looks are an hour apart.
TEST_F(FollowSourceTest, AChangeWakesIt) {
    FollowOptions options;
    options.lookEvery = 1h;
    append("a.log", "one\n");
    start(options);
    ASSERT_TRUE(eventually([&] { return log_.lineCount() == 1; }));
    append("a.log", "two\n");
    EXPECT_TRUE(eventually([&] { return log_.lineCount() == 2; }));
    append("b.log", "three\n");
    EXPECT_TRUE(eventually([&] { return log_.lineCount() == 3; }));
    const auto begun = std::chrono::steady_clock::now();
    source_->stop(true);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
}

TEST_F(FollowSourceTest, PausedItTakesNothing) {
    start();
    append("a.log", "one\n");
    ASSERT_TRUE(eventually([&] { return log_.lineCount() == 1; }));
    source_->pause();
    std::this_thread::sleep_for(300ms);  // a round may be under way
    append("a.log", "two\n");
    std::this_thread::sleep_for(600ms);
    EXPECT_EQ(log_.lineCount(), 1u);
    source_->resume();
    EXPECT_TRUE(eventually([&] { return log_.lineCount() == 2; }));
}

TEST_F(FollowSourceTest, AFileIsReadWhileItIsWritten) {
    start();
    std::string last;
    std::ofstream file(directory_ / "a.log", std::ios::app);
    for (int i = 0; i < 20'000; ++i) file << "line " << i << "\n" << std::flush;
    ASSERT_TRUE(eventually([&] { return log_.lineCount() == 20'000; })) << log_.lineCount();
    const auto lines = log_.lines();
    for (int i = 0; i < 20'000; ++i)
        ASSERT_EQ(lines[static_cast<std::size_t>(i)], "line " + std::to_string(i));
}

std::size_t openDescriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

TEST_F(FollowSourceTest, TwoThousandFilesTakeFewDescriptors) {
    constexpr int kFiles = 2'000;
    for (int i = 0; i < kFiles; ++i) append("f" + std::to_string(i), "first\n");
    const auto before = openDescriptors();
    start();
    ASSERT_TRUE(eventually([&] { return log_.lineCount() == kFiles; })) << log_.lineCount();
    for (int i = 0; i < kFiles; ++i) append("f" + std::to_string(i), std::to_string(i) + "\n");
    ASSERT_TRUE(eventually([&] { return log_.lineCount() == 2 * kFiles; })) << log_.lineCount();
    EXPECT_LE(openDescriptors(), before + HeldFiles::kHeldMax + 8);
    std::map<std::string, int> counts;
    for (const auto& line : log_.lines()) ++counts[line];
    EXPECT_EQ(counts["first"], kFiles);
    EXPECT_EQ(counts.size(), kFiles + 1u);
    EXPECT_TRUE(
        eventually([&] { return source_->statistics().lanes.size() == Follower::kShownMax; }));
}

}  // namespace
}  // namespace tidemill::sources::follow
