// What a job file may say, and the words for what it must not. Every wrong file is planned too:
// what the daemon's user sees is what is compared here.
#include "tools/job_file.h"

#include <gtest/gtest.h>

#include "core/logging.h"
#include "tidemill/streaming_context.h"
#include "tools/job_plan.h"

namespace tidemill::tools {
namespace {

using SourceType = SourceSpec::Type;
using StepType = StepSpec::Type;
using OutputType = OutputSpec::Type;

core::Result<> planned(const JobFile& job) {
    StreamingContext context(job.options);
    TM_TRY(planJob(job, context));
    return context.job()->validate();
}

std::string errorOf(const std::string& text) {
    const auto job = parseJobFile(text, "job.toml");
    if (!job) return job.error().message;
    const auto plan = planned(*job);
    return plan ? "no error" : plan.error().message;
}

// A job of lines 1 to 7, in which nothing is wrong; `more` begins at line 8.
std::string errorBehindAGoodJob(const std::string& more) {
    return errorOf(R"([job]
name = "j"
[[source]]
type = "socket"
port = 9999
[[output]]
to = "print"
)" + more);
}

// The same with `keys` as lines 3 and following of [job].
std::string errorInJob(const std::string& keys) {
    return errorOf("[job]\nname = \"j\"\n" + keys +
                   "\n[[source]]\ntype = \"socket\"\nport = 9999\n[[output]]\nto = \"print\"\n");
}

JobFile good(const std::string& text) {
    auto job = parseJobFile(text, "job.toml");
    EXPECT_TRUE(job) << job.error().message;
    if (!job) return {};
    const auto plan = planned(*job);
    EXPECT_TRUE(plan) << plan.error().message;
    return *job;
}

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

TEST(JobFile, AFileThatIsMissingIsSaid) {
    const auto job = readJobFile("/nowhere/job.toml");
    ASSERT_FALSE(job);
    EXPECT_EQ(job.error().kind, core::ErrorKind::kNotFound);
    EXPECT_NE(job.error().message.find("/nowhere/job.toml"), std::string::npos);
}

TEST(JobFile, ASyntaxErrorHasItsPlace) {
    EXPECT_TRUE(errorOf("[job]\nname = \"j\n").starts_with("job.toml:2:10: ")) << errorOf("");
    EXPECT_TRUE(errorOf("[job]\nname \"j\"\n").starts_with("job.toml:2:"));
}

TEST(JobFile, AnEmptyFileLacksAlmostEverything) {
    EXPECT_EQ(errorOf(""), R"(job.toml:1:1: [job] lacks the key "name"
job.toml:1:1: no [[source]]: say where records come from
job.toml:1:1: neither an [[output]] nor a step that keeps a state (running_totals, aggregate with running = true): the job would have no result)");
}

TEST(JobFile, AnUnknownKeyIsNamedWithTheNearestOne) {
    EXPECT_EQ(errorInJob("intervall = \"1s\""),
              R"(job.toml:3:1: unknown key "intervall" in [job], did you mean "interval"?)");
    EXPECT_EQ(errorInJob("colour = \"blue\""), "job.toml:3:1: unknown key \"colour\" in [job]; "
                                               "known are: name, data_dir, interval");
    EXPECT_EQ(errorBehindAGoodJob("[limit]\nworkers = 1\n"),
              R"(job.toml:8:2: unknown key "limit", did you mean "limits"?)");
}

TEST(JobFile, AKeyOfAnotherKindOfSourceIsUnknown) {
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"socket\"\nport = 1\nallow_remote = true\n"),
              "job.toml:11:1: unknown key \"allow_remote\" in [[source]]; known are: name, type, "
              "host, port");
}

TEST(JobFile, AnUnknownWordIsNamedWithTheNearestOne) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"spilt\"\n"),
              R"(job.toml:9:6: do "spilt" is not known, did you mean "split"?)");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"kafka\"\n"),
              "job.toml:9:6: to \"kafka\" is not known; known are: print, text_files, json_lines, "
              "csv, tsv, text");
}

TEST(JobFile, TheKeysBesideAnUnknownWordAreNotBlamed) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"fliter\"\nkeep = \"a\"\n"),
              R"(job.toml:9:6: do "fliter" is not known, did you mean "filter"?)");
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"lisen\"\nmax_connections = 3\nport = 1\n"),
              R"(job.toml:9:8: type "lisen" is not known, did you mean "listen"?)");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"prnt\"\nprefix = \"x\"\n"),
              R"(job.toml:9:6: to "prnt" is not known, did you mean "print"?)");
}

