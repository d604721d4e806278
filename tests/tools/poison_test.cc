// Records that end the job, and jobs that change while batches wait to be run again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::seconds kLongest{30};

class Poison : public ::testing::Test {
protected:
    struct JobText {
        std::string onError = "stop";
        std::string filter = ".";
        std::string more;
    };

    // "WORD,NUMBER" lines: the numbers of each word are added up. No checkpoint but the last.
    void writeJob(const JobText& job) {
        std::ofstream(rig_.path() / "job.toml") << R"toml([job]
name = "poison"
interval = "50ms"
on_error = ")toml" << job.onError << R"toml("
[checkpoint]
interval = 0
[[source]]
type = "socket"
host = "127.0.0.1"
port = )toml" << server_.port() << R"toml(
[[step]]
do = "filter"
keep = ')toml" << job.filter << R"toml('
[[step]]
name = "parsed"
do = "fields"
by = "split"
separator = ","
fields = {word = 1, n = 2}
[[step]]
do = "aggregate"
name = "sums"
running = true
key = "word"
compute = {total = "sum(n)"}
[[output]]
to = "json_lines"
path = "stdout"
)toml" << job.more;
    }

    std::unique_ptr<ChildProcess> start(const std::vector<std::string>& more = {},
                                        std::map<std::string, std::string> environment = {}) {
        // Each life's lines are kept.
        all_ += rig_.daemonOutput();
        fs::remove(rig_.path() / "out");
        return rig_.start(std::move(environment), more);
    }

    int ended(ChildProcess& daemon) { return daemon.wait(kLongest).value_or(-1); }

    void stopGracefully(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(kLongest), 0) << rig_.daemonErrors();
        all_ += rig_.daemonOutput();
        fs::remove(rig_.path() / "out");
    }

    // Sends lines and waits until they are shown: `shown` stands in the output.
    void feed(const std::string& lines, const std::string& shown) {
        server_.send(lines);
        awaitShown(shown);
    }
    void awaitShown(const std::string& shown) {
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (rig_.daemonOutput().find(shown) == std::string::npos) {
            ASSERT_LT(std::chrono::steady_clock::now(), until)
                << rig_.daemonOutput() << rig_.daemonErrors();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    // The newest total of each word in all that was shown.
    std::map<std::string, std::int64_t> totals() const {
        std::map<std::string, std::int64_t> totals;
        std::istringstream lines(all_);
        for (std::string line; std::getline(lines, line);) {
            const auto row = nlohmann::json::parse(line);
            totals[row["word"]] = row["total"];
        }
        return totals;
    }

    // None is trimmed: there is no checkpoint.
    std::size_t recordedBatches() const {
        const auto dump = rig_.look({"wal", "dump", "--json"});
        std::size_t batches = 0;
        std::istringstream lines(dump.out);
        for (std::string line; std::getline(lines, line);)
            if (nlohmann::json::parse(line).contains("batch")) ++batches;
        return batches;
    }

    std::string deadLetters() const {
        std::string all;
        const auto directory = rig_.data() / "dead_letters";
        if (!fs::exists(directory)) return all;
        for (const auto& entry : fs::directory_iterator(directory))
            if (entry.path().extension() == ".jsonl") all += contentOf(entry.path());
        return all;
    }

    // A batch with a good line is shown, then one ends the job.
    void poison() {
        writeJob({});
        const auto daemon = start();
        server_.accept();
        feed("a,1\n", "\"total\": 1");
        server_.send("b,2\nbad line\na,3\n");
        EXPECT_EQ(ended(*daemon), 1);
    }

    // "LSN:LINE" in the message.
    std::string placeIn(const std::string& message) const {
        const auto begin = message.rfind("--skip-record ");
        if (begin == message.npos) return "none";
        return message.substr(begin + 14, message.find(' ', begin + 14) - begin - 14);
    }

    using Totals = std::map<std::string, std::int64_t>;
    ProgramRig rig_;
    TextServer server_;
    std::string all_;
};

TEST_F(Poison, TheMessageNamesStepBatchSourceAndRecordAndTheWaysOn) {
    poison();
    EXPECT_THAT(rig_.daemonErrors(),
                AllOf(HasSubstr("step 2 (fields, \"parsed\")"), HasSubstr("batch "),
                      HasSubstr("record 2 of the block at LSN "), HasSubstr("\"bad line\""),
                      HasSubstr("dials 127.0.0.1"), HasSubstr("--quarantine ")));
    EXPECT_THAT(placeIn(rig_.daemonErrors()), ::testing::MatchesRegex("[0-9]+:2"));
}

TEST_F(Poison, TheThirdEndIsSaidAndTheRecordIsSkippedWhenTold) {
    poison();
    EXPECT_THAT(rig_.daemonErrors(), Not(HasSubstr("times")));
    for (int again = 0; again < 2; ++again) EXPECT_EQ(ended(*start()), 1);
    EXPECT_THAT(rig_.daemonErrors(),
                AllOf(HasSubstr("has ended the process 3 times"), HasSubstr("3 records of ")));
    const auto place = placeIn(rig_.daemonErrors());
    EXPECT_EQ(ended(*start({"--skip-record", "77777:1"})), 4);
    const auto daemon = start({"--skip-record", place});
    server_.accept();
    feed("c,5\n", "\"total\": 5");
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 4}, {"b", 2}, {"c", 5}}));
    EXPECT_THAT(deadLetters(), HasSubstr("\"record\":\"bad line\""));
    // The option may stay: there is nothing left to skip.
    const auto next = start({"--skip-record", place});
    server_.accept();
    feed("a,1\n", "\"total\": 5");
    stopGracefully(*next);
    EXPECT_EQ(totals()["a"], 5);
}

