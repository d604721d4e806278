// The tidemill program as its users meet it: commands, files, signals and exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/tools/program_rig.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::chrono::seconds kLongest{30};

// Lines of common words and words of their own.
std::string someLines(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i)
        text += "the tide  turns\tthe mill w" + std::to_string(i) + "\n";
    return text;
}

bool catchesSigterm(pid_t process) {
    const auto status = contentOf("/proc/" + std::to_string(process) + "/status");
    const auto at = status.find("SigCgt:\t");
    return at != status.npos && (std::stoull(status.substr(at + 8), nullptr, 16) >> (SIGTERM - 1)) & 1;
}

// A thread that is writing stops only when its write is done.
void stopInItsTracks(ChildProcess& process) {
    process.signal(SIGSTOP);
    const auto allStopped = [&] {
        const auto tasks = "/proc/" + std::to_string(process.pid()) + "/task";
        for (const auto& task : fs::directory_iterator(tasks))
            if (contentOf(task.path() / "status").find("\nState:\tT") == std::string::npos)
                return false;
        return true;
    };
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (!allStopped() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

class Program : public ::testing::Test {
protected:
    // Sends `text` to the daemon and notes what it is to count.
    void feed(const std::string& text) {
        server_.send(text);
        countWords(expected_, text);
        lines_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    }
    void stopGracefully(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(kLongest), 0) << rig_.daemonErrors();
    }

    ProgramRig rig_;
    TextServer server_;
    Counts expected_;
    std::uint64_t lines_ = 0;
};

TEST_F(Program, EverythingReceivedIsCountedBeforeItStops) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"print\"\nfrom = \"counts\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 2000));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
    EXPECT_THAT(rig_.daemonOutput(), StartsWith(std::string(43, '-') + "\nTime: "));
    EXPECT_THAT(rig_.daemonOutput(), HasSubstr(" ms\n" + std::string(43, '-') + "\n"));
}

TEST_F(Program, AKillAndARestartKeepTheTotals) {
    rig_.writeDialingJob(server_);
    for (int life = 0; life < 4; ++life) {
        const auto daemon = rig_.start();
        server_.accept();
        feed(someLines(life * 500, life * 500 + 499));
        ASSERT_TRUE(rig_.awaitLoggedLines(1));
        // What is in the log counts; wait for the last word to be there before the kill.
        const std::string last = "w" + std::to_string(life * 500 + 499);
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (rig_.look({"state", "get", "totals", last}).code != 0)
            ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
        EXPECT_EQ(daemon->kill(), 128 + SIGKILL);
    }
    const auto daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("resumed behind batch"));
}

TEST_F(Program, AKillBeforeTheFirstCheckpointKeepsTheTotals) {
    rig_.writeDialingJob(server_, "[limits]\nworkers = 1\n");
    auto text = contentOf(rig_.path() / "job.toml");
    text.replace(text.find("300ms"), 5, "1h");
    std::ofstream(rig_.path() / "job.toml") << text;
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 300));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    daemon->kill();
    const auto looked = rig_.look({"state", "list"});
    EXPECT_EQ(looked.code, 1);
    EXPECT_THAT(looked.err, HasSubstr("no checkpoint yet"));
    daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, AnExportIsSortedByKeyBytesAndShowsAnyBytes) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed("b a \xff\xfe z \xc3\xbc aa \xc3 \"quoted\" back\\slash A b\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto rows = rig_.exported();
    EXPECT_EQ(Counts(rows.begin(), rows.end()), expected_);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::lexicographical_compare(
            a.first.begin(), a.first.end(), b.first.begin(), b.first.end(),
            [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); });
    }));
    const auto out = rig_.look({"state", "export", "totals", "--json"}).out;
    EXPECT_THAT(out, HasSubstr("{\"key_base64\": \"//4=\", \"value\": 1}\n"));
    EXPECT_THAT(out, HasSubstr("{\"key\": \"ü\", \"value\": 1}\n"));
    // Every key can be asked for as the export for people shows it.
    std::istringstream lines(rig_.look({"state", "export", "totals"}).out);
    int asked = 0;
    for (std::string line; std::getline(lines, line); ++asked) {
        const auto got = rig_.look({"state", "get", "totals", line.substr(0, line.find('\t'))});
        EXPECT_EQ(got.out, line + "\n") << got.err;
    }
    EXPECT_EQ(asked, static_cast<int>(expected_.size()));
}

