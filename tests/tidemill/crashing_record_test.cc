// A record on which a user's function crashes: without a word, as a signal ends a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "core/logging.h"
#include "tests/support/batch_harness.h"
#include "tidemill/batch_failure.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;
using Totals = std::map<std::string, std::string>;

int crashOn(std::string_view word) {
    if (word.ends_with("poison")) ::raise(SIGKILL);
    return 1;
}

std::string contentOf(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

class CrashingRecord : public ::testing::Test {
protected:
    // A life of its own process, which may end in its midst. Returns its status; what it logged is
    // in said().
    template <class Build>
    int live(Build build, const std::vector<Words>& inputs,
             std::vector<StreamingOptions::SkipRecord> skip = {}, std::uint64_t skipBatch = 0) {
        const int lives = lives_++;
        const auto pid = ::fork();
        if (pid == 0) {
            (void)!std::freopen((directory_ / "said").c_str(), "w", stderr);
            StreamingOptions options;
            options.directory = directory_ / "data";
            options.workers = 3;
            options.checkpointInterval = Duration(0);
            options.skipRecords = std::move(skip);
            options.skipBatch = skipBatch;
            Life life(options, fromMillis(10'000 * lives));
            RecordQueue<std::string> queue;
            for (const auto& input : inputs) queue.push(input);
            std::map<std::uint64_t, Words> seen;
            life.collect(build(life.context(), queue), seen);
            try {
                life.start();
                life.run(inputs.size() + 1);
                life.context().stop();
            } catch (const StreamingError& error) {
                std::fprintf(stderr, "%s\n", error.what());
                ::_exit(1);
            }
            std::ofstream out(directory_ / "totals");
            for (const auto& count : seen.rbegin()->second) out << count << '\n';
            out.close();
            ::_exit(0);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    std::string said() const { return contentOf(directory_ / "said"); }
    std::string totals() const { return contentOf(directory_ / "totals"); }
    std::string deadLetters() const {
        std::string all;
        for (const auto& entry : fs::directory_iterator(directory_ / "data" / "dead_letters"))
            if (entry.path().extension() == ".jsonl") all += contentOf(entry.path());
        return all;
    }

    // The record of the option that was advised; none: 0:0.
    StreamingOptions::SkipRecord advised() const {
        StreamingOptions::SkipRecord skip;
        const auto text = said();
        const auto begin = text.rfind("--skip-record ");
        if (begin != text.npos)
            std::sscanf(text.c_str() + begin, "--skip-record %lu:%u", &skip.lsn, &skip.line);
        return skip;
    }

    // Crashes until the record is named, and goes on without it.
    template <class Build>
    void check(Build build, const std::string& record, const std::string& expected) {
        const std::vector<Words> inputs{{"a", "b", "a poison", "c"}};
        EXPECT_EQ(live(build, inputs), 128 + SIGKILL);
        for (int again = 0; again < 3; ++again) EXPECT_EQ(live(build, {}), 128 + SIGKILL);
        EXPECT_THAT(said(), AllOf(HasSubstr("has ended the process 3 times"), HasSubstr(record)));
        const auto skip = advised();
        EXPECT_EQ(skip.line, 3u) << said();
        ASSERT_EQ(live(build, {}, {skip}), 0) << said();
        EXPECT_EQ(totals(), expected);
        EXPECT_THAT(deadLetters(), HasSubstr("a poison"));
        EXPECT_FALSE(fs::exists(directory_ / "data" / "ATTEMPTS"));
        EXPECT_FALSE(fs::exists(directory_ / "data" / "AT_WORK"));
    }

    TemporaryDirectory directory_;
    int lives_ = 0;
};

std::vector<std::string> parts(const std::string& line) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin <= line.size();) {
        const auto end = std::min(line.find(' ', begin), line.size());
        words.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

TEST_F(CrashingRecord, OfAMapIsNamedAndSkipped) {
    check(
        [](auto& context, auto& queue) {
            return context.queueStream(queue)
                .map([](const std::string& w) { return std::pair(w, crashOn(w)); })
                .runningTotals("totals")
                .all();
        },
        "map with \"a poison\"", "(a,1)\n(b,1)\n(c,1)\n");
}

TEST_F(CrashingRecord, OneOfWhoseWordsCrashes) {
    check(
        [](auto& context, auto& queue) {
            return context.queueStream(queue)
                .flatMap(parts)
                .map([](const std::string& w) { return std::pair(w, crashOn(w)); })
                .runningTotals("totals")
                .all();
        },
        "map with \"poison\"", "(a,1)\n(b,1)\n(c,1)\n");
}

TEST_F(CrashingRecord, ThatAReduceCrashesOn) {
    check(
        [](auto& context, auto& queue) {
            return context.queueStream(queue)
                .map([](const std::string& w) { return std::pair(w.substr(0, 1), w); })
                .reduceByKey([](const std::string& a, const std::string& b) {
                    crashOn(b);
                    return a + b;
                })
                .mapValues([](const std::string& all) { return static_cast<int>(all.size()); })
                .runningTotals("totals")
                .all();
        },
        "record 3 of the block at LSN ", "(a,1)\n(b,1)\n(c,1)\n");
}

TEST_F(CrashingRecord, ThatOnlyAnOutputReads) {
    check(
        [](auto& context, auto& queue) {
            const auto words = context.queueStream(queue);
            words.filter([](const std::string& w) { return crashOn(w) == 0; }).print();
            return words.map([](const std::string& w) { return std::pair(w, 1); })
                .runningTotals("totals")
                .all();
        },
        "filter with \"a poison\"", "(a,1)\n(b,1)\n(c,1)\n");
}

// No record of the log is at work then, so that none is named.
TEST_F(CrashingRecord, BehindAShuffleIsNamedByWhatTheFunctionGot) {
    const auto build = [](auto& context, auto& queue) {
        return context.queueStream(queue)
            .countByValue()
            .map([](const std::pair<std::string, std::int64_t>& pair) {
                return std::pair(pair.first, pair.second * crashOn(pair.first));
            })
            .runningTotals("totals")
            .all();
    };
    EXPECT_EQ(live(build, {{"a", "poison"}}), 128 + SIGKILL);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(live(build, {}), 128 + SIGKILL);
    EXPECT_THAT(said(), AllOf(HasSubstr("map with \"(poison,1)\""), HasSubstr("--skip-batch 1"),
                              Not(HasSubstr("--skip-record"))));
    EXPECT_EQ(live(build, {}, {}, 1), 0) << said();
    EXPECT_EQ(totals(), "");
}

// What a merge crashes on is no record, so none is named.
TEST_F(CrashingRecord, AMergeNamesNoRecord) {
    const auto build = [](auto& context, auto& queue) {
        return context.queueStream(queue)
            .map([](const std::string& w) { return std::pair(w, std::vector<int>(1, 1)); })
            .groupByKey()
            .mapPartitions([](auto pairs) {
                for (const auto& pair : pairs) crashOn(pair.first);
                return std::vector<std::pair<std::string, int>>();
            })
            .runningTotals("totals")
            .all();
    };
    EXPECT_EQ(live(build, {{"a", "poison"}}), 128 + SIGKILL);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(live(build, {}), 128 + SIGKILL);
    EXPECT_THAT(said(), AllOf(HasSubstr("has ended the process 3 times"),
                              Not(HasSubstr("--skip-record")), Not(HasSubstr("it was at"))));
}

class CrashingFile : public CrashingRecord {};

TEST_F(CrashingFile, IsNamedByItsRecordAndItsBatchBecomesDeadLetters) {
    fs::create_directory(directory_ / "in");
    std::ofstream(directory_ / "in" / "first.txt") << "a\npoison\nb\n";
    std::ofstream(directory_ / "in" / "second.txt") << "c\n";
    const auto build = [this](auto& context, auto& queue) {
        FileStreamOptions files;
        files.existing = ExistingFiles::kTake;
        const auto words =
            context.textFileStream((directory_ / "in").string(), files).map([](std::string_view w) {
                return std::string(w);
            });
        return words.unionWith(context.queueStream(queue))
            .map([](const std::string& w) { return std::pair(w, crashOn(w)); })
            .runningTotals("totals")
            .all();
    };
    EXPECT_EQ(live(build, {{"q"}}), 128 + SIGKILL);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(live(build, {}), 128 + SIGKILL);
    EXPECT_THAT(said(), AllOf(HasSubstr("with \"poison\""), HasSubstr("--skip-batch 1")));
    ASSERT_EQ(live(build, {{"d"}}, {}, 1), 0) << said();
    EXPECT_EQ(totals(), "(d,1)\n");
    EXPECT_THAT(deadLetters(), AllOf(HasSubstr("first.txt\",\"kind\":\"line\",\"record\":\"a\""),
                                     HasSubstr("\"record\":\"poison\""),
                                     HasSubstr("second.txt\",\"kind\":\"line\",\"record\":\"c\""),
                                     HasSubstr("\"record\":\"q\"")));
}

}  // namespace
}  // namespace tidemill::test
