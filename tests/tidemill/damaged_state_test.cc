// Bit rot in the state: found when a row is read, and survived through the older checkpoint.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using Seen = std::map<std::uint64_t, std::vector<std::string>>;

class DamagedState : public ::testing::Test {
protected:
    // One batch of `words`, a checkpoint at its end.
    void live(const std::vector<std::string>& words) {
        StreamingOptions options;
        options.directory = data();
        Life life(options, fromMillis(1000 * batches_));
        RecordQueue<std::string> queue;
        queue.push(words);
        life.collect(
            life.context()
                .queueStream(queue)
                .map([](const std::string& w) { return std::pair<std::string, int>(w, 1); })
                .updateStateByKey<int>("counts",
                                       [](std::span<const int> values, std::optional<int> before) {
                                           return std::optional(before.value_or(0) +
                                                                static_cast<int>(values.size()));
                                       }),
            seen_);
        life.start();
        life.run(1);
        ++batches_;
        life.context().stop();
    }

    // Whether a life got as far as its first batch; what it says when it did not.
    std::string failureOf(const std::vector<std::string>& words) {
        try {
            live(words);
        } catch (const StreamingError& error) {
            EXPECT_EQ(error.kind(), core::ErrorKind::kCorrupt);
            EXPECT_TRUE(error.heals());
            return error.what();
        }
        return "";
    }

    fs::path data() const { return directory_ / "data"; }

    std::vector<fs::path> generations() const {
        std::vector<fs::path> paths;
        for (const auto& entry : fs::directory_iterator(data() / "generations"))
            paths.push_back(entry.path());
        std::sort(paths.begin(), paths.end());
        return paths;
    }

    // Flips a byte in every file of rows of the newest checkpoint that no older one shares: `part`
    // of its length behind the begin.
    int damageNewest(double part) {
        const auto all = generations();
        std::set<ino_t> older;
        for (auto path = all.begin(); path + 1 < all.end(); ++path)
            for (const auto& file : fs::directory_iterator(*path)) older.insert(inode(file));
        int damaged = 0;
        for (const auto& file : fs::directory_iterator(all.back())) {
            if (file.path().extension() != ".sst" || older.contains(inode(file))) continue;
            std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
            char byte = 0;
            const auto at =
                static_cast<std::streamoff>(part * static_cast<double>(file.file_size()));
            bytes.seekg(at).get(byte);
            bytes.seekp(at).put(static_cast<char>(byte ^ 0x40));
            ++damaged;
        }
        return damaged;
    }

    static ino_t inode(const fs::path& path) {
        struct stat status {};
        ::stat(path.c_str(), &status);
        return status.st_ino;
    }

    TemporaryDirectory directory_;
    std::int64_t batches_ = 0;
    Seen seen_;
};

TEST_F(DamagedState, FoundAtTheStartTheOlderCheckpointAndTheLogTakeOver) {
    live({"a"});
    live({"a", "b"});
    live({"b"});
    ASSERT_GE(generations().size(), 2u);
    ASSERT_GE(damageNewest(0.01), 1);
    EXPECT_NE(failureOf({}).find("checksum"), std::string::npos);
    // The next start reads everything first, and sets the damaged one aside.
    EXPECT_EQ(failureOf({"a"}), "");
    EXPECT_EQ(seen_.rbegin()->second, (std::vector<std::string>{"(a,3)", "(b,2)"}));
    EXPECT_EQ(failureOf({"c"}), "");
    EXPECT_EQ(seen_.rbegin()->second, (std::vector<std::string>{"(a,3)", "(b,2)", "(c,1)"}));
}

// The start looks into every key group, for the positions of sources, and so meets the damage
// before a batch is recorded: what the queue held then is pushed again.
TEST_F(DamagedState, OfManyRowsTheOlderCheckpointAndTheLogTakeOver) {
    std::vector<std::string> many;
    for (int i = 0; i < 20000; ++i) many.push_back("word" + std::to_string(i));
    live(many);
    live(many);
    live(many);
    ASSERT_GE(damageNewest(0.5), 1);
    const auto began = seen_.rbegin()->first;
    EXPECT_NE(failureOf(many).find("checksum"), std::string::npos);
    EXPECT_EQ(seen_.rbegin()->first, began) << "a batch was published over damaged state";
    EXPECT_EQ(failureOf(many), "");
    ASSERT_EQ(seen_.rbegin()->second.size(), many.size());
    for (const auto& element : seen_.rbegin()->second)
        ASSERT_TRUE(element.ends_with(",4)")) << element;
}

}  // namespace
}  // namespace tidemill::test
