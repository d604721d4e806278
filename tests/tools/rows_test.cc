// Job files over rows: what their steps and outputs make of lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/batch_harness.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Lines = std::vector<std::string>;

std::string contentsOf(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

// A job of the source "lines", these steps and an output of the last one.
std::string jobOf(const std::string& steps, const std::string& output,
                  const std::string& job = "") {
    return "[job]\nname = \"j\"\n" + job +
           "\n[[source]]\nname = \"lines\"\ntype = \"listen\"\nport = 0\n" + steps +
           "\n[[output]]\n" + output;
}

struct Lived {
    std::vector<Lines> batches;  // lines of the output, in their order
    std::string error;           // what ended the job, or keeps it from starting
};

// Runs a job on `inputs`, a batch each, and reads what it wrote.
Lived lived(const std::string& steps, const std::vector<Lines>& inputs,
            const std::string& onError = "stop", const std::string& to = "json_lines") {
    test::TemporaryDirectory directory;
    const auto out = (directory / "out").string();
    auto job = parseJobFile(jobOf(steps, "to = \"" + to + "\"\npath = \"" + out + "\"\n",
                                  "on_error = \"" + onError + "\""),
                            "job.toml");
    Lived result;
    if (!job) {
        result.error = job.error().message;
        return result;
    }
    job->options.workers = 2;
    test::Life life(job->options);
    RecordQueue<std::string> queue;
    for (const auto& input : inputs) queue.push(input);
    const auto lines = life.context().queueStream(queue).map(
        [](const std::string& line) { return std::string_view(line); });
    const auto planned = planJob(*job, life.context(), {{"lines", lines}});
    if (!planned) {
        result.error = planned.error().message;
        return result;
    }
    life.start();
    life.run(inputs.size());
    try {
        life.context().stop();
        life.context().awaitTermination();
    } catch (const std::exception& error) {
        result.error = error.what();
    }
    for (std::size_t i = 1; i <= inputs.size(); ++i) {
        char name[32];
        std::snprintf(name, sizeof name, "%020zu", i);
        std::istringstream text(
            contentsOf(fs::path(out) / (std::string(name) + (to == "csv" ? ".csv" : ".jsonl"))));
        result.batches.emplace_back();
        for (std::string line; std::getline(text, line);) result.batches.back().push_back(line);
    }
    return result;
}

// The lines of one batch without batch and time, sorted.
Lines made(const std::string& steps, const Lines& input, const std::string& onError = "stop") {
    auto result = lived(steps, {input}, onError);
    if (!result.error.empty()) return {result.error};
    for (auto& line : result.batches[0])
        line = "{" + line.substr(line.find(", ", line.find("time\"")) + 2);
    std::sort(result.batches[0].begin(), result.batches[0].end());
    return result.batches[0];
}

const std::string kWords =
    "[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {name = 1, n = 2}\n";

TEST(JobRows, UntypedFieldsAreTextsThatCountAsNumbersWhereNumbersAreWanted) {
    EXPECT_EQ(
        made(kWords +
                 "[[step]]\ndo = \"aggregate\"\nkey = \"name\"\ncompute = {rows = \"count()\", "
                 "total = \"sum(n)\", least = \"min(n)\", most = \"max(n)\", mean = \"avg(n)\", "
                 "different = \"distinct(n)\", often = \"top(1, n)\"}\n",
             {"a 007", "a .5", "a 007"}),
        (Lines{R"({"name": "a", "rows": 3, "total": 14.5, "least": 0.5, "most": 7, "mean": )"
               R"(4.833333333333333, "different": 2, "often": [{"value": "007", "count": 2}]})"}));
    EXPECT_EQ(made(kWords + "[[step]]\ndo = \"aggregate\"\ncompute = {most = \"max(n)\"}\n",
                   {"a 9007199254740992", "b 9007199254740993"}),
              (Lines{R"({"most": 9007199254740993})"}));
    EXPECT_THAT(
        made(kWords + "[[step]]\ndo = \"aggregate\"\ncompute = {most = \"max(n)\"}\n", {"a x"})[0],
        HasSubstr("step 2 (aggregate) of source \"lines\": field \"n\" must be a number, but is a "
                  "text of 1 bytes"));
}

TEST(JobRows, TopOrdersNumbersFirstAndNanLast) {
    const std::string top = kWords + "[[step]]\ndo = \"top\"\nn = 3\nby = \"n\"\n";
    const auto result =
        lived(top, {{"a nan", "b 9007199254740992", "c 9007199254740993", "d 7", "e x"}});
    ASSERT_EQ(result.error, "");
    ASSERT_EQ(result.batches[0].size(), 3u);
    EXPECT_THAT(result.batches[0][0], HasSubstr(R"("name": "c")"));
    EXPECT_THAT(result.batches[0][1], HasSubstr(R"("name": "b")"));
    EXPECT_THAT(result.batches[0][2], HasSubstr(R"("name": "d")"));
    const std::string typed =
        "[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {name = 1, n = {at = 2, type = "
        "\"float\"}}\n"
        "[[step]]\ndo = \"top\"\nn = 2\nby = \"n\"\n";
    EXPECT_EQ(made(typed, {"a nan", "b 1", "c -1"}),
              (Lines{R"({"name": "b", "n": 1})", R"({"name": "c", "n": -1})"}));
}

TEST(JobRows, ColumnsNamedTimeOrBatchDoubleNoKey) {
    const auto result =
        lived("[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {time = 1, \"a\\\"b\" = 2}\n",
              {{"x y"}});
    EXPECT_EQ(result.batches[0],
              (Lines{R"({"_batch": 1, "_time": 1000, "time": "x", "a\"b": "y"})"}));
}

TEST(JobRows, WindowsRunningGroupsAndHaving) {
    const std::string count =
        "do = \"aggregate\"\nkey = \"name\"\ncompute = {rows = \"count()\"}\n";
    const std::vector<Lines> inputs{{"a 1", "b 1"}, {"a 1"}, {}};
    const auto rows = [&](const std::string& more) {
        std::string all;
        const auto result = lived(kWords + "[[step]]\n" + count + more, inputs);
        if (!result.error.empty()) return result.error;
        for (auto batch : result.batches) {
            std::sort(batch.begin(), batch.end());
            for (const auto& line : batch) {
                const auto name = line.find("\"name\": \"") + 9;
                all += line[name];
                all += line[line.find("\"rows\": ") + 8];
            }
            all += '|';
        }
        return all;
    };
    EXPECT_EQ(rows(""), "a1b1|a1||");
    EXPECT_EQ(rows("window = \"2s\"\nname = \"w\"\n"), "a1b1|a2b1|a1|");
    EXPECT_EQ(rows("running = true\nname = \"r\"\n"), "a1b1|a2||");
    EXPECT_EQ(rows("running = true\nname = \"r\"\nhaving = \"rows > 1\"\n"), "|a2||");
    EXPECT_EQ(rows("where = \"name <> 'a'\"\n"), "b1|||");
    EXPECT_EQ(rows("running = true\nname = \"r\"\nttl = \"1s\"\n"), "a1b1|a2||");
}

TEST(JobRows, ExpressionsFilterAndCompute) {
    const std::string typed =
        "[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {path = 1, bytes = {at = 2, type = "
        "\"int\", null = \"-\"}}\n";
    EXPECT_EQ(made(typed + "[[step]]\nwhere = \"bytes >= 1000 and path not like '/health%'\"\n"
                           "[[step]]\ncompute = {kb = \"bytes / 1000\"}\n"
                           "[[step]]\nselect = [\"kb\", \"path\"]\n"
                           "[[step]]\nrename = {path = \"what\"}\n",
                   {"/a 2500", "/health 9000", "/b 10", "/c -"}),
              (Lines{R"({"kb": 2, "what": "/a"})"}));
    EXPECT_THAT(made(typed + "[[step]]\nwhere = \"bytez > 1\"\n", {})[0], HasSubstr("bytes"));
    EXPECT_THAT(made(typed + "[[step]]\nwhere = \"bytes + 1\"\n", {})[0],
                HasSubstr("a condition is true or false, but this is of type int"));
    EXPECT_EQ(
        made(typed + "[[step]]\ncompute = {inverse = \"10 / bytes\"}\n", {"/a 5", "/b 0"}, "skip"),
        (Lines{R"({"path": "/a", "bytes": 5, "inverse": 2})"}));
}

TEST(JobRows, ReadersOfEveryKindAndTheirQuirks) {
    EXPECT_EQ(
        made("[[step]]\ndo = \"filter\"\nkeep = 'ERROR.*disk'\n", {"ERROR caf\xe9 disk", "fine"}),
        (Lines{R"({"value_base64": "RVJST1IgY2Fm6SBkaXNr"})"}));
    EXPECT_EQ(
        made("[[step]]\ndo = \"fields\"\nby = \"regex\"\npattern = '(ERROR).*(disk)( full)?'\n"
             "fields = {what = 2, how = 3}\n",
             {"ERROR caf\xe9 disk"}),
        (Lines{R"({"what": "disk", "how": null})"}));
    const std::string csv =
        "[[step]]\ndo = \"fields\"\nby = \"csv\"\nfields = {a = 1, b = 2, c = 3}\n";
    EXPECT_THAT(made(csv, {R"(5" nail,6" nail,3)"})[0], HasSubstr("quote"));
    EXPECT_EQ(made(csv, {"\xEF\xBB\xBFx,y,z"}), (Lines{R"({"a": "x", "b": "y", "c": "z"})"}));
    EXPECT_EQ(made(csv, {R"("5"" nail",6,3)"}),
              (Lines{R"({"a": "5\" nail", "b": "6", "c": "3"})"}));
    EXPECT_EQ(
        made("[[step]]\ndo = \"fields\"\nby = \"clf\"\n[[step]]\nselect = [\"path\", \"bytes\"]\n",
             {R"(::1 - - [01/Mar/2024:12:00:00 +0000] "GET /a HTTP/1.1" 304 -)"}),
        (Lines{R"({"path": "/a", "bytes": null})"}));
    EXPECT_EQ(
        made("[[step]]\ndo = \"fields\"\nby = \"json\"\nfields = {u = \"/u\", n = {type = \"int\", "
             "default = 0}, x = {at = \"/x\", optional = true}}\n",
             {R"({"u": "a", "n": 3, "x": 2.50})", R"({"u": "b"})"}),
        (Lines{R"({"u": "a", "n": 3, "x": 2.50})", R"({"u": "b", "n": 0, "x": null})"}));
    EXPECT_EQ(made("[[step]]\ndo = \"fields\"\nby = \"logfmt\"\nfields = {level = \"level\", ms = "
                   "{type = \"int\"}}\n",
                   {R"(level=info ms=7 msg="a b")"}),
              (Lines{R"({"level": "info", "ms": 7})"}));
}

TEST(JobRows, JoinsUnionsDistinctAndExplode) {
    const std::string orders =
        "[[step]]\nname = \"orders\"\ndo = \"fields\"\nby = \"split\"\n"
        "fields = {id = 1, what = 2}\n";
    EXPECT_EQ(made(orders + "[[step]]\nname = \"b\"\nfrom = \"orders\"\nwhere = \"what = 'b'\"\n"
                            "[[step]]\nname = \"r\"\nrename = {what = \"other\"}\n"
                            "[[step]]\nfrom = \"orders\"\ndo = \"join\"\nwith = \"r\"\non = "
                            "\"id\"\nkind = \"left\"\n",
                   {"1 a", "2 b"}),
              (Lines{R"({"id": "1", "what": "a", "other": null})",
                     R"({"id": "2", "what": "b", "other": "b"})"}));
    EXPECT_EQ(
        made(orders + "[[step]]\ndo = \"union\"\nwith = \"orders\"\n[[step]]\ndo = \"distinct\"\n",
             {"1 a", "1 a", "2 b"}),
        (Lines{R"({"id": "1", "what": "a"})", R"({"id": "2", "what": "b"})"}));
    EXPECT_EQ(made(orders + "[[step]]\nexplode = \"what\"\nseparator = \",\"\n", {"1 a,b"}),
              (Lines{R"({"id": "1", "what": "a"})", R"({"id": "1", "what": "b"})"}));
}

TEST(JobRows, DistinctGivesWholeRowsWithTheirNulls) {
    EXPECT_EQ(
        made("[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {k = 1, t = {at = 2, null = "
             "\"-\"}, n = {at = 3, type = \"int\", null = \"-\"}}\n"
             "[[step]]\ndo = \"distinct\"\nby = \"k\"\n",
             {"a - -", "a x 7", "b y -", "b - 8"}),
        (Lines{R"({"k": "a", "t": null, "n": null})", R"({"k": "b", "t": "y", "n": null})"}));
}

TEST(JobRows, TtlOfAQueryIsThatOfItsRunningGroups) {
    const std::string steps = kWords +
                              "[[step]]\nname = \"r\"\nfrom = \"w\"\ndo = \"sql\"\nttl = "
                              "\"1s\"\nquery = \"select name, count(*) as rows from w group by ";
    std::string named = steps;
    named.replace(0, 9, "[[step]]\nname = \"w\"\n");
    named.erase(named.find("from = \"w\"\n"), 11);
    const auto result = lived(named + "name, running()\"\n", {{"a 1"}, {}, {}, {"a 1"}});
    ASSERT_EQ(result.error, "");
    ASSERT_EQ(result.batches[3].size(), 1u);
    EXPECT_THAT(result.batches[3][0], HasSubstr("\"rows\": 1}"));
    EXPECT_THAT(lived(named + "name\"\n", {}).error, HasSubstr("has no running()"));
    EXPECT_THAT(lived(named + "name, running('2 seconds')\"\n", {}).error,
                HasSubstr("may be idle already"));
}

TEST(JobRows, JsonAndTextOfOneFieldAreJoined) {
    EXPECT_EQ(made("[[step]]\nname = \"a\"\ndo = \"fields\"\nby = \"json\"\nfields = {id = "
                   "\"/id\", paid = \"/paid\"}\n"
                   "[[step]]\nname = \"b\"\nfrom = \"lines\"\ndo = \"fields\"\nby = \"regex\"\n"
                   "pattern = '\"id\": \"(\\d+)\"'\nfields = {id = 1}\n"
                   "[[step]]\ndo = \"join\"\nwith = \"a\"\non = \"id\"\n",
                   {R"({"id": "7", "paid": 4.50})"}),
              (Lines{R"({"id": "7", "paid": 4.50})"}));
}

TEST(JobRows, OutputsInOtherFormats) {
    const auto csv = lived(kWords, {{"a,b 1"}}, "stop", "csv");
    EXPECT_EQ(csv.batches[0], (Lines{"name,n\r", "\"a,b\",1\r"}));
}

TEST(JobRows, CountsAreRowsOfValueAndCount) {
    EXPECT_EQ(made("[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n[[step]]\ndo = \"top\"\nby "
                   "= \"count\"\nn = 1\n",
                   {"x y x"}),
              (Lines{R"({"value": "x", "count": 2})"}));
}

TEST(JobRows, CheckSaysWhatEveryStepGives) {
    const auto job = core::orThrow(
        parseJobFile(jobOf(kWords + "[[step]]\ndo = \"aggregate\"\nkey = \"name\"\ncompute = {rows "
                                    "= \"count()\", mean = \"avg(n)\"}\n",
                           "to = \"print\"\n"),
                     "job.toml"));
    StreamingContext context(job.options);
    const auto planned = core::orThrow(planJob(job, context));
    ASSERT_EQ(planned.steps.size(), 2u);
    EXPECT_EQ(planned.steps[0].gives, "name text, n text");
    EXPECT_EQ(planned.steps[1].gives, "name text, rows int, mean float");
}

TEST(JobRows, QueriesBecomeTheSameSteps) {
    const std::string requests =
        "[[step]]\nname = \"requests\"\ndo = \"fields\"\nby = \"split\"\nfields = {path = {at = 1, "
        "type = \"text\"}, "
        "status = {at = 2, type = \"int\"}, ms = {at = 3, type = \"int\"}}\n";
    const auto query = [&](const std::string& sql, const std::string& more = "") {
        return requests + "[[step]]\ndo = \"sql\"\n" + more + "query = \"\"\"" + sql + "\"\"\"\n";
    };
    const Lines input{"/a 200 10", "/a 404 30", "/b 404 20", "/a 404 50"};
    EXPECT_EQ(
        made(query("select path, count(*) as n from requests where status = 404 group by path "
                   "having count(*) > 1"),
             input),
        (Lines{R"({"path": "/a", "n": 2})"}));
    EXPECT_EQ(made(query("select path, ms / 10 as tens from requests where status = 200"), input),
              (Lines{R"({"path": "/a", "tens": 1})"}));
    EXPECT_EQ(made(query("select status >= 400 as wrong, sum(ms) + 1 as more, max(ms * 2) as twice "
                         "from requests group by status >= 400"),
                   input),
              (Lines{R"({"wrong": false, "more": 11, "twice": 20})",
                     R"({"wrong": true, "more": 101, "twice": 100})"}));
    EXPECT_EQ(
        made(query("select path, sum(ms) as total from requests group by path order by total desc "
                   "limit 1"),
             input),
        (Lines{R"({"path": "/a", "total": 90})"}));
    EXPECT_EQ(made(query("select distinct path from requests"), input),
              (Lines{R"({"path": "/a"})", R"({"path": "/b"})"}));
    const auto windows =
        lived(query("select count(*) as n from requests group by hop('2 seconds', '1 second')",
                    "name = \"w\"\n"),
              {input, {"/c 200 1"}, {}});
    ASSERT_EQ(windows.error, "");
    EXPECT_THAT(windows.batches[0][0], HasSubstr("\"n\": 4"));
    EXPECT_THAT(windows.batches[1][0], HasSubstr("\"n\": 5"));
    EXPECT_THAT(windows.batches[2][0], HasSubstr("\"n\": 1"));
    const auto running =
        lived(query("select path, count(*) as n from requests group by path, running()",
                    "name = \"r\"\n"),
              {input, {"/a 200 1"}});
    EXPECT_THAT(running.batches[1][0], HasSubstr(R"("path": "/a", "n": 4)"));
    EXPECT_THAT(made(query("select path from request"), {})[0],
                HasSubstr("there is no stream \"request\", did you mean \"requests\"?"));
    EXPECT_THAT(made(query("select path from requests order by path"), {})[0], HasSubstr("limit"));
    EXPECT_EQ(made(query("select a.path, b.n from requests a join (select 1) b"), {}).size(), 1u);
}

TEST(JobRows, QueriesJoinStreams) {
    const std::string steps =
        "[[step]]\nname = \"orders\"\ndo = \"fields\"\nby = \"split\"\nfields = {id = 1, what = "
        "2}\n"
        "[[step]]\nname = \"kept\"\nwhere = \"what = 'b'\"\n"
        "[[step]]\nname = \"prices\"\nrename = {id = \"number\", what = \"kind\"}\n"
        "[[step]]\ndo = \"sql\"\nquery = \"select o.id, p.kind from orders o left join prices p on "
        "o.id = p.number\"\n";
    EXPECT_EQ(made(steps, {"1 a", "2 b"}),
              (Lines{R"({"id": "1", "kind": null})", R"({"id": "2", "kind": "b"})"}));
}

// Of rows and of text.
TEST(JobRows, BatchesWithoutElementsAreSkippedWhenTold) {
    for (const std::string& steps : {kWords, std::string()}) {
        test::TemporaryDirectory directory;
        const auto prefix = (directory / "out").string();
        auto job = parseJobFile(
            jobOf(steps,
                  "to = \"print\"\nskip_empty = true\n[[output]]\nto = \"text_files\"\n"
                  "skip_empty = true\nprefix = \"" +
                      prefix + "\"\n",
                  "on_error = \"stop\""),
            "job.toml");
        ASSERT_TRUE(job) << job.error().message;
        testing::internal::CaptureStdout();
        {
            test::Life life(job->options);
            RecordQueue<std::string> queue;
            for (const auto& input : {Lines{"a 1"}, Lines{}, Lines{"b 2"}}) queue.push(input);
            const auto lines = life.context().queueStream(queue).map(
                [](const std::string& line) { return std::string_view(line); });
            ASSERT_TRUE(planJob(*job, life.context(), {{"lines", lines}}));
            life.start();
            life.run(3);
            life.context().stop();
        }
        const auto printed = testing::internal::GetCapturedStdout();
        EXPECT_THAT(printed, testing::AllOf(HasSubstr("Time: 1000 ms"), HasSubstr("Time: 3000 ms"),
                                            testing::Not(HasSubstr("Time: 2000 ms"))));
        EXPECT_TRUE(fs::exists(prefix + "-1000"));
        EXPECT_FALSE(fs::exists(prefix + "-2000"));
        EXPECT_TRUE(fs::exists(prefix + "-3000"));
    }
}

}  // namespace
}  // namespace tidemill::tools
