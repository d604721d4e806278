// Whose results are whose: a batch that runs again knows its own, and takes no other's for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/batch_files.h"
#include "core/result_mark.h"
#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

// Part files of a directory of results, their lines sorted.
Words linesIn(const fs::path& path) {
    Words lines;
    for (const auto& part : fs::directory_iterator(path)) {
        if (!part.path().filename().string().starts_with("part-")) continue;
        std::ifstream file(part.path());
        for (std::string line; std::getline(file, line);) lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

class Outputs : public ::testing::Test {
protected:
    fs::path data() const { return directory_ / "data"; }
    fs::path results(int batch) const {
        return directory_ / ("words-" + std::to_string(batch * 1000));
    }

    // A life that saves a word in each batch; batches have the times 1000, 2000, ….
    void live(const Words& words, int begin, bool graceful) {
        StreamingOptions options;
        options.directory = data();
        options.workers = 2;
        Life life(options, fromMillis(begin * 1000));
        RecordQueue<std::string> queue;
        for (const auto& word : words) queue.push({word});
        auto stream = life.context().queueStream(queue);
        stream.saveAsTextFiles((directory_ / "words").string());
        life.start();
        life.run(words.size());
        life.context().stop(graceful);
    }

    std::string refusal(const std::function<void()>& start) {
        try {
            start();
        } catch (const StreamingError& error) {
            EXPECT_EQ(error.kind(), core::ErrorKind::kConflict) << error.what();
            return error.what();
        }
        ADD_FAILURE() << "it was not refused";
        return {};
    }

    void copyData(const std::string& to) {
        fs::copy(data(), directory_ / to, fs::copy_options::recursive);
    }
    void useCopy(const std::string& copy, const std::string& formerTo) {
        fs::rename(data(), directory_ / formerTo);
        fs::rename(directory_ / copy, data());
    }

    TemporaryDirectory directory_;
};

TEST_F(Outputs, AnOlderCopyOfTheDataDirectoryIsRefusedBesideNewerResults) {
    live({"a", "b"}, 0, true);
    copyData("older");
    live({"c", "d"}, 2, true);
    useCopy("older", "newer");
    EXPECT_THAT(refusal([&] { live({"x"}, 4, true); }),
                AllOf(HasSubstr(results(3).string()), HasSubstr("batch 3 of data directory"),
                      HasSubstr("has come to batch 2"), HasSubstr("older copy")));
    // The way out: the newer results are moved away.
    fs::rename(results(3), directory_ / "away-3");
    fs::rename(results(4), directory_ / "away-4");
    live({"x"}, 2, true);
    EXPECT_EQ(linesIn(results(3)), Words{"x"});
}

// Both directories have a batch 3, of other records at the same time.
TEST_F(Outputs, ABatchOfTheSameNumberIsNotTakenForThisOne) {
    live({"a", "b"}, 0, true);
    copyData("other");
    live({"mine"}, 2, false);
    fs::rename(results(3), directory_ / "away");
    useCopy("other", "mine");
    live({"theirs"}, 2, true);
    EXPECT_EQ(linesIn(results(3)), Words{"theirs"});
    fs::rename(data(), directory_ / "other");
    fs::rename(directory_ / "mine", data());
    EXPECT_THAT(refusal([&] { live({}, 3, true); }),
                AllOf(HasSubstr(results(3).string()), HasSubstr("results of another batch")));
    EXPECT_EQ(linesIn(results(3)), Words{"theirs"});
    fs::remove_all(results(3));
    live({}, 3, true);
    EXPECT_EQ(linesIn(results(3)), Words{"mine"});
}

TEST_F(Outputs, ABatchThatRunsAgainKeepsWhatItHasPublished) {
    live({"a", "b"}, 0, false);
    std::ofstream(results(2) / "part-00000") << "as it was\n";
    live({}, 2, true);
    EXPECT_EQ(linesIn(results(2)), Words{"as it was"});
}

TEST_F(Outputs, ANewDataDirectoryRefusesExistingResults) {
    live({"a"}, 0, true);
    fs::remove_all(data());
    EXPECT_THAT(refusal([&] { live({"a"}, 0, true); }), HasSubstr("results exist already"));
}

TEST_F(Outputs, ANewDataDirectoryRefusesExistingDeadLetters) {
    const auto dead = directory_ / "dead";
    const auto lose = [&](int begin) {
        StreamingOptions options;
        options.directory = data();
        options.errorPolicy = ErrorPolicy::kDeadLetter;
        options.deadLetterDirectory = dead;
        Life life(options, fromMillis(begin * 1000));
        RecordQueue<std::string> queue;
        queue.push({"bad"});
        life.context()
            .queueStream(queue)
            .map([](const std::string& w) { return std::stoi(w); })
            .print();
        life.start();
        life.run(1);
        life.context().stop();
    };
    lose(0);
    copyData("older");
    lose(1);
    useCopy("older", "newer");
    EXPECT_THAT(refusal([&] { lose(2); }), HasSubstr("newer than the data directory"));
    fs::remove_all(data());
    EXPECT_THAT(refusal([&] { lose(0); }), HasSubstr(dead.string()));
}

TEST_F(Outputs, BatchesWithoutElementsAreSkippedWhenTold) {
    StreamingOptions options;
    options.directory = data();
    std::ostringstream printed, skipped;
    Life life(options);
    RecordQueue<std::string> queue;
    for (const auto& words : {Words{"a"}, Words{}, Words{"b"}}) queue.push(words);
    const auto words = life.context().queueStream(queue);
    words.print(10, printed);
    words.print(10, skipped, true);
    words.saveAsTextFiles((directory_ / "words").string());
    words.saveAsTextFiles((directory_ / "full").string(), "", true);
    life.start();
    life.run(3);
    life.context().stop();
    EXPECT_THAT(printed.str(), HasSubstr("Time: 2000 ms"));
    EXPECT_THAT(skipped.str(), AllOf(HasSubstr("Time: 1000 ms"), HasSubstr("Time: 3000 ms"),
                                     ::testing::Not(HasSubstr("Time: 2000 ms"))));
    EXPECT_TRUE(fs::exists(results(2)));
    EXPECT_TRUE(fs::exists(directory_ / "full-1000"));
    EXPECT_FALSE(fs::exists(directory_ / "full-2000"));
    EXPECT_EQ(linesIn(directory_ / "full-3000"), Words{"b"});
}

TEST_F(Outputs, TwoInOnePlaceAreRefused) {
    StreamingOptions options;
    options.directory = data();
    StreamingContext context(options);
    RecordQueue<std::string> queue;
    auto words = context.queueStream(queue);
    const auto prefix = (directory_ / "words").string();
    words.saveAsTextFiles(prefix);
    words.saveAsTextFiles((directory_ / "./words").string());
    try {
        context.start();
        FAIL() << "it started";
    } catch (const StreamingError& error) {
        EXPECT_THAT(error.what(), AllOf(HasSubstr("same place"), HasSubstr(prefix)));
    }
}

TEST(ResultMarks, ComeBackEqual) {
    const core::ResultMark mark{"000102030405060708090a0b0c0d0e0f", core::BatchId(7),
                                0x1122334455667788, 2};
    const auto text = core::encodeResultMark(mark);
    EXPECT_EQ(text,
              "tidemill result\nversion 1\ndata-directory 000102030405060708090a0b0c0d0e0f\n"
              "batch 7\nrecord 1122334455667788\nrevision 2\n");
    const auto decoded = core::decodeResultMark(text);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, mark);
    for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_FALSE(core::decodeResultMark(text.substr(0, size))) << size;
    EXPECT_FALSE(core::decodeResultMark(text + "x"));
}

// A batch that ended the job and was recorded anew to be run in another way.
TEST(ResultMarks, AnEarlierRevisionOfABatchIsReplaced) {
    TemporaryDirectory directory;
    core::BatchFiles files(core::posixFileSystem(), directory / "out");
    core::BatchRecord record;
    record.batch = core::BatchId(3);
    const auto publish = [&](const std::string& text) {
        const auto file = core::orThrow(files.begin(core::resultMark("here", record)));
        if (!file) return false;
        core::orThrow(file->append(text));
        core::orThrow(file->commit());
        return true;
    };
    const auto content = [&] {
        std::ifstream file(directory / "out/00000000000000000003.jsonl");
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    EXPECT_TRUE(publish("first\n"));
    EXPECT_FALSE(publish("again\n"));
    record.revision = 1;
    EXPECT_TRUE(publish("second\n"));
    EXPECT_EQ(content(), "second\n");
    record.revision = 0;
    EXPECT_FALSE(files.begin(core::resultMark("here", record)));
}

}  // namespace
}  // namespace tidemill::test
