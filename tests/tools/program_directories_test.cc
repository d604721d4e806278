// Whose a data directory is, as users of the program meet it: refused, adopted, looked at.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

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
    rig_.writeDialingJob(server_,
                         "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"stdout\"\n");
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
    const auto refused =
        rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
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
    const auto refused =
        rig_.tidemill({"run", rig_.path() / "other.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err,
                HasSubstr("belongs to the job \"" + former + "\", this one is \"other\""));
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
    const auto refused =
        rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
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
        {"state", "list"},
        {"state", "get", "totals", "the"},
        {"state", "scan", "totals"},
        {"state", "scan", "totals", "--prefix", "w1", "--limit", "3"},
        {"state", "export", "totals"},
        {"wal", "list"},
        {"wal", "dump"},
        {"wal", "verify"},
        {"checkpoint", "list"},
        {"checkpoint", "verify"}};
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

}  // namespace
}  // namespace tidemill::test