TEST_F(Program, ASecondSignalStopsAtOnceAndSafely) {
    rig_.writeDialingJob(server_);
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 500));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    // Both are there when it looks.
    daemon->signal(SIGSTOP);
    daemon->signal(SIGTERM);
    daemon->signal(SIGINT);
    daemon->signal(SIGCONT);
    EXPECT_EQ(daemon->wait(kLongest), 130) << rig_.daemonErrors();
    daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, SignalsAreHeardDuringALongStart) {
    rig_.writeDialingJob(server_);
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 500));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    daemon->kill();
    const auto recovering = [&](const char* delay) {
        auto started = rig_.start({{"TIDEMILL_FAILPOINT", "recover.afterScan:delay=" +
                                                              std::string(delay)}});
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (!catchesSigterm(started->pid()) && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        started->signal(SIGTERM);
        return started;
    };
    daemon = recovering("60000");
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.daemonErrors().find("as soon as the start is done") == std::string::npos)
        ASSERT_LT(std::chrono::steady_clock::now(), until);
    daemon->signal(SIGINT);
    EXPECT_EQ(daemon->wait(kLongest), 130) << rig_.daemonErrors();
    // One alone: what was received is processed first.
    daemon = recovering("1500");
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, WhenNobodyReadsTheResultsItStopsWithAMessageAndLosesNothing) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"print\"\n");
    int code = 0;
    const auto piped = outputOf(
        {"/bin/sh", "-c",
         "{ " + std::string(TIDEMILL_PROGRAM_PATH) + " run " + (rig_.path() / "job.toml").string() +
             " --data-dir " + rig_.data().string() + " 2>" + (rig_.path() / "said").string() +
             "; echo $? >" + (rig_.path() / "code").string() + "; } | head -n 1"},
        code);
    EXPECT_EQ(piped, std::string(43, '-') + "\n");
    EXPECT_EQ(contentOf(rig_.path() / "code"), "1\n");
    EXPECT_THAT(contentOf(rig_.path() / "said"), HasSubstr("writing results to the output stream"));
    const auto daemon = rig_.start();
    server_.accept();
    server_.accept();
    feed(someLines(1, 100));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, WhatIsNoDataDirectoryIsRefused) {
    rig_.writeDialingJob(server_);
    fs::create_directory(rig_.path() / "papers");
    std::ofstream(rig_.path() / "papers" / "letter") << "dear sea\n";
    for (const char* place : {"papers", "papers/letter"}) {
        const auto refused =
            rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.path() / place});
        EXPECT_EQ(refused.code, 4) << place << ": " << refused.err;
        EXPECT_THAT(refused.err, HasSubstr(place));
    }
    EXPECT_EQ(contentOf(rig_.path() / "papers" / "letter"), "dear sea\n");
    EXPECT_FALSE(fs::exists(rig_.path() / "papers" / "wal"));
}

TEST_F(Program, APrintRepeatsOnlyTheLastRecordedBatch) {
    rig_.writeDialingJob(
        server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"stdout\"\n");
    auto text = contentOf(rig_.path() / "job.toml");
    text.replace(text.find("300ms"), 5, "1h");
    std::ofstream(rig_.path() / "job.toml") << text;
    std::set<int> before;
    for (int life = 0; life < 3; ++life) {
        const auto outputBefore = rig_.daemonOutput().size();
        const auto daemon = rig_.start();
        server_.accept();
        std::set<int> batches;
        const auto until = std::chrono::steady_clock::now() + kLongest;
        for (int i = 0; batches.size() < 5; ++i) {
            ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
            feed(someLines(i, i));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            batches.clear();
            std::istringstream lines(rig_.daemonOutput().substr(outputBefore));
            for (std::string line; std::getline(lines, line);)
                if (line.ends_with("}"))
                    batches.insert(nlohmann::json::parse(line)["batch"].get<int>());
        }
        daemon->kill();
        for (const int batch : batches)
            EXPECT_TRUE(!before.contains(batch) || batch == *before.rbegin()) << batch;
        before.merge(batches);
    }
}