// What is skipped stays skipped when the batch runs once more.
TEST_F(Poison, ASkippedRecordStaysSkippedAfterAKill) {
    poison();
    const auto place = placeIn(rig_.daemonErrors());
    auto daemon = start({"--skip-record", place});
    server_.accept();
    feed("c,5\n", "\"total\": 5");
    daemon->kill();
    daemon = start();
    server_.accept();
    feed("a,1\n", "\"word\": \"a\"");  // the total of c may be shown again
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 5}, {"b", 2}, {"c", 5}}));
}

TEST_F(Poison, AQuarantinedBatchGoesOnWithoutWhatThrows) {
    poison();
    const auto errors = rig_.daemonErrors();
    const auto begin = errors.rfind("--quarantine ") + 13;
    const auto daemon =
        start({"--quarantine", errors.substr(begin, errors.find(' ', begin) - begin)});
    server_.accept();
    feed("c,5\n", "\"total\": 5");
    EXPECT_THAT(deadLetters(), HasSubstr("bad line"));
    // Of this batch only.
    server_.send("bad again\n");
    EXPECT_EQ(ended(*daemon), 1);
    EXPECT_EQ(ended(*start({"--skip-batch", "1"})), 1);
}

TEST_F(Poison, AMendedJobRunsTheBatchThatEndedIt) {
    poison();
    writeJob({.onError = "stop", .filter = ",", .more = ""});
    // What was shown before it waits too, and is not for mended steps to count.
    EXPECT_EQ(ended(*start()), 4);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("once more"));
    writeJob({});
    EXPECT_EQ(ended(*start()), 1);
    writeJob({.onError = "stop", .filter = ",", .more = ""});
    const auto daemon = start();
    server_.accept();
    feed("c,5\n", "\"total\": 5");
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 4}, {"b", 2}, {"c", 5}}));
}

TEST_F(Poison, AnotherErrorPolicyRunsTheBatchThatEndedIt) {
    poison();
    writeJob({.onError = "skip", .filter = ".", .more = ""});
    const auto daemon = start();
    server_.accept();
    feed("c,5\n", "\"total\": 5");
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 4}, {"b", 2}, {"c", 5}}));
}

TEST_F(Poison, BatchesThatWereShownAreNotCountedWithAnotherFilter) {
    writeJob({});
    auto daemon = start();
    server_.accept();
    feed("a,1\nb,2\n", "\"total\": 2");
    daemon->kill();
    writeJob({.onError = "stop", .filter = "a", .more = ""});
    EXPECT_EQ(ended(*start()), 4);
    EXPECT_THAT(rig_.daemonErrors(), AllOf(HasSubstr("other steps"), HasSubstr("gracefully")));
    // The way out.
    writeJob({});
    daemon = start();
    server_.accept();
    stopGracefully(*daemon);
    writeJob({.onError = "stop", .filter = "a", .more = ""});
    daemon = start();
    server_.accept();
    feed("a,1\nb,2\n", "\"total\": 2");
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 2}, {"b", 2}}));
}

TEST_F(Poison, BatchesThatWereShownKeepTheirErrorPolicy) {
    writeJob({.onError = "skip", .filter = ".", .more = ""});
    auto daemon = start();
    server_.accept();
    feed("a,1\nbad line\n", "\"total\": 1");
    daemon->kill();
    writeJob({});
    daemon = start();
    server_.accept();
    feed("a,2\n", "\"total\": 3");
    server_.send("bad line\n");
    EXPECT_EQ(ended(*daemon), 1);
}

TEST_F(Poison, ABatchInWhichTheProcessCrashesIsNamedAndMayBeSkipped) {
    writeJob({});
    auto daemon = start();
    server_.accept();
    feed("a,1\n", "\"total\": 1");
    daemon->kill();
    // In the newest batch, which may be an empty one behind that of the line.
    const std::map<std::string, std::string> crash{
        {"TIDEMILL_FAILPOINT", "batch.midRun:kill:" + std::to_string(recordedBatches())}};
    for (int life = 0; life < 3; ++life) EXPECT_EQ(ended(*start({}, crash)), 128 + SIGKILL);
    EXPECT_THAT(rig_.daemonErrors(),
                AllOf(HasSubstr("has ended the process 3 times"), HasSubstr("--skip-batch ")));
    daemon = start();
    server_.accept();
    feed("a,2\n", "\"total\": 3");
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 3}}));
}

TEST_F(Poison, WhatIsLeftOutIsSaidToBeOfItsStep) {
    for (const char* policy : {"skip", "dead_letter"}) {
        writeJob({.onError = policy, .filter = ".", .more = ""});
        auto daemon = start();
        server_.accept();
        feed("bad line\na,1\n", "\"word\": \"a\"");
        stopGracefully(*daemon);
        EXPECT_THAT(rig_.daemonErrors(),
                    AllOf(HasSubstr("left out 1 record"), HasSubstr("step 2 (fields, \"parsed\")"),
                          Not(HasSubstr("map"))));
    }
    EXPECT_THAT(deadLetters(), HasSubstr("\"operation\":\"step 2 (fields, \\\"parsed\\\")\""));
}

TEST_F(Poison, MoreDeadLettersThanAreKeptAreCountedAndTheJobLives) {
    writeJob({.onError = "dead_letter", .filter = ".", .more = "[limits]\nmax_dead_letters = 2\n"});
    auto daemon = start();
    server_.accept();
    feed("a,1\nx\ny\nz\na,2\n", "\"total\": 3");
    stopGracefully(*daemon);
    EXPECT_EQ(totals(), (Totals{{"a", 3}}));
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("left out 3 records"));
}

}  // namespace
}  // namespace tidemill::test