TEST(JobFile, AWrongTypeIsSaidWithWhatIsThere) {
    EXPECT_EQ(errorBehindAGoodJob("[limits]\nworkers = \"two\"\n"),
              "job.toml:9:11: workers is \"two\", but must be a whole number from 0 to 1024");
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"socket\"\nport = 70000\n"),
              "job.toml:10:8: port is 70000, but must be a whole number from 1 to 65535");
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = 5\nport = 1\n"),
              "job.toml:9:8: type is 5, but must be a text in quotes");
    EXPECT_EQ(errorBehindAGoodJob(
                  "[[source]]\ntype = \"listen\"\nport = 1\nallow_remote = \"yes\"\n"),
              "job.toml:11:16: allow_remote is \"yes\", but must be true or false");
    EXPECT_EQ(errorBehindAGoodJob("[step]\ndo = \"split\"\n"),
              "job.toml:8:1: step must be a list of tables: [[step]]");
    EXPECT_EQ(errorOf("job = 5\n[[source]]\ntype = \"socket\"\nport = 1\n[[output]]\nto = "
                      "\"print\"\n"),
              "job.toml:1:7: job must be a table: [job]");
}

TEST(JobFile, ABadDurationIsSaid) {
    for (const std::string value :
         {"\"soon\"", "\"10\"", "\"5 parsecs\"", "-1", "true", "\"-1s\"", "nan", "\"infs\""})
        EXPECT_EQ(errorInJob("interval = " + value),
                  "job.toml:3:12: interval is " + value +
                      ", but must be a time such as \"250ms\", \"1s\", \"5min\", \"2h\"");
    EXPECT_EQ(errorInJob("interval = 0"), "job.toml:3:12: interval must be at least 1ms");
}

TEST(JobFile, ADurationIsNeverTooLongNorRoundedToNothing) {
    for (const std::string value : {"\"9999999999h\"", "\"1e300s\"", "\"1e15ms\"", "inf"})
        EXPECT_EQ(errorInJob("interval = " + value),
                  "job.toml:3:12: interval is " + value +
                      ", but must be at most 876000h, which are 100 years");
    EXPECT_EQ(errorInJob("interval = \"876000h\""), "no error");
    for (const std::string value : {"\"0.0001s\"", "\"0.4ms\"", "\"0.25ms\""})
        EXPECT_EQ(errorInJob("interval = " + value), "job.toml:3:12: interval is " + value +
                                                         ", but must be at least 1ms");
    EXPECT_EQ(errorInJob("interval = \"1.5s\""), "no error");
    for (const std::string value : {"\"0.1ms\"", "0", "\"0s\""}) {
        EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"count\"\nwindow = " + value + "\n"),
                  "job.toml:10:10: window is " + value + ", but must be at least 1ms");
        EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"count\"\nwindow = \"4s\"\nslide = " +
                                      value + "\n"),
                  "job.toml:11:9: slide is " + value + ", but must be at least 1ms");
    }
    EXPECT_EQ(errorBehindAGoodJob("[checkpoint]\ninterval = \"0.1ms\"\n"),
              "job.toml:9:12: interval is \"0.1ms\", but must be at least 1ms");
    EXPECT_EQ(errorBehindAGoodJob("[checkpoint]\ninterval = 0\nlog_bytes = 0\n"), "no error");
    EXPECT_EQ(errorBehindAGoodJob("[checkpoint]\nlog_bytes = \"0.0001KiB\"\n"),
              "job.toml:9:13: log_bytes is \"0.0001KiB\", but must be at least a byte");
}

TEST(JobFile, TwoSourcesDoNotListenOnOnePort) {
    const auto behind = [](const std::string& first, const std::string& second) {
        return errorBehindAGoodJob(
            "[[source]]\nname = \"a\"\ntype = \"listen\"\nport = 9998\nallow_remote = true\n"
            "host = \"" + first + "\"\n[[source]]\ntype = \"listen_acknowledged\"\nport = 9998\n"
            "allow_remote = true\nhost = \"" + second + "\"\n");
    };
    for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
             {"127.0.0.1", "127.0.0.1"}, {"localhost", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"},
             {"10.1.2.3", "0.0.0.0"}, {"::", "127.0.0.1"}, {"::1", "::"}, {"[::1]", "::1"},
             {"0:0:0:0:0:0:0:1", "::1"}, {"::ffff:127.0.0.1", "localhost"}, {"::", "0.0.0.0"}}) {
        const auto shown = second;
        EXPECT_EQ(behind(first, second),
                  "job.toml:16:8: host \"" + shown +
                      "\" takes in port 9998, on which the source \"a\" of line 8 listens already")
            << first;
    }
    for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
             {"127.0.0.1", "127.0.0.2"}, {"127.0.0.1", "::1"}, {"0.0.0.0", "::1"}})
        EXPECT_EQ(behind(first, second), "no error") << first << " " << second;
    // The good job dials port 9999 of this machine.
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"listen\"\nport = 9999\n"),
              "job.toml:10:8: the source of line 3 would dial its own job: it dials port 9999, on "
              "which this one listens");
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"listen\"\nport = 0\n"
                                  "[[source]]\ntype = \"listen\"\nport = 0\n"),
              "no error");
}

