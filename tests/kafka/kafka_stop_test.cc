// A job between two topics is stopped while its broker is away: it ends soon, says what is where,
// and the next start goes on as if nothing had been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/support/environment_number.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr int kPeerAway = 7;
constexpr int kPartitions = 12;  // each of which may be asked for something

class KafkaStop : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KAFKA(broker_);
        client_ = std::make_unique<KafkaClient>(broker_->address());
        client_->createTopic("in", kPartitions);
    }

    void writeJob(bool toKafka) {
        std::ofstream(rig_.path() / "job.toml")
            << "[job]\nname = \"through\"\ninterval = \"100ms\"\n[[source]]\ntype = \"kafka\"\n"
               "name = \"in\"\ntopics = \"in\"\ndiscover_every = \"300ms\"\nbrokers = \""
            << broker_->address() << "\"\n[[output]]\n"
            << (toKafka
                    ? "to = \"kafka\"\ntopic = \"out\"\ncreate = true\nbrokers = \"" +
                          broker_->address() + "\"\n"
                    : "to = \"text_files\"\nprefix = \"" + (rig_.path() / "out").string() + "\"\n");
    }

    void produce(int records) {
        for (int i = 0; i < records; ++i)
            client_->produce("in", i % kPartitions, "r" + std::to_string(written_++));
        ASSERT_TRUE(client_->flush());
    }

    // What a broker that was away has not heard is not committed, so the other topic is asked.
    bool awaitSent() {
        for (int tries = 0; tries < 600; ++tries) {
            if (static_cast<std::int64_t>(client_->readAll("out").size()) >= written_) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        return false;
    }

    bool awaitProcessed() {
        for (int tries = 0; tries < 600; ++tries) {
            std::int64_t committed = 0;
            for (int i = 0; i < kPartitions; ++i)
                committed += std::max<std::int64_t>(0, client_->committed("through.in", "in", i));
            if (committed == written_) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

    // Of this life: the file has those of earlier ones too.
    void start() {
        before_ = rig_.daemonErrors().size();
        daemon_ = rig_.start();
    }
    std::string words() const { return rig_.daemonErrors().substr(before_); }

    bool awaitWords(const std::string& wanted) const {
        for (int tries = 0; tries < 600; ++tries) {
            if (words().find(wanted) != std::string::npos) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

    // The exit code, and how long it took.
    std::pair<int, seconds> stop() {
        const auto begun = std::chrono::steady_clock::now();
        daemon_->signal(SIGTERM);
        const int code = daemon_->wait(seconds(90)).value_or(-1);
        return {code,
                std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - begun)};
    }

    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaClient> client_;
    ProgramRig rig_;
    std::unique_ptr<ChildProcess> daemon_;
    std::size_t before_ = 0;
    std::int64_t written_ = 0;
};

TEST_F(KafkaStop, ASourceWhoseBrokerIsAwayEndsWell) {
    writeJob(false);
    start();
    produce(200);
    ASSERT_TRUE(awaitProcessed()) << words();
    broker_->kill();
    ASSERT_TRUE(awaitWords("no broker of")) << words();
    const auto [code, took] = stop();
    EXPECT_EQ(code, 0) << words();
    EXPECT_LT(took, seconds(20));
    EXPECT_THAT(words(), HasSubstr("its peer is away as the job stops"));

    // A start that finds nobody is stopped as well.
    start();
    ASSERT_TRUE(awaitWords("no broker of")) << words();
    const auto again = stop();
    EXPECT_EQ(again.first, 0) << words();
    EXPECT_LT(again.second, seconds(20));

    ASSERT_TRUE(broker_->restart());
    produce(200);
    start();
    ASSERT_TRUE(awaitProcessed()) << words();
    EXPECT_EQ(stop().first, 0) << words();
    EXPECT_THAT(words(), Not(HasSubstr("its peer is away")));
}

TEST_F(KafkaStop, AnOutputWhoseBrokerIsAwayLeavesItsBatchInTheLog) {
    writeJob(true);
    start();
    produce(200);
    ASSERT_TRUE(awaitSent()) << words();
    // What was read a moment ago is on its way to the other topic, or not.
    // What was read a moment ago is on its way to the other topic, or not.
    const auto rounds = environmentNumber("TIDEMILL_KILLS", 1);
    for (int round = 0; round < rounds; ++round) {
        produce(1000);
        std::this_thread::sleep_for(std::chrono::milliseconds(40 * round));
        broker_->kill();
        const auto [code, took] = stop();
        EXPECT_THAT(code, testing::AnyOf(0, kPeerAway)) << words();
        EXPECT_LT(took, seconds(80));
        if (code == kPeerAway) EXPECT_THAT(words(), HasSubstr("stays in the log of "));
        ASSERT_TRUE(broker_->restart());
        start();
        ASSERT_TRUE(awaitSent()) << words();
    }
    EXPECT_EQ(stop().first, 0) << words();
    std::map<std::string, int> seen;
    for (const auto& record : client_->readAll("out")) ++seen[record.value.value_or("(none)")];
    EXPECT_EQ(static_cast<std::int64_t>(seen.size()), written_);
    for (const auto& [value, times] : seen) EXPECT_EQ(times, 1) << value;
}

}  // namespace
}  // namespace tidemill::test
