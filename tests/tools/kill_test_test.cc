// `tidemill kill-test`: passes a job that survives, and sees one that does not.
#include "tests/tools/program_fixture.h"
#include "tools/kill_test/compare.h"
#include "tools/kill_test/feed.h"
#include "tools/kill_test/verdict.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class KillTest : public Program {
protected:
    Outcome killTest(std::vector<std::string> more) {
        more.insert(more.begin(), {"kill-test", rig_.path() / "job.toml"});
        return rig_.tidemill(more);
    }

    std::string output(const std::string& step) const {
        return "[[output]]\nto = \"print\"\nfrom = \"" + step + "\"\n";
    }

    void writeLines(const std::string& name, int lines) const {
        std::ofstream(rig_.path() / name) << someLines(1, lines);
    }
};

TEST_F(KillTest, AJobThatSurvivesPassesAndWhatIsNotComparedIsSaid) {
    rig_.writeJob("type = \"socket\"\nport = 9", output("words") + output("totals") +
                                                     "[[step]]\ndo = \"count\"\nfrom = \"words\"\n"
                                                     "name = \"lately\"\nwindow = \"100ms\"\n");
    const auto scratch = rig_.path() / "scratch";
    const auto said =
        killTest({"--rounds", "4", "--seed", "7", "--json", "--scratch", scratch.string()});
    ASSERT_EQ(said.code, 0) << said.out << said.err;
    const auto verdict = Json::parse(said.out);
    EXPECT_EQ(verdict["passed"], true);
    EXPECT_EQ(verdict["seed"], 7);
    EXPECT_GE(verdict["kills"], 4);
    EXPECT_EQ(verdict["lost"], 0);
    EXPECT_EQ(verdict["doubled"], 0);
    EXPECT_EQ(verdict["differences"], 0);
    EXPECT_EQ(verdict["records"], 8000);
    EXPECT_GT(verdict["rows"], 1000);
    EXPECT_LE(verdict["recovery_ms"]["min"], verdict["recovery_ms"]["max"]);
    std::vector<std::string> checked = verdict["checked"];
    EXPECT_THAT(checked, Contains(StartsWith("table totals, ")));
    EXPECT_THAT(checked, Contains("table (sessions), 4 rows"));
    EXPECT_THAT(checked, Contains("output-1, 40000 lines"));
    const auto open = verdict["not_checked"].dump();
    EXPECT_THAT(open, HasSubstr("table lately"));
    EXPECT_THAT(open, HasSubstr("source source-1 (socket)"));
    EXPECT_THAT(open, HasSubstr("power cuts"));
    // Nothing is left, and nothing was done where the job says.
    EXPECT_FALSE(fs::exists(scratch));
    EXPECT_FALSE(fs::exists(rig_.path() / "program.data"));
}

TEST_F(KillTest, SourcesHaveFeedsOfTheirOwn) {
    rig_.writeJob(
        "name = \"first\"\ntype = \"listen\"\nport = 9\n[[source]]\nname = \"second\"\n"
        "type = \"listen\"\nport = 10");
    writeLines("first.txt", 20);
    writeLines("second.txt", 30);
    const auto at = [&](const std::string& name) { return (rig_.path() / name).string(); };
    const auto said =
        killTest({"--rounds", "2", "--seed", "1", "--json", "--feed", "first=" + at("first.txt"),
                  "--feed", "second=" + at("second.txt")});
    ASSERT_EQ(said.code, 0) << said.out << said.err;
    EXPECT_EQ(Json::parse(said.out)["records"], 50);
    const auto few = killTest({"--rounds", "21", "--feed", "first=" + at("first.txt")});
    EXPECT_EQ(few.code, 1);
    EXPECT_THAT(few.err, HasSubstr("the feed has 20 lines, fewer than there are rounds: 21"));
    const auto nobodys = killTest({"--rounds", "2", "--feed", "third=" + at("first.txt")});
    EXPECT_EQ(nobodys.code, 1);
    EXPECT_THAT(nobodys.err, HasSubstr("is of no source of this job"));
    EXPECT_EQ(killTest({"--feed", at("none.txt")}).code, 1);
}

TEST_F(KillTest, AJobThatEndsByItselfIsNoVerdict) {
    rig_.writeJob("type = \"listen\"\nport = 9",
                  "[[step]]\ndo = \"fields\"\nfrom = \"words\"\nby = \"split\"\nseparator = \":\"\n"
                  "fields = {n = {at = 1, type = \"int\"}}\nname = \"numbers\"\n" +
                      output("numbers"));
    auto job = contentOf(rig_.path() / "job.toml");
    job.replace(job.find("interval"), 0, "on_error = \"stop\"\n");
    std::ofstream(rig_.path() / "job.toml") << job;
    const auto said = killTest({"--rounds", "2"});
    EXPECT_EQ(said.code, 1) << said.out;
    EXPECT_THAT(said.err, HasSubstr("with exit code 1:"));
    EXPECT_THAT(said.err, HasSubstr(" failed: step 4 (fields, "));
    EXPECT_EQ(said.out, "");
}

