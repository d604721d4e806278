// `tidemill savepoint`, what reads one, and what goes on from one.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;

class Savepoint : public Program {
protected:
    // Acknowledged, so that senders can be asked again; a checkpoint every 300 ms.
    void writeCountingJob() {
        port_ = TextServer().port();  // free a moment ago
        rig_.writeJob("type = \"listen_acknowledged\"\nhost = \"127.0.0.1\"\nport = " +
                      std::to_string(port_));
    }
    std::unique_ptr<ChildProcess> startCounting() {
        writeCountingJob();
        return startAgain();
    }
    std::unique_ptr<ChildProcess> startAgain() { return rig_.start(); }
    std::unique_ptr<ChildProcess> startOn(const fs::path& directory,
                                          const std::vector<std::string>& more = {}) {
        std::vector<std::string> all{TIDEMILL_PROGRAM_PATH, "run", rig_.path() / "job.toml",
                                     "--data-dir", directory};
        all.insert(all.end(), more.begin(), more.end());
        return std::make_unique<ChildProcess>(
            ChildProcess::Options{.arguments = all,
                                  .environment = {},
                                  .outputFile = rig_.path() / "out",
                                  .errorFile = rig_.path() / "err"});
    }

    // The first `lines` lines of the feed, durable when it returns.
    Outcome send(int lines) {
        const auto file = rig_.path() / "feed";
        std::ofstream(file) << someLines(1, lines);
        Outcome sent;
        for (int i = 0; i < 100; ++i, ::usleep(50'000)) {
            sent = rig_.tidemill(
                {"send", "--session", "s", "127.0.0.1:" + std::to_string(port_), file});
            if (sent.code == 0) break;
        }
        EXPECT_EQ(sent.code, 0) << sent.err << rig_.daemonErrors();
        return sent;
    }
    static Counts countsOf(int lines) {
        Counts counts;
        countWords(counts, someLines(1, lines));
        return counts;
    }
    Counts totalsOf(const fs::path& directory, std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"state", "export", "totals", "--json", "--data-dir", directory});
        Counts counts;
        const auto exported = rig_.tidemill(more);
        EXPECT_EQ(exported.code, 0) << exported.err;
        std::istringstream lines(exported.out);
        for (std::string line; std::getline(lines, line);)
            counts[Json::parse(line)["key"]] = Json::parse(line)["value"];
        return counts;
    }
    Json make(const std::string& name) const {
        const auto made = rig_.look({"savepoint", "make", name, "--json"});
        EXPECT_EQ(made.code, 0) << made.err << rig_.daemonErrors();
        return made.code == 0 ? Json::parse(made.out) : Json();
    }
    std::vector<std::uint64_t> checkpoints() const {
        std::vector<std::uint64_t> batches;
        std::istringstream lines(rig_.look({"checkpoint", "list", "--json"}).out);
        for (std::string line; std::getline(lines, line);)
            batches.push_back(Json::parse(line)["batch"]);
        return batches;
    }
    // Until no checkpoint of the batch is left.
    bool awaitTrimmed(std::uint64_t batch) const {
        for (int i = 0; i < 400; ++i, ::usleep(25'000)) {
            const auto left = checkpoints();
            if (!left.empty() && left.back() > batch) return true;
        }
        return false;
    }

    std::uint16_t port_ = 0;
};

TEST_F(Savepoint, OfAJobThatRunsStaysWhileItsCheckpointsGo) {
    const auto daemon = startCounting();
    send(20);
    const auto made = make("friday");
    const std::uint64_t batch = made["batch"];
    EXPECT_EQ(made["path"], (rig_.data() / "savepoints" / "friday").string());
    const auto twice = rig_.look({"savepoint", "make", "friday"});
    EXPECT_EQ(twice.code, 4);
    EXPECT_THAT(twice.err, HasSubstr("there is a savepoint \"friday\" already"));
    EXPECT_EQ(rig_.look({"savepoint", "make", "1st"}).code, 1);
    send(60);
    ASSERT_TRUE(awaitTrimmed(batch)) << rig_.daemonErrors();

    EXPECT_EQ(totalsOf(rig_.data(), {"--as-of", "friday"}), countsOf(20));
    EXPECT_EQ(totalsOf(rig_.data(), {"--as-of", std::to_string(batch)}), countsOf(20));
    const auto diff = rig_.look({"state", "diff", "totals", "--before", std::to_string(batch)});
    EXPECT_EQ(diff.code, 0) << diff.err;
    EXPECT_THAT(diff.out, HasSubstr("+ w60\t1\n"));
    const auto unknown = rig_.look({"state", "list", "--as-of", "monday"});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err, HasSubstr("no savepoint \"monday\"; there are: friday"));

    const auto listed = Json::parse(rig_.look({"savepoint", "list", "--json"}).out);
    EXPECT_EQ(listed["savepoint"], "friday");
    EXPECT_EQ(listed["batch"], batch);
    EXPECT_LE(listed["own_bytes"], listed["bytes"]);
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), countsOf(60));

    EXPECT_EQ(rig_.look({"savepoint", "remove", "friday"}).code, 0);
    EXPECT_EQ(rig_.look({"savepoint", "list"}).out, "no savepoint\n");
    EXPECT_EQ(rig_.look({"savepoint", "remove", "friday"}).code, 1);
    EXPECT_EQ(rig_.look({"fsck"}).code, 0);
}

