// Sources of type "kinesis" in job files.
#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

const std::string kHead = "[job]\nname = \"shop\"\n[[source]]\ntype = \"kinesis\"\n";
const std::string kPrint = "[[output]]\nto = \"print\"\n";

TEST(KinesisSourceSpec, HasItsKeys) {
    const auto job = parseJobFile(
        kHead +
            "name = \"in\"\nstream = \"orders\"\nregion = \"eu-west-1\"\nendpoint = "
            "\"http://localhost:4567\"\nprofile = \"p\"\nstart = \"2026-11-01T00:00:00Z\"\n"
            "on_lost_data = \"skip\"\npoll_every = \"200ms\"\ndiscover_every = \"2s\"\n"
            "max_rate = \"5 records/s\"\n" +
            kPrint,
        "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    const auto& source = job->sources.at(0);
    EXPECT_EQ(source.type, SourceSpec::Type::kKinesis);
    EXPECT_STREQ(sourceWord(source.type), "kinesis");
    EXPECT_EQ(source.kinesis.stream, "orders");
    EXPECT_EQ(source.kinesis.region, "eu-west-1");
    EXPECT_EQ(source.kinesis.endpoint, "http://localhost:4567");
    EXPECT_EQ(source.kinesis.profile, "p");
    EXPECT_EQ(source.kinesis.application, "shop.in");
    EXPECT_EQ(source.kinesis.start.from, KinesisStart::From::kTime);
    EXPECT_EQ(toMillis(source.kinesis.start.time), 1'793'491'200'000);
    EXPECT_EQ(source.kinesis.onLostData, LostData::kSkip);
    EXPECT_EQ(source.kinesis.pollEvery, std::chrono::milliseconds(200));
    EXPECT_EQ(source.kinesis.discoverEvery, std::chrono::seconds(2));
    EXPECT_EQ(source.maxRate, Rate::records(5));
}

TEST(KinesisSourceSpec, IsTextForStepsThatTakeTextAndRowsForOthers) {
    const auto source = kHead + "stream = \"x\"\n";
    good(source + "[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n" + kPrint);
    good(source + R"([[step]]
where = '''stream = 'x' and shard <> '' and partition_key = 'k' and sub_index < 3 and
  sequence_number <> '' and data <> '' and "timestamp" > '2026-01-01' '''
)" + kPrint);
}

TEST(KinesisSourceSpec, SaysWhatIsWrong) {
    EXPECT_EQ(errorOf(kHead + kPrint), "job.toml:3:1: [[source]] lacks the key \"stream\"");
    EXPECT_EQ(errorOf(kHead + "stream = \"a b\"\n" + kPrint),
              "job.toml:3:1: kinesis: \"a b\" is no name of a stream: 1 to 128 letters, digits, "
              "'_', '.', '-'");
    EXPECT_EQ(errorOf(kHead + "stream = \"x\"\nstart = \"noon\"\n" + kPrint),
              "job.toml:6:9: start is \"noon\"; allowed are \"earliest\", \"latest\" and a time "
              "such as \"2026-11-01T00:00:00Z\"");
    EXPECT_EQ(errorOf(kHead +
                      "name = \"a\"\nstream = \"x\"\napplication = \"y\"\n"
                      "[[source]]\ntype = \"kinesis\"\nname = \"b\"\nstream = \"x\"\n"
                      "application = \"y\"\n" +
                      kPrint),
              "job.toml:8:1: the Kinesis source of line 3 has the application \"y\" too; give each "
              "a name, or an application, of its own");
}

}  // namespace
}  // namespace tidemill::tools