TEST_F(Program, ASecondDaemonOnADirectoryIsRefusedAndWritesNothing) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 100));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopInItsTracks(*daemon);
    const auto before = rig_.snapshot();
    const auto second = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(second.code, 4);
    EXPECT_THAT(second.err, HasSubstr("in use"));
    EXPECT_EQ(second.out, "");
    EXPECT_EQ(rig_.snapshot(), before);
    daemon->signal(SIGCONT);
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, AJobOfOtherTypesIsRefusedWithTheDifference) {
    {
        StreamingContext context(rig_.data(), Duration(20));
        RecordQueue<std::pair<std::uint32_t, std::int64_t>> queue;
        context.queueStream(queue).runningTotals("totals");
        queue.push({{7u, 1}});
        std::atomic<int> batches = 0;
        context.onBatchCompleted([&](std::uint64_t, BatchTime) { ++batches; });
        context.start();
        while (batches < 2) context.awaitTermination(std::chrono::milliseconds(5));
        context.stop();
    }
    rig_.writeDialingJob(server_);
    // The lock was taken, so it names its last holder.
    const auto stateAndLog = [&] {
        auto files = rig_.snapshot();
        files.erase((rig_.data() / "LOCK").string());
        return files;
    };
    const auto before = stateAndLog();
    const auto refused = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr("incompatible  totals: the directory holds (runningTotals "
                                       "key=u32 value=i64), the job wants (runningTotals "
                                       "key=string value=i64)"));
    EXPECT_EQ(stateAndLog(), before);
}

TEST_F(Program, ADirectoryOfAnotherJobIsRefusedUnlessAdopted) {
    rig_.writeDialingJob(server_);
    auto daemon = rig_.start();
    server_.accept();
    feed("a b a\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    auto text = contentOf(rig_.path() / "job.toml");
    const auto name = text.find("name = \"") + 8;
    const std::string former = text.substr(name, text.find('"', name) - name);
    text.replace(name, former.size(), "other");
    std::ofstream(rig_.path() / "other.toml") << text;
    const auto refused = rig_.tidemill({"run", rig_.path() / "other.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr("belongs to the job \"" + former + "\", this one is \"other\""));
    EXPECT_EQ(rig_.totals(), expected_);
    std::ofstream(rig_.path() / "job.toml") << text;
    daemon = rig_.start({}, {"--adopt"});
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(contentOf(rig_.data() / "JOB"), "other\n");
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, RecordedBatchesOfAnotherJobAreRefused) {
    rig_.writeDialingJob(server_);
    auto text = contentOf(rig_.path() / "job.toml");
    text.replace(text.find("300ms"), 5, "1h");
    std::ofstream(rig_.path() / "job.toml") << text;
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 100));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    daemon->kill();
    auto other = text;
    other.replace(other.find("\"totals\""), 8, "\"others\"");
    std::ofstream(rig_.path() / "job.toml") << other;
    const auto refused = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("were recorded by another version of this job"));
    std::ofstream(rig_.path() / "job.toml") << text;
    daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, LookingAtARunningDirectoryDisturbsNothing) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 1000));
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.look({"state", "get", "totals", "w1000"}).code != 0)
        ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
    stopInItsTracks(*daemon);
    const auto before = rig_.snapshot();
    const std::vector<std::vector<std::string>> commands{
        {"state", "list"}, {"state", "get", "totals", "the"}, {"state", "scan", "totals"},
        {"state", "scan", "totals", "--prefix", "w1", "--limit", "3"}, {"state", "export", "totals"},
        {"wal", "list"}, {"wal", "dump"}, {"wal", "verify"},
        {"checkpoint", "list"}, {"checkpoint", "verify"}};
    for (auto command : commands) {
        EXPECT_EQ(rig_.look(command).code, 0) << command[0] << " " << command[1];
        command.push_back("--json");
        const auto result = rig_.look(command);
        EXPECT_EQ(result.code, 0) << command[0] << " " << command[1] << ": " << result.err;
        if (command[1] != "dump") {
            EXPECT_NE(result.out, "") << command[0] << " " << command[1];
        }
        std::istringstream lines(result.out);
        for (std::string line; std::getline(lines, line);)
            EXPECT_TRUE(nlohmann::json::parse(line, nullptr, false).is_object()) << line;
        if (command[0] == "state") {
            EXPECT_THAT(result.err, ::testing::ContainsRegex(
                                        "state of batch [0-9]+ .*; [0-9]+ logged records are not"));
        }
    }
    EXPECT_EQ(rig_.snapshot(), before);
    daemon->signal(SIGCONT);
    // And while it goes on making checkpoints and removing them.
    for (int i = 1; i <= 20; ++i) {
        feed(someLines(1000 + i, 1000 + i));
        for (const auto& command : commands) {
            const auto result = rig_.look(command);
            EXPECT_EQ(result.code, 0) << command[0] << " " << command[1] << ": " << result.err;
        }
    }
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, AScanIsBoundedByPrefixRangeAndLimit) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed("a b1 b2 b3 c d\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto scan = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"state", "scan", "totals"});
        return rig_.look(more).out;
    };
    EXPECT_EQ(scan({"--prefix", "b"}), "b1\t1\nb2\t1\nb3\t1\n");
    EXPECT_EQ(scan({"--prefix", "b", "--limit", "2"}), "b1\t1\nb2\t1\n");
    EXPECT_EQ(scan({"--from", "b3", "--to", "d"}), "b3\t1\nc\t1\n");
    const auto unknown = rig_.look({"state", "get", "total", "a"});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err, HasSubstr("no state table \"total\"; there are: totals"));
    const auto missing = rig_.look({"state", "get", "totals", "nobody"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_THAT(missing.err, HasSubstr("no key \"nobody\" in table totals"));
}

TEST_F(Program, AnExportWhoseReaderLeavesEndsQuietly) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed(someLines(10000, 30000));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    int code = 0;
    const auto piped = outputOf({"/bin/sh", "-c",
                                 std::string(TIDEMILL_PROGRAM_PATH) +
                                     " state export totals --data-dir " + rig_.data().string() +
                                     " 2>" + (rig_.path() / "said").string() + " | head -n 1"},
                                code);
    EXPECT_EQ(code, 0);
    EXPECT_EQ(piped, "mill\t20001\n");
    const auto said = contentOf(rig_.path() / "said");
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_THAT(said, StartsWith("state of batch "));

    // But what cannot be written on a full disk is not done.
    outputOf({"/bin/sh", "-c",
              std::string(TIDEMILL_PROGRAM_PATH) + " state export totals --data-dir " +
                  rig_.data().string() + " 2>" + (rig_.path() / "said").string() + " >/dev/full"},
             code);
    EXPECT_EQ(code, 1);
    EXPECT_THAT(contentOf(rig_.path() / "said"), HasSubstr("writing to standard output failed"));
}

