// What a job file may say, and the words for what its steps must not. Every wrong file is planned
// too: what the daemon's user sees is what is compared here.
#include "tests/tools/job_file_texts.h"
#include "tidemill/memory_budget.h"

namespace tidemill::tools {
namespace {

TEST(JobFile, TheShortestJob) {
    const auto job = good(R"([job]
name = "j"
[[source]]
type = "socket"
port = 9999
[[output]]
to = "print"
)");
    const StreamingOptions byDefault;
    EXPECT_EQ(job.name, "j");
    EXPECT_EQ(job.dataDirectory, "");
    EXPECT_EQ(job.options.interval, byDefault.interval);
    EXPECT_EQ(job.options.maxBatchBytes, byDefault.maxBatchBytes);
    EXPECT_EQ(job.options.checkpointInterval, byDefault.checkpointInterval);
    ASSERT_EQ(job.sources.size(), 1u);
    EXPECT_EQ(job.sources[0].host, "localhost");
    EXPECT_EQ(job.sources[0].port, 9999);
    ASSERT_EQ(job.outputs.size(), 1u);
    EXPECT_EQ(job.outputs[0].num, 10u);
}

TEST(JobFile, EveryOptionArrives) {
    const auto job = good(R"([job]
name = "j"
data_dir = "/var/lib/j"
interval = "250ms"
[limits]
workers = 3
max_batch_bytes = "64MiB"
receive_budget = "1 GB"
max_backlog_bytes = "3GiB"
block_bytes = "8KiB"
max_record_bytes = 100
delta_budget = "1.5MiB"
state_cache = "2MiB"
segment_bytes = "1MB"
max_sessions = 7
[checkpoint]
interval = "2 min"
log_bytes = 0
[[source]]
type = "socket"
port = 1
[[output]]
to = "print"
)");
    EXPECT_EQ(job.dataDirectory, "/var/lib/j");
    EXPECT_EQ(job.options.interval, Duration(250));
    EXPECT_EQ(job.options.workers, 3u);
    EXPECT_EQ(job.options.maxBatchBytes, 64u << 20);
    EXPECT_EQ(job.options.receiveBudgetBytes, 1'000'000'000u);
    EXPECT_EQ(job.options.maxBacklogBytes, 3u << 30);
    EXPECT_EQ(job.options.blockBytes, 8u << 10);
    EXPECT_EQ(job.options.maxRecordBytes, 100u);
    EXPECT_EQ(job.options.deltaBudgetBytes, 3u << 19);
    EXPECT_EQ(job.options.stateCacheBytes, 2u << 20);
    EXPECT_EQ(job.options.segmentBytes, 1'000'000u);
    EXPECT_EQ(job.options.maxSessions, 7u);
    EXPECT_EQ(job.options.checkpointInterval, Duration(120'000));
    EXPECT_EQ(job.options.checkpointBytes, 0u);
}

TEST(JobFile, MemoryIsDividedAndWhatIsSaidBesideItStands) {
    const auto job = good(R"([job]
name = "j"
[limits]
memory = "1GiB"
state_cache = "2MiB"
[[source]]
type = "socket"
port = 1
[[output]]
to = "print"
)");
    StreamingOptions divided;
    divideMemory(std::size_t{1} << 30, divided);
    EXPECT_EQ(job.options.memoryBytes, std::size_t{1} << 30);
    EXPECT_EQ(job.options.maxBatchBytes, divided.maxBatchBytes);
    EXPECT_EQ(job.options.receiveBudgetBytes, divided.receiveBudgetBytes);
    EXPECT_EQ(job.options.deltaBudgetBytes, divided.deltaBudgetBytes);
    EXPECT_EQ(job.options.maxStateRowBytes, divided.maxStateRowBytes);
    EXPECT_EQ(job.options.stateCacheBytes, 2u << 20);
}

TEST(JobFile, EverySourceStepAndOutput) {
    const auto job = good(R"([job]
name = "j"
[[source]]
type = "socket"
name = "dialled"
host = "example.org"
port = 9999
[[source]]
type = "listen"
port = 0
max_connections = 5
max_connections_per_address = 3
[[source]]
type = "listen_acknowledged"
name = "safe"
host = "0.0.0.0"
port = 9998
allow_remote = true
[[step]]
do = "split"
from = "dialled"
[[step]]
do = "lower_case"
[[step]]
do = "filter"
keep = "^[a-z]+$"
[[step]]
do = "filter"
drop = "^(the|a)$"
name = "words"
[[step]]
do = "count"
name = "counts"
[[step]]
do = "running_totals"
name = "totals"
[[output]]
to = "print"
from = "counts"
num = 3
[[output]]
to = "text_files"
from = "words"
prefix = "out/words"
suffix = "txt"
[[output]]
to = "json_lines"
path = "out/totals"
[[output]]
to = "json_lines"
path = "stdout"
)");
    ASSERT_EQ(job.sources.size(), 3u);
    EXPECT_EQ(job.sources[0].type, SourceType::kSocket);
    EXPECT_EQ(job.sources[0].host, "example.org");
    EXPECT_EQ(job.sources[1].type, SourceType::kListen);
    EXPECT_EQ(job.sources[1].host, "127.0.0.1");
    EXPECT_EQ(job.sources[1].connectionsMax, 5u);
    EXPECT_EQ(job.sources[1].connectionsPerAddressMax, 3u);
    EXPECT_FALSE(job.sources[1].allowRemote);
    EXPECT_EQ(job.sources[2].type, SourceType::kListenAcknowledged);
    EXPECT_TRUE(job.sources[2].allowRemote);
    ASSERT_EQ(job.steps.size(), 6u);
    EXPECT_EQ(job.steps[0].type, StepType::kSplit);
    EXPECT_EQ(job.steps[0].from, "dialled");
    EXPECT_EQ(job.steps[1].type, StepType::kLowerCase);
    EXPECT_EQ(job.steps[2].pattern, "^[a-z]+$");
    EXPECT_FALSE(job.steps[2].drop);
    EXPECT_TRUE(job.steps[3].drop);
    EXPECT_EQ(job.steps[4].type, StepType::kCount);
    EXPECT_EQ(job.steps[5].type, StepType::kRunningTotals);
    ASSERT_EQ(job.outputs.size(), 4u);
    EXPECT_EQ(job.outputs[0].num, 3u);
    EXPECT_EQ(job.outputs[1].type, OutputType::kTextFiles);
    EXPECT_EQ(job.outputs[1].prefix, "out/words");
    EXPECT_EQ(job.outputs[1].suffix, "txt");
    EXPECT_EQ(job.outputs[2].type, OutputType::kJsonLines);
    EXPECT_EQ(job.outputs[2].path, "out/totals");
}

TEST(JobFile, ARunningTotalIsResultEnough) {
    good(R"([job]
name = "j"
[[source]]
type = "socket"
port = 9999
[[step]]
do = "count"
[[step]]
do = "running_totals"
name = "totals"
)");
}

TEST(JobFile, TheExamplesAreGoodJobs) {
    for (const char* name : {"wordcount", "wordcount_acknowledged"}) {
        const auto job = readJobFile(std::string(TIDEMILL_EXAMPLES_DIR) + "/" + name + ".toml");
        ASSERT_TRUE(job) << job.error().message;
        EXPECT_EQ(job->name, name);
        EXPECT_EQ(job->options.interval, Duration(1000));
        ASSERT_EQ(job->steps.size(), 3u);
        EXPECT_EQ(job->steps[2].name, "totals");
        const auto plan = planned(*job);
        EXPECT_TRUE(plan) << plan.error().message;
    }
}

TEST(JobFile, AFromThatNamesNothingIsSaid) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"split\"\nname = \"words\"\n[[step]]\ndo = "
                                  "\"count\"\nfrom = \"word\"\n"),
              "job.toml:13:8: from \"word\" names no source or step above it, did you mean "
              "\"words\"?");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"print\"\nfrom = \"x\"\n"),
              "job.toml:10:8: from \"x\" names no source or step above it");
}

