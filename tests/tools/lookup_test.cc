// The step `lookup`: rows with the columns of a table that lies in a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/support/batch_harness.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Lines = std::vector<std::string>;

class LookupTest : public ::testing::Test {
protected:
    // As a program does that replaces a file: whole, under the same name.
    void writeTable(const std::string& text) {
        const auto path = directory_ / "users.csv";
        std::ofstream(path.string() + ".new") << text;
        fs::rename(path.string() + ".new", path);
    }

    std::string jobText(const std::string& lookup) const {
        return "[job]\nname = \"j\"\non_error = \"stop\"\n"
               "[[source]]\nname = \"lines\"\ntype = \"listen\"\nport = 0\n"
               "[[step]]\ndo = \"fields\"\nby = \"split\"\n"
               "fields = {id = {at = 1, type = \"int\", null = \"-\"}, what = 2}\n"
               "[[step]]\ndo = \"lookup\"\nfile = \"" +
               (directory_ / "users.csv").string() +
               "\"\nby = \"csv\"\nheader = \"id,name,age\"\non = \"id\"\n"
               "fields = {id = {at = \"id\", type = \"int\", null = \"\"}, name = \"name\", age = "
               "{at = \"age\", type = \"int\", null = \"\"}}\n" +
               lookup + "[[output]]\nto = \"json_lines\"\npath = \"" +
               (directory_ / "out").string() + "\"\n";
    }

    // One life of the job; `before(i)` is called ahead of each of its batches. Answers what ended
    // it, or nothing.
    std::string live(
        const std::vector<Lines>& inputs, bool graceful = true,
        const std::function<void(std::size_t)>& before = [](std::size_t) {},
        const std::string& lookup = "kind = \"left\"\n", Duration checkpoints = Duration(1000)) {
        auto job = parseJobFile(jobText(lookup), "job.toml");
        if (!job) return job.error().message;
        job->options.directory = directory_ / "data";
        job->options.workers = 2;
        job->options.checkpointInterval = checkpoints;
        test::Life life(job->options, fromMillis(1000 * batches_));
        RecordQueue<std::string> queue;
        for (const auto& input : inputs) queue.push(input);
        const auto lines = life.context().queueStream(queue).map(
            [](const std::string& line) { return std::string_view(line); });
        const auto planned = planJob(*job, life.context(), {{"lines", lines}});
        if (!planned) return planned.error().message;
        try {
            life.start();
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                before(i);
                life.run(1);
            }
            life.context().stop(graceful);
            life.context().awaitTermination();
        } catch (const std::exception& error) {
            return error.what();
        }
        batches_ += static_cast<std::int64_t>(inputs.size());
        return {};
    }

    // The rows of a batch, from "id" on, sorted.
    Lines shown(std::size_t batch) const {
        char name[40];
        std::snprintf(name, sizeof name, "%020zu.jsonl", batch);
        std::ifstream in(directory_ / "out" / name);
        Lines rows;
        for (std::string line; std::getline(in, line);)
            rows.push_back("{" + line.substr(line.find("\"id\"")));
        std::sort(rows.begin(), rows.end());
        return rows;
    }

    test::TemporaryDirectory directory_;
    std::int64_t batches_ = 0;
};

TEST_F(LookupTest, RowsGetTheColumnsOfTheirPartner) {
    writeTable("\xEF\xBB\xBFid,name,age\r\n7,ann,30\r\n\r\n8,\"Lee, B\",\r\n,nobody,1\r\n");
    ASSERT_EQ(live({{"7 a", "8 b", "9 c", "- d", "7 e"}}), "");
    EXPECT_EQ(shown(1), (Lines{R"({"id": 7, "what": "a", "name": "ann", "age": 30})",
                               R"({"id": 7, "what": "e", "name": "ann", "age": 30})",
                               R"({"id": 8, "what": "b", "name": "Lee, B", "age": null})",
                               R"({"id": 9, "what": "c", "name": null, "age": null})",
                               R"({"id": null, "what": "d", "name": null, "age": null})"}));
}

TEST_F(LookupTest, FieldsOfCsvMayHoldLineEnds) {
    writeTable("id,name,age\r\n7,\"ann\r\nof \"\"x\"\"\n\",30\r\n\"8\",\"\nbob\",\n9,cy,x\n");
    EXPECT_THAT(live({{"7 a"}}), HasSubstr("cannot be used: line 7: age"));
    writeTable("id,name,age\r\n7,\"ann\r\nof \"\"x\"\"\n\",30\r\n\"8\",\"\nbob\",\n7,cy,1\n");
    EXPECT_THAT(live({{"7 a"}}), HasSubstr("line 7: its key stands in line 2 already"));
    writeTable("7,\"open\n8,bob,1\n");
    EXPECT_THAT(live({{"7 a"}}), HasSubstr("cannot be used: line 1: "));
    writeTable("id,name,age\r\n7,\"ann\r\nof \"\"x\"\"\n\",30\r\n\"8\",\"\nbob\",\n");
    ASSERT_EQ(live({{"7 a", "8 b"}}), "");
    EXPECT_EQ(
        shown(1),
        (Lines{R"({"id": 7, "what": "a", "name": "ann\u000d\u000aof \"x\"\u000a", "age": 30})",
               R"({"id": 8, "what": "b", "name": "\u000abob", "age": null})"}));
}