TEST_F(Program, CheckSaysThePlanAndMakesNothing) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"print\"\n");
    const auto checked =
        rig_.tidemill({"run", "--check", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(checked.code, 0) << checked.err;
    EXPECT_EQ(checked.out,
              "job         program, a batch every 50 ms\n"
              "source      socket dials 127.0.0.1:" +
                  std::to_string(server_.port()) +
                  "\n"
                  "step        split \"words\"\n"
                  "  gives     text\n"
                  "step        count \"counts\"\n"
                  "  gives     value text, count int\n"
                  "step        running_totals \"totals\"\n"
                  "  gives     value text, count int\n"
                  "state       totals (runningTotals key=string value=i64)\n"
                  "output      print\n"
                  "data        " +
                  rig_.data().string() +
                  ", which is made at the first start\n"
                  "limits      256 MiB a batch, 1 MiB a record, 256 MiB of changed state\n"
                  "checkpoint  every 300 ms or 256 MiB of log\n");
    EXPECT_FALSE(fs::exists(rig_.data()));
}

TEST_F(Program, AWrongJobFileIsRefusedWithEverythingThatIsWrong) {
    const auto missing = rig_.tidemill({"run", rig_.path() / "no.toml"});
    EXPECT_EQ(missing.code, 3);
    EXPECT_THAT(missing.err, HasSubstr("no.toml"));
    std::ofstream(rig_.path() / "job.toml") << "[job]\nnam = 1\n";
    for (const std::string option : {"--check", "--workers=1"}) {
        const auto wrong =
            rig_.tidemill({"run", rig_.path() / "job.toml", option, "--data-dir", rig_.data()});
        EXPECT_EQ(wrong.code, 3);
        EXPECT_THAT(wrong.err, HasSubstr("job.toml:2:1: unknown key \"nam\" in [job], did you "
                                         "mean \"name\"?\n"));
        EXPECT_THAT(wrong.err, HasSubstr("job.toml:1:1: no [[source]]"));
    }
    EXPECT_FALSE(fs::exists(rig_.data()));
}

TEST_F(Program, AJobFileMayComeFromAPipe) {
    rig_.writeDialingJob(server_);
    int code = 0;
    const auto checked =
        outputOf({"/bin/sh", "-c",
                  "cat " + (rig_.path() / "job.toml").string() + " | " +
                      std::string(TIDEMILL_PROGRAM_PATH) + " run --check /dev/stdin"},
                 code);
    EXPECT_EQ(code, 0);
    EXPECT_THAT(checked, StartsWith("job         program"));
}

TEST_F(Program, ADataDirectoryWithoutParentSaysWhatIsMissing) {
    rig_.writeDialingJob(server_);
    const auto refused = rig_.tidemill(
        {"run", rig_.path() / "job.toml", "--data-dir", rig_.path() / "no" / "where" / "data"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, HasSubstr("is missing: " + (rig_.path() / "no" / "where").string()));
}

TEST_F(Program, AWrongCommandLineIsSaid) {
    const auto unknown = rig_.tidemill({"rum", "job.toml"});
    EXPECT_EQ(unknown.code, 2);
    EXPECT_THAT(unknown.err, StartsWith("tidemill: unknown command \"rum\", did you mean \"run\"?\n"));
    EXPECT_THAT(rig_.tidemill({"state", "lsit"}).err,
                StartsWith("tidemill: unknown command \"lsit\", did you mean \"list\"?\n"));
    EXPECT_THAT(rig_.tidemill({"start", "job.toml"}).err,
                StartsWith("tidemill: unknown command \"start\", did you mean \"run\"?\n"));
    EXPECT_THAT(rig_.tidemill({"state", "lits", "--data-dir", "d"}).err,
                StartsWith("tidemill: unknown command \"lits\", did you mean \"list\"?\n"));
    EXPECT_THAT(rig_.tidemill({"run", "--chek", "--dat-dir=d", "job.toml"}).err,
                StartsWith("tidemill: unknown option \"--chek\", did you mean \"--check\"?\n"
                           "tidemill: unknown option \"--dat-dir\", did you mean \"--data-dir\"?\n"));
    // Whatever is wrong, every line says who speaks, and the last one where to read on.
    for (const auto& wrong : std::vector<std::vector<std::string>>{
             {"state"}, {"run"}, {"state", "export", "totals"}, {"send", "9998"},
             {"run", "job.toml", "--workers", "many"}, {"run", "job.toml", "--workers", "-1"},
             {"run", "job.toml", "--data-dir"}, {"send", "--session"},
             {"send", "--session", "me", "9998", "f", "--rate", "fast"},
             {"send", "--session", "me", "9998", "f", "--rate", "-5"},
             {"wal", "dump", "--data-dir", "d", "--after", "x"}}) {
        const auto said = rig_.tidemill(wrong);
        EXPECT_EQ(said.code, 2) << said.err;
        EXPECT_EQ(said.out, "");
        std::istringstream lines(said.err);
        std::string line, last;
        while (std::getline(lines, line)) {
            EXPECT_THAT(line, StartsWith("tidemill")) << said.err;
            last = line;
        }
        EXPECT_THAT(last, ::testing::EndsWith(" --help says more"));
    }
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"run"}, {"send"}, {"state"}, {"state", "list"}, {"state", "get"}, {"state", "scan"},
             {"state", "export"}, {"wal"}, {"wal", "list"}, {"wal", "dump"}, {"wal", "verify"},
             {"checkpoint"}, {"checkpoint", "list"}, {"checkpoint", "verify"}}) {
        auto asked = command;
        asked.push_back("--help");
        const auto help = rig_.tidemill(asked);
        EXPECT_EQ(help.code, 0);
        EXPECT_THAT(help.out, HasSubstr("Example"));
        EXPECT_THAT(help.out, HasSubstr("tidemill " + command[0] + " "));
    }
    EXPECT_THAT(rig_.tidemill({}).err,
                HasSubstr("tidemill run examples/wordcount_acknowledged.toml"));
    EXPECT_EQ(rig_.tidemill({}).code, 2);
    EXPECT_EQ(rig_.tidemill({"state", "export", "totals"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"run", "job.toml", "--frob"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"run", "job.toml", "--workers", "many"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"send", "--session", "me", "nowhere"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"send", "--session", "you and me", "9998"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"--help"}).code, 0);
    EXPECT_EQ(rig_.tidemill({"help"}).out, rig_.tidemill({"--help"}).out);
    EXPECT_EQ(rig_.tidemill({"help", "wal"}).out, rig_.tidemill({"wal", "--help"}).out);
    EXPECT_EQ(rig_.tidemill({"--version"}).code, 0);
}