TEST(JobFile, AJobDoesNotWriteWhatItReadsNorAmongItsState) {
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"files\"\ndirectory = \"in\"\n"
                                  "[[output]]\nto = \"json_lines\"\npath = \"./in/\"\n"),
              "job.toml:11:1: this output writes to \"./in/\", where the files source of line 8 "
              "would read its own results");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"j.data/out\"\n"),
              "job.toml:8:1: this output writes to \"j.data/out\", which lies in the job's data "
              "directory");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"j.database\"\n"),
              "no error");
}

// What can only be seen when everything is put together does not wait until the rest is mended.
TEST(JobFile, ErrorsOfThePlanComeWithTheOthers) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"running_totals\"\nname = \"t\"\n"
                                  "[[output]]\nto = \"print\"\nfrom = \"nobody\"\n"
                                  "[limits]\nworkers = -1\n"),
              "job.toml:8:1: this step takes the pairs of a count step, but is given text\n"
              "job.toml:13:8: from \"nobody\" names no source or step above it; known are: t\n"
              "job.toml:15:11: workers is -1, but must be a whole number from 0 to 1024");
    // Nothing follows from a step or a source that is wrong itself.
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\nname = \"s\"\ntype = \"listen\"\n"
                                  "[[step]]\ndo = \"filter\"\nname = \"f\"\n"
                                  "[[step]]\ndo = \"running_totals\"\nname = \"t\"\n"
                                  "[[output]]\nto = \"print\"\nfrom = \"f\"\n"),
              "job.toml:8:1: [[source]] lacks the key \"port\"\n"
              "job.toml:11:1: a filter step takes either keep = \"REGEX\" or drop = \"REGEX\"");
    // A window is measured by the interval, which may be the wrong one.
    EXPECT_EQ(errorOf("[job]\nname = \"j\"\ninterval = \"soon\"\n[[source]]\ntype = \"socket\"\n"
                      "port = 1\n[[step]]\ndo = \"count\"\nwindow = \"1500ms\"\n[[output]]\nto = "
                      "\"print\"\n"),
              "job.toml:3:12: interval is \"soon\", but must be a time such as \"250ms\", \"1s\", "
              "\"5min\", \"2h\"");
}

TEST(JobFile, MessagesCallASourceByItsNameOrLine) {
    const auto job = good("[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 1\n[[source]]\n"
                          "type = \"listen\"\nname = \"orders\"\nport = 0\nhost = \"[::1]\"\n"
                          "[[output]]\nto = \"print\"\n");
    StreamingContext context(job.options);
    ASSERT_TRUE(planJob(job, context));
    const auto& sources = context.job()->sources;
    EXPECT_EQ(sources[0].label, "source of line 3");
    EXPECT_EQ(sources[0].description, "socket dials localhost:1");
    EXPECT_EQ(sources[1].label, "source \"orders\"");
    EXPECT_EQ(sources[1].description, "listen listens on [::1]:0");
}

TEST(JobFile, ABadSizeIsSaid) {
    for (const std::string value :
         {"\"much\"", "\"5 buckets\"", "-1", "1.5", "\"nan MiB\"", "\"inf\"", "\"9999999 GiB\""})
        EXPECT_EQ(errorBehindAGoodJob("[limits]\nblock_bytes = " + value + "\n"),
                  "job.toml:9:15: block_bytes is " + value +
                      ", but must be a size such as \"64MiB\", \"1GB\", or a number of bytes");
    EXPECT_EQ(errorBehindAGoodJob("[limits]\nblock_bytes = 10\n"),
              "job.toml:9:15: block_bytes is 10, but must be at least 4096 bytes");
    EXPECT_EQ(errorBehindAGoodJob("[limits]\nmax_record_bytes = \"1 GiB\"\n"),
              "job.toml:9:20: max_record_bytes is \"1 GiB\", but must be at most 33554432 bytes");
}

