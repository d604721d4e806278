// The words for what a job file must not say, in [job], sources and outputs.
#include <gmock/gmock.h>

#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

using ::testing::HasSubstr;

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
    EXPECT_EQ(errorInJob("colour = \"blue\""),
              "job.toml:3:1: unknown key \"colour\" in [job]; "
              "known are: name, data_dir, interval");
    EXPECT_EQ(errorBehindAGoodJob("[limit]\nworkers = 1\n"),
              R"(job.toml:8:2: unknown key "limit", did you mean "limits"?)");
}

TEST(JobFile, AKeyOfAnotherKindOfSourceIsUnknown) {
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"socket\"\nport = 1\nallow_remote = true\n"),
              "job.toml:11:1: unknown key \"allow_remote\" in [[source]]; known are: name, type, "
              "max_rate, host, port, tls, ca_file");
}

TEST(JobFile, AnUnknownWordIsNamedWithTheNearestOne) {
    EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"spilt\"\n"),
              R"(job.toml:9:6: do "spilt" is not known, did you mean "split"?)");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"excel\"\n"),
              "job.toml:9:6: to \"excel\" is not known; known are: print, text_files, "
              "json_lines, kafka, "
              "csv, tsv, text, postgres, sqlite");
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
    EXPECT_EQ(
        errorBehindAGoodJob("[[source]]\ntype = \"listen\"\nport = 1\nallow_remote = \"yes\"\n"),
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
        EXPECT_EQ(errorInJob("interval = " + value),
                  "job.toml:3:12: interval is " + value + ", but must be at least 1ms");
    EXPECT_EQ(errorInJob("interval = \"1.5s\""), "no error");
    for (const std::string value : {"\"0.1ms\"", "0", "\"0s\""}) {
        EXPECT_EQ(errorBehindAGoodJob("[[step]]\ndo = \"count\"\nwindow = " + value + "\n"),
                  "job.toml:10:10: window is " + value + ", but must be at least 1ms");
        EXPECT_EQ(errorBehindAGoodJob(
                      "[[step]]\ndo = \"count\"\nwindow = \"4s\"\nslide = " + value + "\n"),
                  "job.toml:11:9: slide is " + value + ", but must be at least 1ms");
    }
    EXPECT_EQ(errorBehindAGoodJob("[checkpoint]\ninterval = \"0.1ms\"\n"),
              "job.toml:9:12: interval is \"0.1ms\", but must be at least 1ms");
    EXPECT_EQ(errorBehindAGoodJob("[checkpoint]\ninterval = 0\nlog_bytes = 0\n"), "no error");
    EXPECT_EQ(errorBehindAGoodJob("[checkpoint]\nlog_bytes = \"0.0001KiB\"\n"),
              "job.toml:9:13: log_bytes is \"0.0001KiB\", but must be at least a byte");
}

TEST(JobFile, ARateSaysHowMuchOfWhat) {
    const auto behind = [](const std::string& type, const std::string& rate) {
        return errorBehindAGoodJob("[[source]]\ntype = \"" + type + "\"\nmax_rate = " + rate +
                                   "\n" +
                                   (type == "files" ? "directory = \"in\"\n" : "port = 1\n"));
    };
    EXPECT_EQ(behind("listen", "\"5000 records/s\""), "no error");
    EXPECT_EQ(behind("files", "\"10MiB/s\""), "no error");
    EXPECT_EQ(behind("listen", "\"5000\""),
              "job.toml:10:12: max_rate is \"5000\"; a rate is a number of records or bytes per "
              "second, such as \"5000 records/s\" or \"10 MiB/s\"");
    EXPECT_THAT(behind("listen", "5000"), HasSubstr("max_rate"));
    EXPECT_EQ(behind("files", "\"5 records/s\""),
              "job.toml:10:12: max_rate of files is in bytes, such as \"10 MiB/s\": their records "
              "are not counted before they are read");
}

