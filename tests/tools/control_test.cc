// A daemon that is asked while it runs: status, checkpoint now, stop.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/support/raw_client.h"
#include "tests/tools/control_fixture.h"

namespace tidemill::test {
namespace {

TEST_F(Control, StatusSaysWhatTheJobHasDone) {
    const auto daemon = startCounting();
    ASSERT_TRUE(awaitStatus([](const Json& s) {
        return s["batch"]["records"] == 1 && s["phase"] == "running" && s.contains("rates");
    }));
    const auto said = status();
    EXPECT_EQ(said["job"], "program");
    EXPECT_EQ(said["process"], daemon->pid());
    EXPECT_EQ(said["health"], "well") << said;
    EXPECT_EQ(said["words"], Json::array({"keeps up"}));
    EXPECT_EQ(said["batch"]["interval_ms"], 50);
    EXPECT_EQ(said["batch"]["bytes"], 15);
    ASSERT_EQ(said["sources"].size(), 1u);
    EXPECT_EQ(said["sources"][0]["records"], 1);
    EXPECT_EQ(said["sources"][0]["connections"], 1);
    EXPECT_GT(said["memory"]["resident_bytes"], 1 << 20);

    const auto words = rig_.look({"status"});
    EXPECT_EQ(words.code, 0) << words.err;
    EXPECT_THAT(words.out, StartsWith("program: keeps up\n"));
    EXPECT_THAT(words.out, HasSubstr("pid " + std::to_string(daemon->pid())));
    EXPECT_THAT(words.out, HasSubstr("source 1   socket dials 127.0.0.1:"));
    stopGracefully(*daemon);
}

TEST_F(Control, ASourceThatLostItsPeerIsTrouble) {
    {
        const TextServer gone;
        rig_.writeDialingJob(gone);
    }
    const auto daemon = rig_.start();
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["health"] == "trouble"; }));
    const auto said = status();
    EXPECT_THAT(said["words"][0].get<std::string>(),
                HasSubstr("has lost its peer and tries again: "));
    EXPECT_FALSE(said["errors"].empty());
    stopGracefully(*daemon);
}

TEST_F(Control, ACheckpointIsMadeWhenAskedFor) {
    // None by time: what is there was asked for.
    rig_.writeDialingJob(server_);
    auto job = contentOf(rig_.path() / "job.toml");
    job.replace(job.find("300ms"), 5, "1h");
    std::ofstream(rig_.path() / "job.toml") << job;
    const auto daemon = rig_.start();
    server_.accept();
    feed("mill tide mill\n");
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 1; }));
    const auto made = rig_.look({"checkpoint", "now"});
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(made.out, StartsWith("checkpoint of batch "));
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
    const auto again = rig_.look({"checkpoint", "now", "--json"});
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(Json::parse(again.out)["made"], 2);
    daemon->kill();
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
}

TEST_F(Control, StopProcessesWhatWasReceivedAndReturnsWhenTheProcessIsGone) {
    const auto daemon = startCounting();
    const auto stopped = rig_.look({"stop"});
    EXPECT_EQ(stopped.code, 0) << stopped.err;
    EXPECT_EQ(stopped.out, "stopped: process " + std::to_string(daemon->pid()) + "\n");
    EXPECT_EQ(daemon->wait(kLongest), 0);
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
    EXPECT_FALSE(fs::exists(socketPath()));

    for (const auto& command :
         {std::vector<std::string>{"status"}, {"stop"}, {"checkpoint", "now"}}) {
        const auto nobody = rig_.look(command);
        EXPECT_EQ(nobody.code, 1);
        EXPECT_THAT(nobody.err, HasSubstr("no job runs in this data directory"));
    }
}

TEST_F(Control, StopNowLeavesTheRestToTheNextStart) {
    const auto daemon = startCounting();
    const auto stopped = rig_.look({"stop", "--now"});
    EXPECT_EQ(stopped.code, 0) << stopped.err;
    EXPECT_EQ(daemon->wait(kLongest), 130);
    const auto next = rig_.start();
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["phase"] == "running"; }));
    stopGracefully(*next);
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
}

TEST_F(Control, APausedSourceTakesNothingUntilItIsResumedAlsoBehindAKill) {
    const auto daemon = startCounting();
    const auto paused = rig_.look({"pause"});
    EXPECT_EQ(paused.code, 0) << paused.err;
    EXPECT_EQ(paused.out,
              "source of line 6 is paused, also after a restart, until tidemill resume\n");
    feed("tide\n");
    ::usleep(500'000);
    auto said = status();
    EXPECT_EQ(said["sources"][0]["paused"], true);
    EXPECT_EQ(said["batch"]["records"], 1);
    EXPECT_EQ(said["health"], "well");
    EXPECT_THAT(said["words"][0].get<std::string>(), HasSubstr("is paused by an operator"));
    daemon->kill();

    const auto next = rig_.start();
    server_.accept();
    feed("tide\n");
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["since_start"] > 2; }));
    EXPECT_EQ(status()["batch"]["records"], 0);
    const auto resumed = rig_.look({"resume", "1"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 1; }));
    stopGracefully(*next);
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 2}}));
}