TEST(JobFile, AStepCannotReadOneBelowIt) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"split\"\nfrom = \"counts\"\nname = \"w\"\n"
                                  "[[step]]\ndo = \"count\"\nname = \"counts\"\n"),
              "job.toml:10:8: from \"counts\" names no source or step above it");
}

TEST(JobFile, AStepThatDoesNotFitIsSaid) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"running_totals\"\nname = \"t\"\n"),
              "job.toml:8:1: this step takes the pairs of a count step, but is given text");
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"count\"\n[[step]]\ndo = \"split\"\n"),
              "job.toml:10:1: this step takes text, but is given the pairs of a count step");
}

TEST(JobFile, WhatFollowsFromAnErrorIsNotSaidAgain) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"running_totals\"\nname = \"t\"\n[[step]]\ndo = "
                                  "\"split\"\n[[output]]\nto = \"print\"\nfrom = \"t\"\n"),
              "job.toml:8:1: this step takes the pairs of a count step, but is given text");
}

TEST(JobFile, AllErrorsComeAtOnceInTheOrderOfTheFile) {
    EXPECT_EQ(errorOf(R"([[output]]
to = "prnt"
[[step]]
do = "filter"
keep = "["
[[source]]
type = "socket"
port = 0
prot = 1
[job]
intervall = 5
name = 7
)"),
              R"(job.toml:2:6: to "prnt" is not known, did you mean "print"?
job.toml:5:8: "[" is no regular expression: missing ]: [
job.toml:8:8: port is 0, but must be a whole number from 1 to 65535
job.toml:9:1: unknown key "prot" in [[source]], did you mean "port"?
job.toml:11:1: unknown key "intervall" in [job], did you mean "interval"?
job.toml:12:8: name is 7, but must be a text in quotes)");
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"running_totals\"\nname = \"t\"\n[[step]]\ndo = "
                                  "\"split\"\nfrom = \"x\"\n[[output]]\nto = \"print\"\nfrom = "
                                  "\"y\"\n"),
              "job.toml:8:1: this step takes the pairs of a count step, but is given text\n"
              "job.toml:13:8: from \"x\" names no source or step above it, did you mean \"t\"?\n"
              "job.toml:16:8: from \"y\" names no source or step above it, did you mean \"t\"?");
}

