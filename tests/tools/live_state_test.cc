// Orders to a daemon with --json, and the state of its last complete batch.
#include "tests/tools/control_fixture.h"

namespace tidemill::test {
namespace {

// The job, but with a checkpoint only when it stops.
class LiveState : public Control {
protected:
    std::unique_ptr<ChildProcess> startWithoutCheckpoints() {
        rig_.writeDialingJob(server_);
        auto job = contentOf(rig_.path() / "job.toml");
        job.replace(job.find("300ms"), 5, "1h");
        std::ofstream(rig_.path() / "job.toml") << job;
        auto daemon = rig_.start();
        server_.accept();
        feed("mill tide mill\n");
        EXPECT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 1; }));
        return daemon;
    }

    Outcome live(const std::string& key, const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"state", "get", "totals", key, "--live"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return rig_.look(arguments);
    }
};

TEST_F(LiveState, IsThatOfTheLastCompleteBatch) {
    const auto daemon = startWithoutCheckpoints();
    EXPECT_EQ(rig_.look({"state", "get", "totals", "mill"}).code, 1) << "there is no checkpoint";
    const auto batch = status()["batch"]["id"].get<std::uint64_t>();
    const auto mill = live("mill");
    EXPECT_EQ(mill.code, 0) << mill.err;
    EXPECT_EQ(mill.out, "mill\t2\n");
    ASSERT_THAT(mill.err, StartsWith("state of batch "));
    EXPECT_GT(std::stoull(mill.err.substr(15)), batch);
    feed("mill\n");
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 2; }));
    const auto more = live("mill", {"--json"});
    EXPECT_EQ(Json::parse(more.out), (Json{{"key", "mill"}, {"value", 3}}));
    const auto nothing = live("sea");
    EXPECT_EQ(nothing.code, 1);
    EXPECT_THAT(nothing.err, HasSubstr("no key \"sea\" in table totals"));
    stopGracefully(*daemon);
}

// What a checkpoint wrote and what has changed since are one state.
TEST_F(LiveState, AddsToWhatACheckpointHolds) {
    const auto daemon = startWithoutCheckpoints();
    ASSERT_EQ(rig_.look({"checkpoint", "now"}).code, 0);
    feed("mill sea\n");
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 2; }));
    EXPECT_EQ(live("mill").out, "mill\t3\n");
    EXPECT_EQ(live("sea").out, "sea\t1\n");
    EXPECT_EQ(live("tide").out, "tide\t1\n");
    EXPECT_EQ(rig_.look({"state", "get", "totals", "mill"}).out, "mill\t2\n");
    daemon->kill();
    const auto gone = live("mill");
    EXPECT_EQ(gone.code, 1);
    EXPECT_THAT(gone.err, HasSubstr("no job runs in this data directory"));
}

TEST_F(LiveState, WrongQuestionsAreNamed) {
    const auto daemon = startWithoutCheckpoints();
    const auto table = rig_.look({"state", "get", "total", "mill", "--live"});
    EXPECT_EQ(table.code, 4);
    EXPECT_THAT(table.err, HasSubstr("the job has no state \"total\", did you mean \"totals\"?"));
    EXPECT_EQ(rig_.look({"state", "get", "totals", "mill", "--live", "--as-of", "3"}).code, 2);
    for (const auto& [request, says] : std::vector<std::pair<std::string, std::string>>{
             {"get totals mill", "get needs an object with the texts \"table\" and \"key\""},
             {"get {\"table\": 3, \"key\": \"a\"}", "get needs an object"},
             {"got", "got needs the number of a look-up"},
             {"got 12x", "got needs the number of a look-up"},
             {"got 99", "no look-up has the number 99"}})
        EXPECT_THAT(answerTo(request)["error"].get<std::string>(), HasSubstr(says)) << request;
    stopGracefully(*daemon);
}

// More than are kept, of which nobody fetches the answers, and then one that is fetched.
TEST_F(LiveState, AnswersThatNobodyFetchesAreBounded) {
    const auto daemon = startWithoutCheckpoints();
    std::uint64_t last = 0;
    for (int i = 0; i < 600; ++i) {
        const auto said = answerTo("get {\"table\": \"totals\", \"key\": \"mill\"}");
        if (said.contains("request")) last = said["request"];
        else EXPECT_THAT(said["error"].get<std::string>(), HasSubstr("too many wait"));
    }
    EXPECT_GT(last, 300u);
    EXPECT_THAT(answerTo("got 1")["error"].get<std::string>(), HasSubstr("no look-up"));
    // It may be refused as long as the batch that answers the others has not run.
    auto mill = live("mill");
    for (int tries = 0; mill.code != 0 && tries < 100; ++tries) mill = live("mill");
    EXPECT_EQ(mill.out, "mill\t2\n") << mill.err;
    stopGracefully(*daemon);
}

TEST_F(LiveState, OrdersAnswerInJson) {
    const auto daemon = startWithoutCheckpoints();
    const auto json = [&](const std::vector<std::string>& command) {
        const auto done = rig_.look(command);
        EXPECT_EQ(done.code, 0) << done.err;
        return Json::parse(done.out);
    };
    const auto label = status()["sources"][0]["label"];
    EXPECT_EQ(json({"pause", "--json"}), (Json{{"source", 1}, {"label", label}, {"paused", true}}));
    EXPECT_EQ(json({"resume", "1", "--json"}),
              (Json{{"source", 1}, {"label", label}, {"paused", false}}));
    EXPECT_EQ(json({"set", "1", "rate=2 kB/s", "--json"}),
              (Json{{"source", 1}, {"label", label}, {"paused", false}, {"max_rate", "2000 B/s"}}));
    EXPECT_EQ(json({"set", "1", "rate=default", "--json"}),
              (Json{{"source", 1}, {"label", label}, {"paused", false}}));
    EXPECT_EQ(json({"checkpoint", "now", "--json"})["made"], 1);
    EXPECT_EQ(json({"stop", "--json"}), (Json{{"stopped", daemon->pid()}}));
    EXPECT_EQ(daemon->wait(kLongest), 0);
}

}  // namespace
}  // namespace tidemill::test