TEST_F(Program, LookingWhereNothingIsFails) {
    fs::create_directory(rig_.data());
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"state", "list"}, {"wal", "verify"}, {"checkpoint", "list"}}) {
        const auto result = rig_.look(command);
        EXPECT_EQ(result.code, 1) << command[0];
        EXPECT_THAT(result.err, HasSubstr("no data directory"));
    }
    EXPECT_TRUE(fs::is_empty(rig_.data()));
}

TEST_F(Program, ASenderWaitsForADaemonThatIsNotThereYet) {
    const auto port = freePort();
    rig_.writeJob("type = \"listen_acknowledged\"\nport = " + std::to_string(port));
    const auto text = someLines(1, 3000);
    std::ofstream(rig_.path() / "text") << text;
    ChildProcess sender({.arguments = {TIDEMILL_PROGRAM_PATH, "send", "--session", "me",
                                       std::to_string(port), rig_.path() / "text"},
                         .environment = {},
                         .errorFile = rig_.path() / "sender.err"});
    EXPECT_EQ(sender.wait(std::chrono::milliseconds(700)), std::nullopt);
    const auto daemon = rig_.start();
    EXPECT_EQ(sender.wait(kLongest), 0) << contentOf(rig_.path() / "sender.err");
    EXPECT_THAT(contentOf(rig_.path() / "sender.err"), HasSubstr("all 3000 lines are durable"));
    // The same again adds nothing: the session has these lines.
    const auto again = rig_.tidemill(
        {"send", "--session", "me", std::to_string(port), rig_.path() / "text"});
    EXPECT_EQ(again.code, 0) << again.err;
    stopGracefully(*daemon);
    // The sessions are a table like others.
    EXPECT_EQ(rig_.look({"state", "export", "(sessions)"}).out, "me\t3000\n");
    EXPECT_EQ(rig_.look({"state", "get", "(sessions)", "me"}).out, "me\t3000\n");
    std::istringstream tables(rig_.look({"state", "list", "--json"}).out);
    for (std::string line; std::getline(tables, line);)
        EXPECT_GT(nlohmann::json::parse(line)["bytes"].get<int>(), 0) << line;
    countWords(expected_, text);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, EachBatchHasOneFileOfJsonLinesAcrossKills) {
    const auto results = rig_.path() / "results";
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                                      results.string() + "\"\nempty_batches = true\n");
    for (int life = 0; life < 5; ++life) {
        const auto daemon = rig_.start();
        server_.accept();
        feed(someLines(life * 200, life * 200 + 199));
        const std::string last = "w" + std::to_string(life * 200 + 199);
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (rig_.look({"state", "get", "totals", last}).code != 0)
            ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
        if (life < 4)
            daemon->kill();
        else
            stopGracefully(*daemon);
    }
    std::set<std::string> names;
    Counts counts;
    for (const auto& entry : fs::directory_iterator(results)) {
        if (entry.path().filename() == ".tidemill") continue;
        names.insert(entry.path().filename());
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            const auto row = nlohmann::json::parse(line);
            EXPECT_EQ(row["batch"], std::stoull(entry.path().stem().string()));
            EXPECT_EQ(row["time"].get<std::int64_t>() % 50, 0);
            counts[row["key"]] += row["value"].get<std::int64_t>();
        }
    }
    std::set<std::string> dense;
    for (std::size_t batch = 1; batch <= names.size(); ++batch) {
        const auto digits = std::to_string(batch);
        dense.insert(std::string(20 - digits.size(), '0') + digits + ".jsonl");
    }
    EXPECT_EQ(names, dense);
    EXPECT_EQ(counts, expected_);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, ABatchWithoutElementsHasNoFileOfJsonLines) {
    const auto results = rig_.path() / "results";
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                                      results.string() + "\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    // Batches without a line, and a checkpoint that says that they are complete.
    ASSERT_TRUE(rig_.awaitFile(rig_.data() / "generations"));
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.look({"state", "list"}).code != 0)
        ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
    feed("tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(results))
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    ASSERT_EQ(files.size(), 1u);
    EXPECT_GT(std::stoull(files[0].stem().string()), 1u);
    const auto row = nlohmann::json::parse(contentOf(files[0]));
    EXPECT_EQ(row["key"], "tide");
    EXPECT_EQ(row["batch"], std::stoull(files[0].stem().string()));
}