TEST(JobFile, EveryExampleIsAGoodJob) {
    for (const char* name : {"last_30_seconds", "access_log", "join"}) {
        const auto job = readJobFile(std::string(TIDEMILL_EXAMPLES_DIR) + "/" + name + ".toml");
        ASSERT_TRUE(job) << job.error().message;
        EXPECT_EQ(job->name, name);
        const auto plan = planned(*job);
        EXPECT_TRUE(plan) << plan.error().message;
    }
}

TEST(JobFile, WrongStepsOfRowsAreSaid) {
    const auto behindFields = [](const std::string& more) {
        return errorBehindAGoodJob(
            "[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {word = 1, n "
            "= 2}\n" +
            more);
    };
    EXPECT_EQ(
        behindFields("[[step]]\ndo = \"aggregate\"\nkey = \"wrd\"\ncompute = {a = \"count()\"}\n"),
        "job.toml:14:7: there is no field \"wrd\" here, did you mean \"word\"?");
    EXPECT_EQ(behindFields("[[step]]\ndo = \"aggregate\"\ncompute = {a = \"sum(m)\"}\n"),
              "job.toml:14:11: there is no field \"m\" here, did you mean \"n\"?");
    EXPECT_EQ(behindFields(
                  "[[step]]\ndo = \"aggregate\"\nkey = \"word\"\ncompute = {word = \"count()\"}\n"),
              "job.toml:15:11: two fields are named \"word\"");
    EXPECT_EQ(
        behindFields("[[step]]\ndo = \"aggregate\"\ncompute = {a = \"mean(n)\"}\n").substr(0, 41),
        "job.toml:14:11: a = \"mean(n)\" must be one");
    EXPECT_EQ(
        behindFields(
            "[[step]]\ndo = \"aggregate\"\ncompute = {a = \"count()\"}\nwindow = \"1500ms\"\n"),
        "job.toml:12:1: a window's length (1500 ms) and slide (1000 ms) must "
        "be multiples of the slide of the stream it is over (1000 ms)");
    EXPECT_EQ(behindFields("[[step]]\ndo = \"split\"\n"),
              "job.toml:12:1: this step takes text, but is given rows of fields");
    EXPECT_EQ(behindFields("[[step]]\ndo = \"top\"\nby = \"words\"\n"),
              "job.toml:14:6: there is no field \"words\" here, did you mean \"word\"?");
    const auto noPointer =
        errorBehindAGoodJob("[[step]]\ndo = \"fields\"\nby = \"json\"\nfields = {a = \"b\"}\n");
    EXPECT_EQ(noPointer.substr(0, 16), "job.toml:11:10: ");
    EXPECT_NE(noPointer.find("must be at a JSON pointer"), std::string::npos) << noPointer;
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"count\"\nslide = \"10s\"\n"),
              "job.toml:10:9: slide says how often a window moves, but there is no window");
}