TEST(JobFile, TwoSourcesDoNotListenOnOnePort) {
    const auto behind = [](const std::string& first, const std::string& second) {
        return errorBehindAGoodJob(
            "[[source]]\nname = \"a\"\ntype = \"listen\"\nport = 9998\nallow_remote = true\n"
            "host = \"" +
            first +
            "\"\n[[source]]\ntype = \"listen_acknowledged\"\nport = 9998\n"
            "allow_remote = true\nhost = \"" +
            second + "\"\n");
    };
    for (const auto& [first, second] :
         std::vector<std::pair<std::string, std::string>>{{"127.0.0.1", "127.0.0.1"},
                                                          {"localhost", "127.0.0.1"},
                                                          {"0.0.0.0", "127.0.0.1"},
                                                          {"10.1.2.3", "0.0.0.0"},
                                                          {"::", "127.0.0.1"},
                                                          {"::1", "::"},
                                                          {"[::1]", "::1"},
                                                          {"0:0:0:0:0:0:0:1", "::1"},
                                                          {"::ffff:127.0.0.1", "localhost"},
                                                          {"::", "0.0.0.0"}}) {
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

TEST(JobFile, AUnixSocketHasAPathAndNoPort) {
    const auto behind = [](const std::string& type, const std::string& host,
                           const std::string& more = "") {
        return errorBehindAGoodJob("[[source]]\ntype = \"" + type + "\"\nhost = \"" + host +
                                   "\"\n" + more);
    };
    for (const char* type : {"socket", "listen", "listen_acknowledged"})
        EXPECT_EQ(behind(type, "unix:/run/lines.sock"), "no error");
    EXPECT_EQ(behind("listen", "unix:/run/lines.sock", "port = 9998\n"),
              "job.toml:11:8: a Unix socket has no port: leave it out, or give a host other than "
              "\"unix:/run/lines.sock\"");
    EXPECT_EQ(behind("listen", "unix:"),
              "job.toml:10:8: unix: needs the path of a socket, unix:/run/lines.sock");
    EXPECT_THAT(behind("listen", "unix:" + std::string(108, 'x')),
                ::testing::HasSubstr("has 108 bytes, but at most 107 fit"));
    const std::string other =
        "[[source]]\nname = \"b\"\nhost = \"unix:/run/./lines.sock\"\ntype = ";
    EXPECT_EQ(behind("listen", "unix:/run/lines.sock", other + "\"listen_acknowledged\"\n"),
              "job.toml:13:8: the source of line 8 listens on \"unix:/run/./lines.sock\" already");
    EXPECT_EQ(behind("listen", "unix:/run/lines.sock", other + "\"socket\"\n"),
              "job.toml:13:8: this job would dial itself: the source of line 8 listens on "
              "\"unix:/run/./lines.sock\"");
    EXPECT_EQ(behind("socket", "unix:/run/lines.sock", other + "\"socket\"\n"), "no error");
}

TEST(JobFile, OnlyFilesAreCompressed) {
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"stdout\"\n"
                                  "compress = \"gzip\"\n"),
              "job.toml:11:12: compress is about files, but path is \"stdout\"");
    EXPECT_THAT(errorBehindAGoodJob("[[output]]\nto = \"print\"\ncompress = \"gzip\"\n"),
                ::testing::HasSubstr("compress"));
    EXPECT_THAT(errorBehindAGoodJob("[[output]]\nto = \"text_files\"\nprefix = \"p\"\n"
                                    "compress = \"zip\"\n"),
                ::testing::HasSubstr("gzip"));
    for (const char* how : {"none", "gzip", "zstd"})
        EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"text_files\"\nprefix = \"p\"\n"
                                      "compress = \"" +
                                      std::string(how) + "\"\n"),
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
    const auto job = good(
        "[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 1\n[[source]]\n"
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

TEST(JobFile, ASourceCutsRecordsOfCsvWhereItCan) {
    const std::string step = "[[step]]\ndo = \"fields\"\nby = \"csv\"\nfields = {a = 1}\n";
    const auto sourced = [](const std::string& type, const std::string& more) {
        return "[[source]]\ntype = \"" + type + "\"\nrecords = \"csv\"\n" + more;
    };
    const std::string port = "port = 1\n";
    for (const auto& source : {sourced("socket", port), sourced("listen", port),
                               sourced("files", "directory = \"d\"\n")})
        EXPECT_EQ(errorBehindAGoodJob(source + step), "no error");
    EXPECT_EQ(errorBehindAGoodJob(sourced("listen_acknowledged", port) + step),
              "job.toml:10:11: records of a listen_acknowledged source are lines, which its "
              "sessions number and say to be durable; records of CSV over several lines can come "
              "by listen, socket, files or kafka");
    EXPECT_EQ(errorBehindAGoodJob(sourced("listen", port + "separator = \";\"\n") + step),
              "job.toml:13:1: this step reads csv records with ',', but its source gives csv "
              "records with ';'; give both the same separator and trim");
    EXPECT_EQ(errorBehindAGoodJob(sourced("listen", port + "trim = true\nname = \"s\"\n") +
                                  "[[step]]\ndo = \"filter\"\nkeep = \"a\"\n" + step),
              "job.toml:17:1: this step reads csv records with ',', but its source gives csv "
              "records with ',', trimmed; give both the same separator and trim");
    EXPECT_EQ(errorBehindAGoodJob(sourced("listen", port + "separator = \";;\"\n")),
              "job.toml:12:13: the separator of csv must be one byte, and no quote or line end");
    EXPECT_EQ(errorBehindAGoodJob("[[source]]\ntype = \"listen\"\nport = 1\nrecords = \"tsv\"\n"),
              "job.toml:11:11: records \"tsv\" is not known, did you mean \"csv\"?");
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
        R"(job.toml:9:6: do "split\x1b[2J" is not known; known are: split, lower_case, filter, count, running_totals, fields, aggregate, top, join, where, compute, select, rename, drop, distinct, union, explode, sql, lookup)");
    EXPECT_EQ(errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"a\\u0000b\"\n"),
              R"(job.toml:10:8: path is "a\x00b", but must be a text without NUL bytes)");
}