TEST_F(Program, BatchAndTimeOfAJsonLineGiveWayToFieldsOfThoseNames) {
    std::ofstream(rig_.path() / "job.toml") << R"([job]
name = "program"
interval = "50ms"
[[source]]
type = "socket"
host = "127.0.0.1"
port = )" << server_.port() << R"(
[[step]]
do = "fields"
by = "split"
fields = {time = 1, what = 2}
[[output]]
to = "json_lines"
path = "stdout"
)";
    EXPECT_THAT(rig_.tidemill({"run", rig_.path() / "job.toml", "--check"}).out,
                HasSubstr("each line with \"_batch\" and \"_time\""));
    const auto daemon = rig_.start();
    server_.accept();
    feed("noon tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto row = nlohmann::json::parse(rig_.daemonOutput());
    EXPECT_EQ(row["time"], "noon");
    EXPECT_GE(row["_batch"].get<int>(), 1);
    EXPECT_EQ(row["_time"].get<std::int64_t>() % 50, 0);
}

// A copy of a data directory, taken before what the results hold, would take them for its own.
TEST_F(Program, AnOlderCopyOfTheDataDirectoryIsNotRunBesideNewerResults) {
    const auto results = rig_.path() / "results";
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                                      results.string() + "\"\n");
    const auto live = [&](const std::string& text) {
        const auto daemon = rig_.start();
        server_.accept();
        feed(text);
        ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
        stopGracefully(*daemon);
    };
    live("tide\n");
    fs::copy(rig_.data(), rig_.path() / "copy", fs::copy_options::recursive);
    live("mill\n");
    fs::rename(rig_.data(), rig_.path() / "newer");
    fs::rename(rig_.path() / "copy", rig_.data());
    const auto refused = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr(results.string()));
    EXPECT_THAT(refused.err, HasSubstr("restored from an older copy"));
}