TEST_F(Savepoint, OfADirectoryWithoutAJobIsOfTheNewestCheckpoint) {
    EXPECT_EQ(rig_.look({"savepoint", "make", "early"}).code, 1);
    EXPECT_FALSE(fs::exists(rig_.data()));
    auto daemon = startCounting();
    send(10);
    stopGracefully(*daemon);
    const auto made = make("sunday");
    EXPECT_EQ(made["batch"], checkpoints().front());
    // A backup has it, a copy to work on needs it not.
    const auto copy = rig_.path() / "copy";
    ASSERT_EQ(rig_.look({"backup", copy}).code, 0);
    daemon = startAgain();
    send(30);
    stopGracefully(*daemon);
    EXPECT_EQ(totalsOf(rig_.data(), {"--as-of", "sunday"}), countsOf(10));
    EXPECT_EQ(totalsOf(copy, {"--as-of", "sunday"}), countsOf(10));
}

TEST_F(Savepoint, AForkBeginsWithOneAndGetsAgainWhatCameSince) {
    auto daemon = startCounting();
    send(20);
    make("friday");
    send(50);
    stopGracefully(*daemon);
    const auto fork = rig_.path() / "fork";
    const auto forked =
        rig_.tidemill({"fork", rig_.data(), fork, "--from", "friday", "--with-outputs", "--json"});
    ASSERT_EQ(forked.code, 0) << forked.err;
    EXPECT_EQ(Json::parse(forked.out)["outputs"], true);
    EXPECT_EQ(rig_.tidemill({"fsck", "--data-dir", fork}).code, 0);
    EXPECT_EQ(totalsOf(fork), countsOf(20));
    EXPECT_EQ(rig_.tidemill({"fork", rig_.data(), fork, "--from", "friday"}).code, 4);
    EXPECT_EQ(rig_.tidemill({"fork", rig_.data(), fork.string() + "2", "--from", "x"}).code, 1);

    daemon = startOn(fork);
    send(60);  // which is asked for all behind the savepoint
    stopGracefully(*daemon);
    EXPECT_EQ(totalsOf(fork), countsOf(60));
    EXPECT_EQ(rig_.totals(), countsOf(50));
}

TEST_F(Savepoint, ARunFromOneMakesItsOwnDirectoryAndRefusesResultsOfTheOther) {
    writeCountingJob();
    const auto results = [&](const std::string& name) {
        fs::create_directory(rig_.path() / name);
        return "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
               (rig_.path() / name).string() + "\"\n";
    };
    const auto job = contentOf(rig_.path() / "job.toml");
    std::ofstream(rig_.path() / "job.toml") << job << results("theirs");
    auto daemon = startAgain();
    send(20);
    const auto place = make("friday")["path"].get<std::string>();
    send(40);
    stopGracefully(*daemon);

    const auto mine = (rig_.path() / "mine").string();
    const std::vector<std::string> from{"--from", place};
    EXPECT_EQ(startOn(mine, from)->wait(kLongest), 4);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("or another one's: the last published is batch "));
    fs::remove_all(mine);

    std::ofstream(rig_.path() / "job.toml") << job << results("ours");
    daemon = startOn(mine, from);
    send(45);
    stopGracefully(*daemon);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("of the savepoint " + place));
    EXPECT_EQ(totalsOf(mine), countsOf(45));
    // What outputs show begins behind the savepoint.
    Counts shown;
    for (const auto& entry : fs::directory_iterator(rig_.path() / "ours")) {
        if (entry.path().extension() != ".jsonl") continue;
        std::istringstream lines(contentOf(entry.path()));
        for (std::string line; std::getline(lines, line);)
            shown[Json::parse(line)["key"]] += Json::parse(line)["value"].get<std::int64_t>();
    }
    EXPECT_EQ(shown["w20"], 0);
    EXPECT_EQ(shown["w21"], 1);
    EXPECT_EQ(shown["w45"], 1);
    // It is a data directory like any other from now on.
    EXPECT_EQ(startOn(mine, from)->wait(kLongest), 4);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("start it without --from"));
    daemon = startOn(mine);
    send(50);
    stopGracefully(*daemon);
    EXPECT_EQ(totalsOf(mine), countsOf(50));
}

}  // namespace
}  // namespace tidemill::test