TEST_F(LookupTest, InnerLeavesRowsWithoutPartnerOut) {
    writeTable("7,ann,30\n");
    ASSERT_EQ(live(
                  {{"7 a", "9 c", "- d"}}, true, [](std::size_t) {}, ""),
              "");
    EXPECT_EQ(shown(1), (Lines{R"({"id": 7, "what": "a", "name": "ann", "age": 30})"}));
}

TEST_F(LookupTest, AChangedFileCountsFromTheNextBatchOn) {
    writeTable("7,ann,30\n");
    ASSERT_EQ(live({{"7 a"}, {"7 b"}, {"7 c"}}, true,
                   [&](std::size_t batch) {
                       if (batch == 1) writeTable("7,anna,31\n");
                       if (batch == 2) writeTable("7,wrong,x\n");  // stays without effect
                   }),
              "");
    EXPECT_EQ(shown(1)[0], R"({"id": 7, "what": "a", "name": "ann", "age": 30})");
    EXPECT_EQ(shown(2)[0], R"({"id": 7, "what": "b", "name": "anna", "age": 31})");
    EXPECT_EQ(shown(3)[0], R"({"id": 7, "what": "c", "name": "anna", "age": 31})");
}

// The results of a batch that is run again are written anew where they were taken away.
TEST_F(LookupTest, ABatchThatIsRunAgainSeesTheTableThatItSaw) {
    const Duration never(1'000'000'000);
    writeTable("7,ann,30\n");
    ASSERT_EQ(live(
                  {{"7 a"}, {"7 b"}}, false,
                  [&](std::size_t batch) {
                      if (batch == 1) writeTable("7,bob,40\n");
                  },
                  "kind = \"left\"\n", never),
              "");
    const Lines bob{R"({"id": 7, "what": "b", "name": "bob", "age": 40})"};
    ASSERT_EQ(shown(2), bob);
    fs::remove(directory_ / "out" / "00000000000000000002.jsonl");
    fs::remove(directory_ / "users.csv");
    ASSERT_EQ(live({{"7 c"}}), "");
    EXPECT_EQ(shown(2), bob);
    EXPECT_EQ(shown(3), (Lines{R"({"id": 7, "what": "c", "name": "bob", "age": 40})"}));
    // From the state of the checkpoint.
    ASSERT_EQ(live({{"7 d"}}), "");
    EXPECT_EQ(shown(4), (Lines{R"({"id": 7, "what": "d", "name": "bob", "age": 40})"}));
}

TEST_F(LookupTest, ATableThatCannotBeUsedIsAnErrorOfTheStart) {
    EXPECT_THAT(live({{"7 a"}}), HasSubstr("users.csv"));
    writeTable("7,ann,30\n8,bob,old\n");
    EXPECT_THAT(live({{"7 a"}}), HasSubstr("cannot be used: line 2: age"));
    writeTable("7,ann,30\n8,bob,1\n7,ann,31\n");
    EXPECT_THAT(live({{"7 a"}}), HasSubstr("line 3: its key stands in line 1 already"));
}

TEST_F(LookupTest, WhatDoesNotFitIsSaidBeforeTheStart) {
    const auto wrong = [&](const std::string& before, const std::string& after) {
        std::string text = jobText("");
        text.replace(text.find(before), before.size(), after);
        const auto job = parseJobFile(text, "job.toml");
        if (!job) return job.error().message;
        StreamingContext context(job->options);
        const auto planned = planJob(*job, context);
        return planned ? std::string("nothing") : planned.error().message;
    };
    EXPECT_THAT(wrong("on = \"id\"", "on = \"what\""),
                HasSubstr("the table has no field \"what\""));
    EXPECT_THAT(wrong("id = {at = 1, type = \"int\"", "id = {at = 1, type = \"text\""),
                HasSubstr("\"id\" is of type text in the rows and of type int in the table"));
    EXPECT_THAT(wrong("name = \"name\"", "what = \"name\""), HasSubstr("what"));
    EXPECT_THAT(wrong("on = \"id\"\n", "on = \"id\"\nkind = \"full\"\n"), HasSubstr("kind"));
    EXPECT_THAT(wrong("on = \"id\"\n", ""), HasSubstr("lacks the key \"on\""));
}

}  // namespace
}  // namespace tidemill::tools
