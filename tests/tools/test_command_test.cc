// `tidemill test`: a job on cases, compared, written and refused.
#include <nlohmann/json.hpp>

#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;
using ::testing::Not;

class TestCommand : public Program {
protected:
    TestCommand() { fs::create_directories(cases()); }

    fs::path cases() const { return rig_.path() / "cases"; }

    void write(const fs::path& path, const std::string& text) {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }

    // A window of two batches over words, a running total, and errors of a filter's kind.
    void writeJob(const std::string& more = "") {
        write(rig_.path() / "job.toml", R"([job]
name = "words"
[[source]]
name = "lines"
type = "listen"
port = 1
[[source]]
type = "socket"
port = 9
[[step]]
from = "lines"
do = "split"
name = "words"
[[step]]
do = "count"
window = "2s"
name = "recent"
[[output]]
to = "print"
from = "recent"
[[step]]
from = "words"
do = "count"
[[step]]
do = "running_totals"
name = "totals"
[[output]]
to = "json_lines"
path = "stdout"
)" + more);
    }

    Outcome test(const std::vector<std::string>& more = {}) {
        std::vector<std::string> all{"test", rig_.path() / "job.toml", cases()};
        all.insert(all.end(), more.begin(), more.end());
        return rig_.tidemill(all);
    }
};

TEST_F(TestCommand, LeavesDatabasesAlone) {
    const auto database = rig_.path() / "real.db";
    writeJob("[[output]]\nto = \"sqlite\"\nfrom = \"totals\"\npath = \"" + database.string() +
             "\"\ntable = \"totals\"\nmode = \"upsert\"\nkey = \"value\"\ncreate = true\n");
    write(cases() / "one" / "batch-1" / "lines.txt", "to be\n");
    EXPECT_EQ(test({"--update"}).code, 0);
    EXPECT_THAT(contentOf(cases() / "one" / "expected" / "output-3.jsonl"), HasSubstr("\"be\""));
    EXPECT_FALSE(fs::exists(database));
}

TEST_F(TestCommand, WritesWhatAJobGivesAndFindsItAgain) {
    writeJob();
    write(cases() / "one" / "batch-1" / "lines.txt", "to be\nor not to be");
    write(cases() / "one" / "batch-3" / "lines.txt", "be\r\n");
    write(cases() / "two" / "batches", "2\n");
    const auto before = test();
    EXPECT_EQ(before.code, 1);
    EXPECT_THAT(before.out, HasSubstr("it has no expected/ yet: --update writes"));
    const auto written = test({"--update"});
    EXPECT_EQ(written.code, 0) << written.out << written.err;
    EXPECT_THAT(written.out, HasSubstr("written one\n"));
    const auto window = contentOf(cases() / "one" / "expected" / "output-1.jsonl");
    EXPECT_THAT(window, HasSubstr("{\"batch\": 1, \"time\": 1767225601000, \"key\": \"be\", "
                                  "\"value\": 2}\n"));
    EXPECT_THAT(window, HasSubstr("{\"batch\": 2, \"time\": 1767225602000, \"key\": \"be\", "
                                  "\"value\": 2}\n"));
    EXPECT_THAT(window, HasSubstr("{\"batch\": 3, \"time\": 1767225603000, \"key\": \"be\", "
                                  "\"value\": 1}\n"));
    EXPECT_THAT(window, Not(HasSubstr("\"batch\": 4")));
    EXPECT_THAT(contentOf(cases() / "one" / "expected" / "state-totals.jsonl"),
                HasSubstr("{\"key\": \"be\", \"value\": 3}\n"));
    EXPECT_FALSE(fs::exists(cases() / "two" / "expected" / "output-1.jsonl"));

    const auto again = test();
    EXPECT_EQ(again.code, 0) << again.out << again.err;
    EXPECT_EQ(again.out, "ok      one\nok      two\n2 cases, all well\n");
    EXPECT_EQ(again.err, "");
    EXPECT_FALSE(fs::exists("words.data")) << "nothing outside is touched";
}

