// Sources of type "kafka" in job files.
#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

const std::string kHead = "[job]\nname = \"shop\"\n[[source]]\ntype = \"kafka\"\n";
const std::string kPrint = "[[output]]\nto = \"print\"\n";

TEST(KafkaSourceSpec, HasItsKeys) {
    const auto job =
        parseJobFile(kHead +
                         "name = \"in\"\nbrokers = \"a:1,b:2\"\ntopics = [\"x\", \"y\"]\nstart = "
                         "\"2026-11-01T00:00:00Z\"\non_lost_data = \"skip\"\nheaders = [\"unit\"]\n"
                         "discover_every = \"2s\"\nkafka = {\"security.protocol\" = \"SSL\", "
                         "\"fetch.min.bytes\" = 7}\n" +
                         kPrint,
                     "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    const auto& source = job->sources.at(0);
    EXPECT_EQ(source.type, SourceSpec::Type::kKafka);
    EXPECT_EQ(source.kafka.brokers, "a:1,b:2");
    EXPECT_EQ(source.kafka.topics, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(source.kafka.group, "shop.in");
    EXPECT_EQ(source.kafka.start.from, KafkaStart::From::kTime);
    EXPECT_EQ(toMillis(source.kafka.start.time), 1'793'491'200'000);
    EXPECT_EQ(source.kafka.onLostData, LostData::kSkip);
    EXPECT_EQ(source.kafka.discoverEvery, std::chrono::seconds(2));
    EXPECT_EQ(source.kafka.properties.at("security.protocol"), "SSL");
    EXPECT_EQ(source.kafka.properties.at("fetch.min.bytes"), "7");
    EXPECT_EQ(source.headers, std::vector<std::string>{"unit"});
}

TEST(KafkaSourceSpec, IsTextForStepsThatTakeTextAndRowsForOthers) {
    const auto source = kHead + "brokers = \"a:1\"\ntopics = \"x\"\nheaders = [\"unit\"]\n";
    good(source + "[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n" + kPrint);
    good(source + R"([[step]]
where = '''topic = 'x' and partition < 3 and "offset" > 7 and key is not null and unit = 'EUR'
  and "timestamp" > '2026-01-01' '''
)" + kPrint);
    good(source + "[[output]]\nto = \"csv\"\npath = \"out\"\n");
    EXPECT_EQ(errorOf(kHead + "brokers = \"a:1\"\ntopics = \"x\"\nheaders = [\"topic\"]\n" + kPrint)
                  .find("job.toml:3:1: "),
              0u)
        << "a header that is called like a column";
}

TEST(KafkaSourceSpec, SaysWhatIsWrong) {
    EXPECT_EQ(errorOf(kHead + "topics = \"x\"\n" + kPrint),
              "job.toml:3:1: [[source]] lacks the key \"brokers\"");
    EXPECT_EQ(errorOf(kHead + "brokers = \"a:1\"\n" + kPrint),
              "job.toml:3:1: kafka: say either topics or a pattern of their names");
    EXPECT_EQ(
        errorOf(kHead + "brokers = \"a:1\"\ntopics = \"x\"\nstart = \"noon\"\n" + kPrint),
        "job.toml:7:9: start is \"noon\"; allowed are \"earliest\", \"latest\" and a time such "
        "as \"2026-11-01T00:00:00Z\"");
    EXPECT_EQ(
        errorOf(kHead +
                "brokers = \"a:1\"\ntopics = \"x\"\nkafka = {\"isolation.level\" = "
                "\"read_uncommitted\"}\n" +
                kPrint),
        "job.toml:3:1: kafka: property \"isolation.level\" is always \"read_committed\": with "
        "another value records would be lost or come twice");
}

}  // namespace
}  // namespace tidemill::tools
