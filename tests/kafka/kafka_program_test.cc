// Job files that read Kafka, run by the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(KafkaProgram, StepsFindTheColumnsOfRecords) {
    std::unique_ptr<KafkaBroker> broker;
    TM_START_KAFKA(broker);
    KafkaClient client(broker->address());
    client.createTopic("orders", 2);
    client.produce("orders", 0, "10", "a", {{"unit", "EUR"}});
    client.produce("orders", 0, "11", "b", {{"unit", "USD"}});
    client.produce("orders", 1, "12", "c", {{"unit", "EUR"}});
    client.produce("orders", 1, "13");
    ASSERT_TRUE(client.flush());

    ProgramRig rig;
    const auto out = rig.path() / "results";
    std::ofstream(rig.path() / "job.toml")
        << "[job]\nname = \"orders\"\ninterval = \"50ms\"\n[[source]]\ntype = \"kafka\"\n"
           "name = \"in\"\nbrokers = \""
        << broker->address()
        << "\"\ntopics = \"orders\"\nheaders = [\"unit\"]\n"
           "[[step]]\nwhere = \"unit = 'EUR' or key is null\"\n"
           "[[step]]\nselect = [\"topic\", \"partition\", \"offset\", \"key\", \"value\"]\n"
           "[[output]]\nto = \"csv\"\npath = \""
        << out.string() << "\"\n";
    auto daemon = rig.start();
    std::vector<std::string> lines;
    for (int tries = 0; tries < 300 && client.committed("orders.in", "orders", 1) < 2; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig.daemonErrors();
    for (const auto& entry : std::filesystem::directory_iterator(out)) {
        if (entry.path().extension() != ".csv") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            if (!line.empty() && line.back() == '\r') line.pop_back();
            if (!line.starts_with("topic,")) lines.push_back(line);
        }
    }
    std::sort(lines.begin(), lines.end());
    EXPECT_THAT(lines, ElementsAre("orders,0,0,a,10", "orders,1,0,c,12", "orders,1,1,,13"));
}

TEST(KafkaProgram, APropertyThatIsNotOneEndsTheStart) {
    ProgramRig rig;
    rig.writeJob(
        "type = \"kafka\"\nbrokers = \"127.0.0.1:1\"\ntopics = \"t\"\nkafka = {\"no.such\" = "
        "\"x\"}");
    auto daemon = rig.start();
    EXPECT_NE(daemon->wait(std::chrono::seconds(30)).value_or(0), 0);
    EXPECT_THAT(rig.daemonErrors(), HasSubstr("\"no.such\" is none that librdkafka knows"));
}

}  // namespace
}  // namespace tidemill::test