TEST(JobFile, StreamsOfDifferentSlidesAreNotJoined) {
    EXPECT_EQ(errorBehindAGoodJob(R"toml([[step]]
name = "rows"
do = "fields"
by = "split"
fields = {id = 1, a = 2}
[[step]]
name = "slow"
do = "aggregate"
key = "id"
compute = {n = "count()"}
window = "4s"
slide = "2s"
[[step]]
do = "join"
from = "rows"
with = "slow"
on = "id"
)toml"),
              "job.toml:24:6: the two streams slide differently (1000 ms and 2000 ms): give their "
              "windows the same slide");
}

std::string repeated(std::string_view part, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += part;
    return text;
}

// The parser recurses for each part, and for each table on the way down.
TEST(JobFile, KeysAndTablesAreNotNestedDeeply) {
    const std::string deep = repeated("a.", 200'000) + "a";
    for (const auto& text :
         {"[" + deep + "]\n", "[[" + deep + "]]\n", deep + " = 1\n", "x = {" + deep + " = 1}\n",
          "x = [{" + deep + " = 1}]\n", "[" + repeated("'a' . ", 200'000) + "\"a\"]\n",
          "[" + repeated("\"a\".", 200'000) + "a]\n"})
        EXPECT_NE(errorBehindAGoodJob(text).find("job.toml:8:"), std::string::npos)
            << errorBehindAGoodJob(text).substr(0, 200);
    for (const auto& text : {"x = " + repeated("[", 200'000), "x = " + repeated("{a=", 200'000),
                             "x = " + repeated("[{a=", 100'000)})
        EXPECT_NE(errorBehindAGoodJob(text), "no error");
}

TEST(JobFile, DotsInTextsAndCommentsAreNoNesting) {
    const std::string dots = repeated("a.", 100);
    good("[job]\nname = \"j\" # " + dots + "\n[[source]]\ntype = \"socket\"\nport = 9999\n" +
         "[[step]]\ndo = \"filter\"\nkeep = '" + dots + "'\n" +
         "[[step]]\ndo = \"filter\"\nkeep = \"\"\"\n\\\"" + dots + "\"\"\"\n" +
         "[[output]]\nto = \"text_files\"\nprefix = \"" + dots + "\"\n");
}

TEST(JobFile, TheNumberOfStepsIsBounded) {
    const auto steps = [](std::size_t count) {
        return "[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 9999\n" +
               repeated("[[step]]\ndo=\"lower_case\"\n", count) + "[[output]]\nto = \"print\"\n";
    };
    good(steps(500));
    EXPECT_NE(errorOf(steps(501)).find("at most 500"), std::string::npos);
    EXPECT_NE(errorOf(steps(20'000)).find("at most 500"), std::string::npos);
}

TEST(JobFile, TheReserveOnTheDiskIsTheJobs) {
    const std::string job =
        "[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 9999\n"
        "[[output]]\nto = \"print\"\n";
    EXPECT_EQ(good(job).options.diskReserveBytes, std::nullopt);
    const auto said = good(job + "[limits]\ndisk_reserve = \"3MiB\"\ndisk_reserve_files = 0\n");
    EXPECT_EQ(said.options.diskReserveBytes, std::uint64_t{3} << 20);
    EXPECT_EQ(said.options.diskReserveFiles, 0u);
}

}  // namespace
}  // namespace tidemill::tools