TEST(JobFile, WhatAFilesSourceDoesWithOldAndLostFilesIsTheJobs) {
    const std::string source =
        "[job]\nname = \"j\"\n[[source]]\ntype = \"files\"\n"
        "directory = \"in\"\n";
    const std::string output = "[[output]]\nto = \"print\"\n";
    const auto byDefault = good(source + output).sources[0].files;
    EXPECT_EQ(byDefault.existing, ExistingFiles::kLeave);
    EXPECT_EQ(byDefault.onLostData, LostData::kStop);
    const auto all = [&](const std::string& existing, const std::string& lost) {
        return good(source + "existing = \"" + existing + "\"\non_lost_data = \"" + lost + "\"\n" +
                    output)
            .sources[0]
            .files;
    };
    EXPECT_EQ(all("take", "stop").existing, ExistingFiles::kTake);
    EXPECT_EQ(all("take", "stop").onLostData, LostData::kStop);
    EXPECT_EQ(all("leave", "skip").existing, ExistingFiles::kLeave);
    EXPECT_EQ(all("leave", "skip").onLostData, LostData::kSkip);
    EXPECT_EQ(errorOf(source + "existing = \"taken\"\n" + output),
              "job.toml:6:12: existing \"taken\" is not known, did you mean \"take\"?");
    EXPECT_EQ(errorOf(source + "on_lost_data = \"ignore\"\n" + output),
              "job.toml:6:16: on_lost_data \"ignore\" is not known; known are: stop, skip");
}

TEST(JobFile, TheLargestRowOfStateIsTheJobs) {
    const std::string job =
        "[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 1\n"
        "[[output]]\nto = \"print\"\n";
    EXPECT_EQ(good(job).options.maxStateRowBytes, std::size_t{1} << 30);
    EXPECT_EQ(good(job + "[limits]\nmax_state_row_bytes = \"2MiB\"\n").options.maxStateRowBytes,
              std::size_t{2} << 20);
    EXPECT_EQ(
        errorBehindAGoodJob("[limits]\nmax_state_row_bytes = \"2GiB\"\n"),
        "job.toml:9:23: max_state_row_bytes is \"2GiB\", but must be at most 1073741824 bytes");
    EXPECT_EQ(errorBehindAGoodJob("[limits]\nmax_state_row_bytes = 10\n"),
              "job.toml:9:23: max_state_row_bytes is 10, but must be at least 1024 bytes");
}

TEST(JobFile, ControlCharactersInNamesAreRefusedAndShownEscaped) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"split\"\nname = \"a\\u001b[2J\"\n"),
              R"(job.toml:10:8: the name "a\x1b[2J" must not hold control characters)");
    EXPECT_EQ(
        errorBehindAGoodJob("[[step]]\ndo = \"split\\u001b[2J\"\n"),
        R"(job.toml:9:6: do "split\x1b[2J" is not known; known are: split, lower_case, filter, count, running_totals, fields, aggregate, top, join, where, compute, select, rename, drop, distinct, union, explode, sql)");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"a\\u0000b\"\n"),
              R"(job.toml:10:8: path is "a\x00b", but must be a text without NUL bytes)");
}

TEST(JobFile, AListeningSourceNeedsAnAddressAndLeaveToBeReached) {
    const auto listens = [](const std::string& keys) {
        return errorBehindAGoodJob("[[source]]\ntype = \"listen\"\nport = 1\n" + keys + "\n");
    };
    for (const std::string host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"})
        EXPECT_EQ(listens("host = \"" + host + "\""), "no error");
    for (const std::string host : {"0.0.0.0", "192.168.1.1", "::"}) {
        EXPECT_EQ(listens("host = \"" + host + "\""),
                  "job.toml:11:8: host \"" + host +
                      "\" can be reached by other machines, without encryption; add allow_remote = "
                      "true if that is meant");
        EXPECT_EQ(listens("host = \"" + host + "\"\nallow_remote = true"), "no error");
    }
    EXPECT_EQ(listens("host = \"example.org\""),
              "job.toml:11:8: host is \"example.org\", but a listening source needs an address of "
              "this machine, such as \"127.0.0.1\"");
}

TEST(JobFile, ABadRegularExpressionIsSaid) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"filter\"\nkeep = \"a(b\"\n"),
              "job.toml:10:8: \"a(b\" is no regular expression: missing ): a(b");
}

TEST(JobFile, AFilterKeepsOrDrops) {
    const std::string message =
        "job.toml:8:1: a filter step takes either keep = \"REGEX\" or drop = \"REGEX\"";
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"filter\"\n"), message);
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"filter\"\nkeep = \"a\"\ndrop = \"b\"\n"),
              message);
}