// Counts how often it was started: that is what a kill changes.
TEST_F(KillTest, AProgramThatAKillChangesFails) {
    const auto port = std::to_string(freePort());
    rig_.writeJob(
        "name = \"starts\"\ntype = \"files\"\ndirectory = \"starts\"\n[[source]]\n"
        "type = \"listen_acknowledged\"\nport = " +
            port,
        "[[step]]\ndo = \"count\"\nfrom = \"starts\"\nname = \"each\"\n"
        "[[step]]\ndo = \"running_totals\"\nname = \"started\"\n");
    const auto script = rig_.path() / "program";
    std::ofstream(script) << "#!/bin/sh\nmkdir -p starts\necho start > starts/$$.tmp\n"
                             "mv starts/$$.tmp starts/$$.txt\nexec "
                          << TIDEMILL_PROGRAM_PATH << " run " << (rig_.path() / "job.toml").string()
                          << " --data-dir words.data\n";
    fs::permissions(script, fs::perms::owner_all);
    const auto run = [&](const std::string& program, const std::vector<std::string>& more) {
        std::vector<std::string> all{"kill-test", "--rounds", "3",  "--seed",     "5",
                                     "--json",    "--port",   port, "--data-dir", "words.data"};
        all.insert(all.end(), {"--", program});
        all.insert(all.end(), more.begin(), more.end());
        return rig_.tidemill(all);
    };
    const auto failed = run(script, {});
    EXPECT_EQ(failed.code, 1) << failed.err;
    const auto verdict = Json::parse(failed.out);
    EXPECT_EQ(verdict["passed"], false);
    EXPECT_EQ(verdict["differences"], 1) << failed.out;
    EXPECT_THAT(verdict["examples"].dump(), HasSubstr("table started: "));
    const fs::path kept = verdict["kept"];
    EXPECT_TRUE(fs::exists(kept / "killed.log"));
    EXPECT_TRUE(fs::exists(kept / "killed" / "words.data" / "FORMAT"));
    fs::remove_all(kept);
    // The same without that passes: its arguments are its own.
    const auto passed =
        run(TIDEMILL_PROGRAM_PATH, {"run", rig_.path() / "plain.toml", "--data-dir", "words.data"});
    EXPECT_EQ(passed.code, 1);
    EXPECT_THAT(passed.err, HasSubstr("the job ended by itself with exit code 3"));
    rig_.writeJob("type = \"listen_acknowledged\"\nport = " + port);
    const auto sound =
        run(TIDEMILL_PROGRAM_PATH, {"run", rig_.path() / "job.toml", "--data-dir", "words.data"});
    EXPECT_EQ(sound.code, 0) << sound.out << sound.err;
    EXPECT_THAT(sound.out, HasSubstr("outputs of the program"));
}

TEST_F(KillTest, LinesThatAreMissingOrDoubledAreCounted) {
    const auto write = [&](const std::string& name, const std::string& text) {
        fs::create_directories(rig_.path() / name);
        std::ofstream(rig_.path() / name / "00000000000000000007.jsonl") << text;
        std::ofstream(rig_.path() / name / ".tidemill") << "not looked at\n";
        return tools::readOutput(rig_.path() / name).value();
    };
    const auto before = write("before",
                              "{\"batch\": 7, \"time\": 1, \"value\": \"a\"}\n"
                              "{\"batch\": 7, \"time\": 1, \"value\": \"b\"}\n"
                              "{\"batch\": 7, \"time\": 1, \"value\": \"b\"}\n");
    EXPECT_THAT(before, ElementsAre(std::pair("{\"value\": \"a\"}", 1),
                                    std::pair("{\"value\": \"b\"}", 2)));
    const auto after = write("after",
                             "{\"_batch\": 9, \"_time\": -5, \"value\": \"b\"}\n"
                             "{\"batch\": 9, \"time\": 5, \"value\": \"c\"}\n"
                             "{\"batch\": 9, \"time\": 5, \"value\": \"c\"}\n");
    const auto compared = tools::compareLines(before, after);
    EXPECT_EQ(compared.lines, 3u);
    EXPECT_EQ(compared.lost, 2u);
    EXPECT_EQ(compared.doubled, 2u);
    tools::Verdict verdict;
    tools::addOutput(verdict, "output-1", tools::compareLines(before, before), compared);
    EXPECT_FALSE(verdict.passed());
    EXPECT_THAT(tools::inWords(verdict), HasSubstr("FAILED\n"));
    tools::Verdict nothing;
    tools::addOutput(nothing, "output-1", compared, compared);
    EXPECT_THAT(nothing.checked, IsEmpty());
    EXPECT_FALSE(nothing.passed());
    EXPECT_THAT(tools::inWords(nothing), HasSubstr("NOTHING COULD BE CHECKED\n"));
}

TEST_F(KillTest, AFeedIsCutAtLinesAndNothingIsLeftOut) {
    std::ofstream(rig_.path() / "feed") << "a\n" << std::string(5000, 'b') << "\nc\n\nd";
    const auto feed = tools::cutFeed(rig_.path() / "feed", 4, rig_.path(), "piece");
    ASSERT_TRUE(feed) << feed.error().message;
    std::string all;
    for (const auto& piece : feed->pieces) {
        const auto text = contentOf(piece);
        EXPECT_TRUE(text.empty() || text.back() == '\n');
        all += text;
    }
    EXPECT_EQ(all, "a\n" + std::string(5000, 'b') + "\nc\n\nd\n");
    EXPECT_EQ(feed->lines, 5u);
}

}  // namespace
}  // namespace tidemill::test
