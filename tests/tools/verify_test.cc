// State derived again and compared; older states, and what differs between them.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;

class Verify : public Program {
protected:
    // Totals, a window with an inverse, and rows: what they keep is of different kinds.
    void writeJob() {
        fs::create_directory(rig_.path() / "results");
        rig_.writeDialingJob(server_, R"job(
[[step]]
do = "count"
from = "words"
name = "lately"
window = "400ms"
slide = "100ms"
[[step]]
do = "fields"
from = "words"
by = "regex"
pattern = "^(?P<kind>[a-z]+)(?P<number>[0-9]*)$"
fields = {kind = "kind", number = {at = "number", type = "int", null = ""}}
name = "parts"
[[step]]
do = "aggregate"
from = "parts"
key = "kind"
compute = {n = "count()", largest = "max(number)"}
running = true
name = "kinds"
[[step]]
do = "aggregate"
from = "parts"
key = "kind"
compute = {total = "sum(number)"}
window = "600ms"
slide = "200ms"
name = "recent"
)job" + output("lately") + output("recent"));
    }

    std::string output(const std::string& step) const {
        return "[[output]]\nto = \"json_lines\"\nfrom = \"" + step + "\"\npath = \"" +
               (rig_.path() / "results" / step).string() + "\"\n";
    }

    // Feeds for a while, so that there are checkpoints to compare.
    void feedOverCheckpoints(int rounds) {
        for (int i = 0; i < rounds; ++i, ::usleep(40'000))
            feed("tide mill w" + std::to_string(i % 7) + " w" + std::to_string(i) + "\n");
    }

    Outcome verify(std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"verify", rig_.path() / "job.toml"});
        return rig_.look(more);
    }
};

TEST_F(Verify, TheStateOfAJobThatRunsIsWhatItsLogGives) {
    writeJob();
    auto daemon = rig_.start();
    server_.accept();
    feedOverCheckpoints(40);
    const auto results = [&] {
        std::set<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(rig_.path() / "results"))
            names.insert(entry.path());
        return names;
    };
    for (int round = 0; round < 2; ++round) {
        const auto same = verify({"--json"});
        EXPECT_EQ(same.code, 0) << same.out << same.err;
        const auto verdict = Json::parse(same.out);
        EXPECT_EQ(verdict["same"], true);
        EXPECT_GT(verdict["batch"], verdict["from_batch"]);
        EXPECT_GT(verdict["rows"], 40);
        feedOverCheckpoints(20);
    }
    // What a plain sender has sent and nobody has read is lost with the process.
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    daemon->kill();
    const auto before = rig_.snapshot();
    const auto shown = results();
    const auto same = verify();
    EXPECT_EQ(same.code, 0) << same.out << same.err;
    EXPECT_THAT(same.out, StartsWith("the same: "));
    // It has worked on a copy, and shown nothing.
    EXPECT_EQ(rig_.snapshot(), before);
    EXPECT_EQ(results(), shown);
    for (const auto& entry : fs::directory_iterator(rig_.path()))
        EXPECT_EQ(entry.path().string().find(".verify."), std::string::npos) << entry.path();
    // And the job goes on as if nobody had looked.
    daemon = rig_.start();
    server_.accept();
    feedOverCheckpoints(3);
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Verify, SaysWhatItCannotCheck) {
    writeJob();
    EXPECT_EQ(verify().code, 1);
    const auto daemon = rig_.start();
    server_.accept();
    feedOverCheckpoints(20);
    stopGracefully(*daemon);
    const auto newest = Json::parse(
        rig_.look({"checkpoint", "list", "--json"})
            .out.substr(0, rig_.look({"checkpoint", "list", "--json"}).out.find('\n')))["batch"];
    const auto nothing = verify({"--from", newest.dump()});
    EXPECT_EQ(nothing.code, 1);
    EXPECT_THAT(nothing.err, HasSubstr("there is no newer checkpoint than that of batch "));
    const auto unknown = verify({"--from", "999999"});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err,
                HasSubstr("no checkpoint of batch 999999; there are those of batches "));
    const auto taken = verify({"--scratch", rig_.path()});
    EXPECT_EQ(taken.code, 4);
    EXPECT_TRUE(fs::exists(rig_.path() / "job.toml"));
    // Steps that have changed would give another state.
    auto job = contentOf(rig_.path() / "job.toml");
    std::ofstream(rig_.path() / "job.toml") << job << "[[step]]\ndo = \"nothing\"\n";
    EXPECT_EQ(verify().code, 3);
}