TEST(JobFile, AMissingKeyIsSaidAtItsTable) {
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"listen\"\n"),
              R"(job.toml:8:1: [[source]] lacks the key "port")");
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\nname = \"x\"\n"),
              R"(job.toml:8:1: [[step]] lacks the key "do")");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"text_files\"\n"),
              R"(job.toml:8:1: [[output]] lacks the key "prefix")");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\n"),
              R"(job.toml:8:1: [[output]] lacks the key "path")");
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"count\"\n[[step]]\ndo = \"running_totals\"\n"),
              R"(job.toml:10:1: [[step]] lacks the key "name")");
}

TEST(JobFile, AnEmptyNameIsNoName) {
    EXPECT_EQ(errorOf("[job]\nname = \"\"\n[[source]]\ntype = \"socket\"\nport = 1\n[[output]]\nto "
                      "= \"print\"\n"),
              "job.toml:2:8: name must not be empty");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"\"\n"),
              "job.toml:10:8: path must not be empty");
}

TEST(JobFile, TheJobsNameDoesForAFileName) {
    EXPECT_EQ(errorOf("[job]\nname = \"../x\"\n[[source]]\ntype = \"socket\"\nport = 1\n[[output]]\n"
                      "to = \"print\"\n"),
              "job.toml:2:8: name \"../x\" must do for a file name: no '/', no leading '.', at most "
              "200 bytes");
    const std::string tooLong(201, 'x');
    EXPECT_EQ(errorOf("[job]\nname = \"" + tooLong +
                      "\"\n[[source]]\ntype = \"socket\"\nport = 1\n[[output]]\nto = \"print\"\n"),
              "job.toml:2:8: name \"" + core::escaped(tooLong, 60) +
                  "\" must do for a file name: no '/', no leading '.', at most 200 bytes");
}

TEST(JobFile, ANameIsGivenOnce) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"split\"\nname = \"a\"\n[[step]]\ndo = "
                                  "\"split\"\nname = \"a\"\n"),
              "job.toml:13:8: the name \"a\" is taken already; names of sources and steps must "
              "differ");
}

TEST(JobFile, TwoOutputsNeedTwoPlaces) {
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"out/j\"\n[[output]]\nto "
                                  "= \"json_lines\"\npath = \"./out//j\"\n"),
              "job.toml:13:8: another output writes to \"./out//j\" already");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"text_files\"\nprefix = \"p\"\n[[output]]\nto = "
                                  "\"text_files\"\nprefix = \"p\"\n"),
              "job.toml:13:10: another output writes to \"p\" already");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"text_files\"\nprefix = \"p\"\n[[output]]\nto = "
                                  "\"text_files\"\nprefix = \"p\"\nsuffix = \"txt\"\n"),
              "no error");
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
        return errorBehindAGoodJob("[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = {word = 1, n "
                                   "= 2}\n" + more);
    };
    EXPECT_EQ(
        behindFields("[[step]]\ndo = \"aggregate\"\nkey = \"wrd\"\ncompute = {a = \"count()\"}\n"),
        "job.toml:14:7: there is no field \"wrd\" here, did you mean \"word\"?");
    EXPECT_EQ(behindFields("[[step]]\ndo = \"aggregate\"\ncompute = {a = \"sum(m)\"}\n"),
              "job.toml:14:11: there is no field \"m\" here, did you mean \"n\"?");
    EXPECT_EQ(behindFields(
                  "[[step]]\ndo = \"aggregate\"\nkey = \"word\"\ncompute = {word = \"count()\"}\n"),
              "job.toml:15:11: two fields are named \"word\"");
    EXPECT_EQ(behindFields("[[step]]\ndo = \"aggregate\"\ncompute = {a = \"mean(n)\"}\n").substr(0, 41),
              "job.toml:14:11: a = \"mean(n)\" must be one");
    EXPECT_EQ(behindFields("[[step]]\ndo = \"aggregate\"\ncompute = {a = \"count()\"}\nwindow = \"1500ms\"\n"),
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
    const std::string job = "[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 9999\n"
                            "[[output]]\nto = \"print\"\n";
    EXPECT_EQ(good(job).options.diskReserveBytes, std::nullopt);
    const auto said = good(job + "[limits]\ndisk_reserve = \"3MiB\"\ndisk_reserve_files = 0\n");
    EXPECT_EQ(said.options.diskReserveBytes, std::uint64_t{3} << 20);
    EXPECT_EQ(said.options.diskReserveFiles, 0u);
}

}  // namespace
}  // namespace tidemill::tools
