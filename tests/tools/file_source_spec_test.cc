// Sources of type "files" in job files.
#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

const std::string kHead = "[[source]]\ntype = \"files\"\n";
const std::string kPrint = "[[output]]\nto = \"print\"\n[job]\nname = \"shop\"\n";

std::string errorWith(const std::string& keys) { return errorOf(kHead + keys + kPrint); }

TEST(FileSourceSpec, FollowHasItsKeys) {
    const auto job = parseJobFile(kHead +
                                      "follow = true\npath = \"logs/*.log\"\nstart = \"end\"\n"
                                      "look_every = \"2s\"\nmax_rate = \"5000 records/s\"\n" +
                                      kPrint,
                                  "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    const auto& source = job->sources.at(0);
    ASSERT_TRUE(source.follow);
    EXPECT_EQ(source.path, "logs/*.log");
    EXPECT_EQ(source.directory, "logs");
    EXPECT_EQ(source.follow->start, FollowStart::kEnd);
    EXPECT_EQ(source.follow->lookEvery, std::chrono::seconds(2));
    ASSERT_TRUE(source.maxRate);
    EXPECT_EQ(source.maxRate->unit, Rate::Unit::kRecords);
}

TEST(FileSourceSpec, ADirectoryIsAllOfItsFiles) {
    const auto job =
        parseJobFile(kHead + "follow = true\ndirectory = \"logs\"\n" + kPrint, "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    EXPECT_EQ(job->sources.at(0).path, "logs/");
    EXPECT_EQ(job->sources.at(0).directory, "logs");
}

TEST(FileSourceSpec, SaysWhatIsWrong) {
    EXPECT_EQ(errorWith("directory = \"logs\"\nstart = \"end\"\n"),
              "job.toml:4:9: start is for files that are followed: add follow = true");
    EXPECT_EQ(errorWith("follow = true\n"),
              "job.toml:1:1: a source that follows files has path, such as \"logs/*.log\", or "
              "directory, whose files are all followed, and not both");
    EXPECT_EQ(errorWith("follow = true\ndirectory = \"logs\"\nexisting = \"take\"\n"),
              "job.toml:5:12: existing is for files that are read once; start = \"begin\" or "
              "\"end\" says where files that are followed are begun");
    EXPECT_EQ(errorWith("follow = true\ndirectory = \"logs\"\non_lost_data = \"skip\"\n"),
              "job.toml:5:16: on_lost_data is for files that are read once; what files that are "
              "followed have lost is said, and the job goes on");
    EXPECT_EQ(errorWith("follow = true\ndirectory = \"logs\"\nrecords = \"csv\"\n"),
              "job.toml:5:11: records of files that are followed are lines: leave records out, or "
              "follow");
    const std::string follow = "follow = true\npath = \"logs/*\"\n";
    EXPECT_EQ(errorWith(follow + kHead + follow),
              "job.toml:5:1: the source of line 1 follows \"logs/*\" already; steps can take that "
              "one more than once");
    EXPECT_EQ(errorWith("directory = \"logs\"\nmax_rate = \"5 records/s\"\n"),
              "job.toml:4:12: max_rate of files is in bytes, such as \"10 MiB/s\": their records "
              "are not counted before they are read");
}

}  // namespace
}  // namespace tidemill::tools