TEST_F(Program, ResultsOfAnotherDirectoryAreNotMixedIn) {
    const auto results = rig_.path() / "results";
    fs::create_directory(results);
    std::ofstream(results / "00000000000000000001.jsonl") << "{}\n";
    rig_.writeDialingJob(server_,
                         "[[output]]\nto = \"json_lines\"\npath = \"" + results.string() + "\"\n");
    const auto refused = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr(results.string()));
    EXPECT_EQ(contentOf(results / "00000000000000000001.jsonl"), "{}\n");
}

TEST_F(Program, JsonLinesOnStandardOutputNameTheirBatch) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = "
                                  "\"stdout\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed("tide tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto row = nlohmann::json::parse(rig_.daemonOutput());
    EXPECT_EQ(row["key"], "tide");
    EXPECT_EQ(row["value"], 2);
    EXPECT_GE(row["batch"].get<int>(), 1);
    EXPECT_EQ(row["time"].get<std::int64_t>() % 50, 0);
}

TEST_F(Program, TextFilesAppearWholeAndOncePerBatch) {
    fs::create_directory(rig_.path() / "texts");
    rig_.writeDialingJob(server_, "[[output]]\nto = \"text_files\"\nfrom = \"counts\"\nprefix = \"" +
                                      (rig_.path() / "texts/counts").string() +
                                      "\"\nsuffix = \"txt\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed("tide mill tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    std::set<std::string> lines;
    for (const auto& batch : fs::directory_iterator(rig_.path() / "texts")) {
        EXPECT_THAT(batch.path().filename().string(), ::testing::MatchesRegex("counts-[0-9]+\\.txt"));
        EXPECT_TRUE(fs::exists(batch.path() / "_SUCCESS"));
        for (const auto& part : fs::directory_iterator(batch.path())) {
            if (part.path().filename() == ".tidemill") continue;
            std::ifstream file(part.path());
            for (std::string line; std::getline(file, line);) lines.insert(line);
        }
    }
    EXPECT_EQ(lines, (std::set<std::string>{"(tide,2)", "(mill,1)"}));
}

}  // namespace
}  // namespace tidemill::test