TEST_F(TestCommand, ShowsTheLinesThatDiffer) {
    writeJob();
    write(cases() / "one" / "batch-1" / "lines.txt", "to be\n");
    ASSERT_EQ(test({"--update"}).code, 0);
    const auto state = cases() / "one" / "expected" / "state-totals.jsonl";
    // In another order it is the same.
    write(state, "{\"key\": \"to\", \"value\": 1}\n{\"key\": \"be\", \"value\": 1}\n");
    EXPECT_EQ(test().code, 0);
    write(state, "{\"key\": \"to\", \"value\": 2}\n{\"key\": \"be\", \"value\": 1}\n");
    write(cases() / "one" / "expected" / "output-7.jsonl", "more\n");
    const auto differs = test();
    EXPECT_EQ(differs.code, 1);
    EXPECT_EQ(differs.out,
              "differs one\n"
              "  output-7.jsonl (- expected, + given)\n"
              "    - more\n"
              "  state-totals.jsonl (- expected, + given)\n"
              "    - {\"key\": \"to\", \"value\": 2}\n"
              "    + {\"key\": \"to\", \"value\": 1}\n"
              "1 case, 1 not as expected\n");
    const auto json = Json::parse(test({"--json"}).out);
    EXPECT_EQ(json["outcome"], "differs");
    EXPECT_EQ(json["files"]["state-totals.jsonl"]["unexpected"],
              Json::array({"{\"key\": \"to\", \"value\": 1}"}));
    ASSERT_EQ(test({"--update"}).code, 0);
    EXPECT_FALSE(fs::exists(cases() / "one" / "expected" / "output-7.jsonl"));
    EXPECT_EQ(test().code, 0);
}

TEST_F(TestCommand, WhatIsNoCaseIsNamed) {
    writeJob();
    const auto none = test();
    EXPECT_EQ(none.code, 1);
    EXPECT_THAT(none.err, HasSubstr("holds no case: a directory with batch-1/SOURCE.txt"));
    for (const auto& [file, says] : std::vector<std::pair<std::string, std::string>>{
             {"batch-1/line.txt", "it must be SOURCE.txt, did you mean \"lines\"?"},
             {"batch-1/lines.csv", "is named after no source"},
             {"batch-0/lines.txt", "must be a directory batch-N"},
             {"batch-100001/lines.txt", "must be a directory batch-N"},
             {"batch-x/lines.txt", "must be a directory batch-N"},
             {"expect/output-1.jsonl", "belongs to no case"}}) {
        write(cases() / "one" / "batch-1" / "lines.txt", "a\n");
        write(cases() / "one" / file, "a\n");
        const auto refused = test();
        EXPECT_NE(refused.code, 0) << file;
        EXPECT_THAT(refused.err, HasSubstr(says)) << file;
        fs::remove_all(cases() / "one");
    }
    write(cases() / "one" / "batches", "many\n");
    EXPECT_THAT(test().err, HasSubstr("must hold a number of batches, 1 to 100000"));
}

TEST_F(TestCommand, SourcesWithoutANameHaveTheirNumber) {
    writeJob();
    write(cases() / "one" / "batch-1" / "source-2.txt", "a\n");
    EXPECT_EQ(test({"--update"}).code, 0);
}

TEST_F(TestCommand, AWrongJobFileAndAFailedJobAreSaid) {
    writeJob("[[output]]\nto = \"nowhere\"\n");
    write(cases() / "one" / "batch-1" / "lines.txt", "a\n");
    const auto wrong = test();
    EXPECT_EQ(wrong.code, 3);
    EXPECT_THAT(wrong.err, HasSubstr("to \"nowhere\" is not known"));

    write(rig_.path() / "job.toml", R"([job]
name = "sums"
on_error = "stop"
[[source]]
name = "lines"
type = "socket"
port = 9
[[step]]
do = "fields"
by = "split"
fields = {n = {at = 1, type = "int"}}
[[output]]
to = "csv"
path = "out"
)");
    const auto failed = test();
    EXPECT_EQ(failed.code, 1);
    EXPECT_THAT(failed.out, HasSubstr("failed  one\n"));
    write(cases() / "one" / "batch-1" / "lines.txt", "7\n");
    EXPECT_EQ(test({"--update"}).code, 0);
    EXPECT_THAT(contentOf(cases() / "one" / "expected" / "output-1.csv"), HasSubstr("7"));
    EXPECT_FALSE(fs::exists("out"));
}

TEST_F(TestCommand, TheExampleIsAsExpected) {
    const fs::path examples = TIDEMILL_EXAMPLES_DIR;
    const auto run =
        rig_.tidemill({"test", examples / "access_log.toml", examples / "cases" / "access_log"});
    EXPECT_EQ(run.code, 0) << run.out << run.err;
}

}  // namespace
}  // namespace tidemill::test