TEST_F(Control, ARateHoldsAndSourcesThatAreNoneAreNamed) {
    const auto daemon = startCounting();
    const auto set = rig_.look({"set", "1", "rate=2 kB/s"});
    EXPECT_EQ(set.code, 0) << set.err;
    EXPECT_EQ(status()["sources"][0]["max_rate"], "2000 B/s");
    std::string lines;
    for (int i = 0; i < 2000; ++i) lines += "mill\n";  // 10,000 bytes: about 5 s
    const auto began = std::chrono::steady_clock::now();
    feed(lines);
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] > 1; }));
    EXPECT_LT(status()["batch"]["records"], 1900);
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 2001; }));
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_GT(took, std::chrono::milliseconds(3500));
    EXPECT_LT(took, std::chrono::seconds(9));
    EXPECT_EQ(rig_.look({"set", "1", "rate=default"}).code, 0);
    EXPECT_FALSE(status()["sources"][0].contains("max_rate"));

    for (const auto& [arguments, code, says] :
         std::vector<std::tuple<std::vector<std::string>, int, std::string>>{
             {{"set", "1", "rate=much"}, 2, "a rate is a number of records or bytes per second"},
             {{"set", "1", "speed=3"}, 2, "\"speed=3\" cannot be set"},
             {{"set", "7", "rate=default"}, 1, "there is no source 7; the job has 1"},
             {{"pause", "clicks"}, 1, "there is no source \"clicks\""}}) {
        const auto refused = rig_.look(arguments);
        EXPECT_EQ(refused.code, code) << refused.err;
        EXPECT_THAT(refused.err, HasSubstr(says));
    }
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2002}, {"tide", 1}}));
}

TEST_F(Control, ADirectoryWithoutAJobIsSaidSo) {
    const auto none = rig_.look({"status"});
    EXPECT_EQ(none.code, 1);
    EXPECT_THAT(none.err, HasSubstr("no data directory: directory="));
}

TEST_F(Control, TheSocketIsItsUsersAloneAndComesBack) {
    const auto daemon = startCounting();
    struct stat made {};
    ASSERT_EQ(::stat(socketPath().c_str(), &made), 0);
    EXPECT_TRUE(S_ISSOCK(made.st_mode));
    EXPECT_EQ(made.st_mode & 0777, 0600u);
    fs::remove(socketPath());
    EXPECT_TRUE(awaitStatus([](const Json& s) { return s["phase"] == "running"; }));
    stopGracefully(*daemon);
}

TEST_F(Control, ASecondProcessThatIsRefusedLeavesTheSocketToTheFirst) {
    const auto daemon = startCounting();
    const auto second = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(second.code, 4);
    EXPECT_EQ(status()["process"], daemon->pid());
    stopGracefully(*daemon);
}

TEST_F(Control, ADirectoryWithALongPathHasOneToo) {
    const auto disk = rig_.path() / std::string(120, 'd');
    fs::create_directory(disk);
    ProgramRig deep(disk);
    deep.writeDialingJob(server_);
    const auto daemon = deep.start();
    server_.accept();
    bool answered = false;
    for (int i = 0; i < 400 && !answered; ++i, ::usleep(25'000))
        answered = deep.look({"status"}).code == 0;
    EXPECT_TRUE(answered);
    stopGracefully(*daemon);
}

// Connects as a client of the project's own would not behave.
RawClient connectedTo(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return RawClient(address);
}

TEST_F(Control, RequestsThatAreNoneAreRefusedAndHarmNobody) {
    const auto daemon = startCounting();
    {
        auto client = connectedTo(socketPath());
        client.send("stauts \x1b[2J\n");
        const auto said = Json::parse(client.receive());
        EXPECT_THAT(said["error"].get<std::string>(),
                    HasSubstr("unknown request \"stauts \\x1b[2J\"; there are: status, "));
    }
    {
        auto client = connectedTo(socketPath());
        client.send(std::string(1 << 20, 'x'));  // no line ends: longer than any request
        EXPECT_EQ(client.receive(), "");
    }
    {
        // Silent ones take all places for a while, and no longer.
        std::vector<RawClient> silent;
        for (int i = 0; i < 200; ++i) silent.push_back(connectedTo(socketPath()));
        EXPECT_TRUE(awaitStatus([](const Json& s) { return s["phase"] == "running"; }));
    }
    stopGracefully(*daemon);
}

}  // namespace
}  // namespace tidemill::test