TEST_F(Verify, OlderStatesCanBeReadAndCompared) {
    writeJob();
    auto daemon = rig_.start();
    server_.accept();
    feed("tide mill tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto first = Json::parse(rig_.look({"state", "history", "totals", "tide", "--json"}).out);
    EXPECT_EQ(first["value"], 2);
    const auto batch = first["batch"].dump();
    daemon = rig_.start();
    server_.accept();
    feed("tide new\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(2));
    stopGracefully(*daemon);

    EXPECT_EQ(rig_.look({"state", "get", "totals", "tide", "--as-of", batch}).out, "tide\t2\n");
    EXPECT_EQ(rig_.look({"state", "export", "totals", "--as-of", batch}).out, "mill\t1\ntide\t2\n");
    EXPECT_EQ(rig_.look({"state", "get", "totals", "tide"}).out, "tide\t3\n");
    const auto early = rig_.look({"state", "get", "totals", "tide", "--as-of", "0"});
    EXPECT_EQ(early.code, 1);
    EXPECT_THAT(early.err,
                HasSubstr("no checkpoint is as old as batch 0; there are those of batches "));

    const auto history = rig_.look({"state", "history", "totals", "new"});
    EXPECT_EQ(history.code, 0);
    EXPECT_THAT(history.out, HasSubstr("batch " + batch + "\t(not there)\n"));
    EXPECT_THAT(history.out, HasSubstr("\tnew\t1\n"));
    EXPECT_EQ(rig_.look({"state", "history", "totals", "nobody"}).code, 1);

    const auto diff = rig_.look({"state", "diff", "totals", "--before", batch});
    EXPECT_EQ(diff.code, 0) << diff.err;
    EXPECT_EQ(diff.out, "totals\n+ new\t1\n- tide\t2\n+ tide\t3\n");
    std::istringstream lines(
        rig_.look({"state", "diff", "totals", "--before", batch, "--json"}).out);
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(Json::parse(line), (Json{{"table", "totals"},
                                       {"before", nullptr},
                                       {"after", {{"key", "new"}, {"value", 1}}}}));
    EXPECT_EQ(rig_.look({"state", "diff", "--before", "999999"}).code, 1);

    EXPECT_EQ(rig_.look({"state", "top", "totals", "--limit", "2"}).out, "tide\t3\nmill\t1\n");
    const auto rows = rig_.look({"state", "top", "kinds", "--by", "n", "--limit", "1", "--json"});
    EXPECT_EQ(rows.code, 0) << rows.err;
    EXPECT_EQ(Json::parse(rows.out)["kind"], "tide");
    const auto wrong = rig_.look({"state", "top", "kinds", "--by", "size"});
    EXPECT_EQ(wrong.code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("no column \"size\"; there are: kind, n, largest"));
}

TEST_F(Verify, FsckNamesWhatIsDamaged) {
    writeJob();
    const auto daemon = rig_.start();
    server_.accept();
    feedOverCheckpoints(20);
    stopGracefully(*daemon);
    const auto sound = rig_.look({"fsck"});
    EXPECT_EQ(sound.code, 0);
    EXPECT_THAT(sound.out, HasSubstr("a start goes on from here and loses nothing\n"));
    fs::path table;
    for (const auto& entry : fs::recursive_directory_iterator(rig_.data() / "generations"))
        if (entry.path().extension() == ".sst") table = std::max(table, entry.path());
    fs::resize_file(table, fs::file_size(table) - 1);
    const auto damaged = rig_.look({"fsck"});
    EXPECT_EQ(damaged.code, 5);
    EXPECT_THAT(damaged.out, HasSubstr("DAMAGED: "));
    EXPECT_THAT(damaged.out, HasSubstr(table.filename().string()));
}

}  // namespace
}  // namespace tidemill::test