TEST(JobFile, FieldsHaveNoNulBytes) {
    const auto fields = [](const std::string& text) {
        return errorBehindAGoodJob("[[step]]\ndo = \"fields\"\nby = \"logfmt\"\nfields = {" + text +
                                   "}\n");
    };
    EXPECT_THAT(fields("a = \"x\\u0000y\""), HasSubstr("job.toml:11:15: the field \"a\" must be"));
    EXPECT_THAT(fields("a = {at = \"x\\u0000y\"}"), HasSubstr("job.toml:11:21: at must be"));
    EXPECT_THAT(fields("a = {at = \"x\", default = \"x\\u0000y\"}"),
                HasSubstr("job.toml:11:36: default must be"));
    EXPECT_THAT(fields("\"a\\u0000b\" = \"x\""), HasSubstr("job.toml:11:11: the name"));
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
                      "\" can be reached by other machines; give cert_file, key_file and "
                      "token_file, or add allow_remote = true if anybody there may read and send");
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
    EXPECT_EQ(
        errorOf("[job]\nname = \"../x\"\n[[source]]\ntype = \"socket\"\nport = 1\n[[output]]\n"
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
    EXPECT_EQ(
        errorBehindAGoodJob("[[output]]\nto = \"json_lines\"\npath = \"out/j\"\n[[output]]\nto "
                            "= \"json_lines\"\npath = \"./out//j\"\n"),
        "job.toml:13:8: another output writes to \"./out//j\" already");
    EXPECT_EQ(
        errorBehindAGoodJob("[[output]]\nto = \"text_files\"\nprefix = \"p\"\n[[output]]\nto = "
                            "\"text_files\"\nprefix = \"p\"\n"),
        "job.toml:13:10: another output writes to \"p\" already");
    EXPECT_EQ(
        errorBehindAGoodJob("[[output]]\nto = \"text_files\"\nprefix = \"p\"\n[[output]]\nto = "
                            "\"text_files\"\nprefix = \"p\"\nsuffix = \"txt\"\n"),
        "no error");
}

}  // namespace
}  // namespace tidemill::tools
