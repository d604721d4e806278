// tidemill run --check --connect against a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class KafkaConnect : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KAFKA(broker_);
        client_ = std::make_unique<KafkaClient>(broker_->address());
    }

    void writeJob(const std::string& source, const std::string& output) {
        const std::string brokers = "brokers = \"" + broker_->address() + "\"\n";
        std::ofstream(rig_.path() / "job.toml")
            << "[job]\nname = \"through\"\ninterval = \"50ms\"\n[[source]]\ntype = \"kafka\"\n"
               "name = \"in\"\n"
            << brokers << source << "\n[[output]]\nto = \"kafka\"\n"
            << brokers << output << "\n";
    }

    struct Said {
        int code = -1;
        Words facts[2], troubles[2];  // of the source, of the output
    };
    Said check() {
        const auto outcome = rig_.look(
            {"run", "--check", "--connect", "--json", (rig_.path() / "job.toml").string()});
        Said said;
        said.code = outcome.code;
        std::istringstream lines(outcome.out);
        int peer = 0;
        for (std::string line; std::getline(lines, line) && peer < 2; ++peer) {
            const auto object = Json::parse(line);
            said.facts[peer] = object["facts"].get<Words>();
            said.troubles[peer] = object["troubles"].get<Words>();
        }
        EXPECT_EQ(peer, 2) << outcome.out << outcome.err;
        return said;
    }

    void runOverAll(std::int64_t end) {
        auto daemon = rig_.start();
        for (int tries = 0; tries < 600 && client_->committed("through.in", "in", 0) < end; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        daemon->signal(SIGTERM);
        ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig_.daemonErrors();
    }

    void produce(int records) {
        for (int i = 0; i < records; ++i) client_->produce("in", 0, "r" + std::to_string(i));
        ASSERT_TRUE(client_->flush());
    }

    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaClient> client_;
    ProgramRig rig_;
};

TEST_F(KafkaConnect, SaysWhatIsThereAndWhatWouldBeMade) {
    client_->createTopic("in", 2);
    produce(7);
    writeJob("topics = \"in\"", "topic = \"out\"\ncreate = true");
    auto said = check();
    EXPECT_EQ(said.code, 0) << testing::PrintToString(said.troubles);
    EXPECT_THAT(said.facts[0], Contains("topic \"in\" has 2 partitions"));
    EXPECT_THAT(said.facts[0], Contains("partition 0 of topic \"in\" would be read from offset 0; "
                                        "its end is 7 offsets behind that"));
    EXPECT_THAT(said.facts[1], Contains("topic \"out\" does not exist, and would be made"));
    EXPECT_THAT(said.facts[1],
                Contains("topic \"tidemill-progress-through\" does not exist, and would be made"));
    // Nothing was.
    writeJob("topics = \"in\"\nstart = \"latest\"", "topic = \"out\"");
    said = check();
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.troubles[0], IsEmpty());
    EXPECT_THAT(said.facts[0], Contains("partition 0 of topic \"in\" would be read from offset 7; "
                                        "that is its end"));
    EXPECT_THAT(said.troubles[1],
                Contains("topic \"out\" does not exist: make it, or set create = true"));
    // The brokers say what they would not do.
    writeJob("topics = [\"in\", \"missing\"]", "topic = \"out\"\ncreate = true\nreplication = 3");
    said = check();
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.troubles[0], Contains("topic \"missing\" does not exist"));
    EXPECT_THAT(said.troubles[1], Contains(HasSubstr("INVALID_REPLICATION_FACTOR")));
}

TEST_F(KafkaConnect, SaysWhereTheDirectoryHasIt) {
    client_->createTopic("in");
    client_->createTopic("out");
    produce(10);
    writeJob("topics = \"in\"", "topic = \"out\"");
    runOverAll(10);
    produce(5);
    auto said = check();
    EXPECT_EQ(said.code, 0) << testing::PrintToString(said.troubles);
    EXPECT_THAT(said.facts[0],
                Contains("partition 0 of topic \"in\" would be read from offset 10, where the data "
                         "directory has it; its end is 5 offsets behind that"));
    // What the log alone has, behind the last checkpoint.
    auto daemon = rig_.start();
    for (int tries = 0; tries < 600 && client_->committed("through.in", "in", 0) < 15; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    daemon->kill();
    EXPECT_THAT(check().facts[0], Contains(HasSubstr("would be read from offset 15, where")));

    client_->deleteTopic("in");
    client_->createTopic("in");
    produce(30);
    said = check();
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.troubles[0], Contains(HasSubstr("record 14, the last one read, is another")));
    client_->deleteTopic("in");
    client_->createTopic("in");
    produce(3);
    EXPECT_THAT(check().troubles[0],
                Contains(HasSubstr("it ends at offset 3, but was read up to")));
}

TEST_F(KafkaConnect, NobodyThereIsSaidOfBoth) {
    client_->createTopic("in");
    writeJob("topics = \"in\"", "topic = \"out\"");
    broker_->kill();
    const auto said = check();
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.troubles[0], Contains(HasSubstr("no broker of " + broker_->address())));
    EXPECT_THAT(said.troubles[1], Contains(HasSubstr("Kafka cannot be reached")));
}

}  // namespace
}  // namespace tidemill::test
