// A job file's rows in a topic, of a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/outputs/kafka_rig.h"

namespace tidemill::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class KafkaRows : public testing::Test {
protected:
    void writeJob(const std::string& output) {
        std::ofstream(directory_ / "job.toml")
            << "[job]\nname = \"orders\"\ninterval = \"100ms\"\n"
               "[[source]]\ntype = \"files\"\ndirectory = \""
            << (directory_ / "input").string()
            << "\"\nexisting = \"take\"\n"
               "[[step]]\ndo = \"fields\"\nby = \"csv\"\n"
               "fields = {city = 1, amount = {at = 2, type = \"int\"}}\n"
               "[[output]]\nto = \"kafka\"\n"
            << output;
    }
    std::string check() {
        int code = 0;
        return outputOf({"/bin/sh", "-c",
                         TIDEMILL_PROGRAM_PATH " run --check '" +
                             (directory_ / "job.toml").string() + "' 2>&1"},
                        code);
    }

    TemporaryDirectory directory_;
};

TEST_F(KafkaRows, WrongKeysAreNamedByLine) {
    std::filesystem::create_directory(directory_ / "input");
    writeJob("brokers = \"localhost:1\"\ntopic = \"a/b\"\n");
    EXPECT_THAT(check(), HasSubstr("\"a/b\" cannot be the name of a Kafka topic"));
    writeJob("brokers = \"localhost:1\"\ntopic = \"a\"\nkey = \"town\"\n");
    EXPECT_THAT(check(), HasSubstr("town"));
    writeJob("brokers = \"localhost:1\"\ntopic = \"a\"\n[output.kafka]\nacks = \"1\"\n");
    EXPECT_THAT(check(), HasSubstr("acks cannot be set here"));
    writeJob("brokers = \"localhost:1\"\ntopic = \"tidemill-progress-orders\"\n");
    EXPECT_THAT(check(), HasSubstr("where the job's progress is kept"));
    writeJob("topic = \"a\"\n");
    EXPECT_THAT(check(), HasSubstr("brokers"));
    writeJob("brokers = \"localhost:1\"\ntopic = \"a\"\nkey = \"city\"\n");
    EXPECT_THAT(check(), HasSubstr("kafka topic=a brokers=localhost:1"));
}

TEST_F(KafkaRows, AreRecordsWithKeyValueAndHeaders) {
    std::unique_ptr<KafkaBroker> broker;
    TM_START_KAFKA(broker);
    std::filesystem::create_directory(directory_ / "input");
    std::ofstream(directory_ / "input" / "1.csv") << "Oslo,5\nRome,7\n";
    writeJob("brokers = \"" + broker->address() +
             "\"\ntopic = \"orders\"\ncreate = true\nkey = \"city\"\n"
             "[[output]]\nto = \"kafka\"\nbrokers = \"" +
             broker->address() +
             "\"\ntopic = \"amounts\"\ncreate = true\nkey = [\"city\", \"amount\"]\n"
             "value = \"amount\"\nbatch_header = false\n");
    ChildProcess job(
        {{TIDEMILL_PROGRAM_PATH, "run", directory_ / "job.toml", "--data-dir", directory_ / "data"},
         {},
         directory_ / "out",
         directory_ / "log"});
    std::vector<TopicRecord> orders;
    for (int i = 0; i < 300 && orders.size() < 2; ++i) {
        try {
            orders = readTopic(broker->address(), "orders");
        } catch (const std::runtime_error&) {
        }
        EXPECT_EQ(job.wait(std::chrono::milliseconds(100)), std::nullopt)
            << tailOf(directory_ / "log");
    }
    job.signal(SIGTERM);
    EXPECT_EQ(job.wait(std::chrono::seconds(20)), 0) << tailOf(directory_ / "log");
    ASSERT_EQ(orders.size(), 2u);
    EXPECT_THAT(orders, Contains(TopicRecord{"Oslo", R"({"city": "Oslo", "amount": 5})",
                                             orders.front().batch}));
    EXPECT_EQ(orders.front().batch, orders.back().batch);
    const auto amounts = readTopic(broker->address(), "amounts");
    EXPECT_EQ(amounts.size(), 2u);
    EXPECT_THAT(amounts, Contains(TopicRecord{R"({"city": "Rome", "amount": 7})", "7", ""}));
    // Both outputs share one transaction, whose progress is the job's.
    EXPECT_EQ(readTopic(broker->address(), "tidemill-progress-orders").size(), 1u);
}

}  // namespace
}  // namespace tidemill::test
