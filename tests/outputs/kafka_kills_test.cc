// Job and broker are killed at random moments while lines come: each is in the topic once in the
// end, and in the state once. TIDEMILL_KAFKA_ROUNDS says how often, by default 200 times;
// TIDEMILL_KAFKA_SEED chooses the moments.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "tests/outputs/kafka_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;

unsigned long numberOf(const char* variable, unsigned long byDefault) {
    const char* text = std::getenv(variable);
    return text == nullptr ? byDefault : std::stoul(text);
}

TEST(KafkaKills, OfJobAndBrokerLoseAndDoubleNothing) {
    std::unique_ptr<KafkaBroker> broker;
    TM_START_KAFKA(broker);
    const auto rounds = numberOf("TIDEMILL_KAFKA_ROUNDS", 200);
    const auto seed = numberOf("TIDEMILL_KAFKA_SEED", std::random_device{}());
    SCOPED_TRACE("TIDEMILL_KAFKA_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t most) { return random() % most; };

    KafkaJobRig rig(broker->address());
    const std::vector<std::string> settings{"interval=40", "checkpoint=300"};
    auto job = rig.start(settings);
    unsigned long jobs = 0, brokers = 0, both = 0;
    const auto say = [&](unsigned long done) {
        std::cout << done << " of " << rounds << " rounds: killed " << jobs << " times the job, "
                  << brokers << " the broker, " << both << " both; " << rig.fed() << " lines"
                  << std::endl;
    };
    for (unsigned long round = 0; round < rounds; ++round) {
        // Lines that come while the moment of the kill does.
        for (auto pieces = 1 + below(4); pieces > 0; --pieces) {
            rig.feed(1 + below(300));
            std::this_thread::sleep_for(milliseconds(below(160)));
        }
        const bool takesBroker = below(25) == 0;
        const bool takesJob = !takesBroker || below(2) == 0;
        ++(takesBroker ? takesJob ? both : brokers : jobs);
        if (takesBroker) broker->kill();
        if (takesJob) {
            ASSERT_EQ(job->poll(), std::nullopt) << rig.words();
            job->kill();
            job = rig.start(settings);
        }
        if (takesBroker) {
            ASSERT_TRUE(broker->restart());
        }
        if ((round + 1) % 50 == 0) say(round + 1);
    }
    EXPECT_TRUE(rig.await(std::chrono::seconds(120))) << rig.words();
    EXPECT_EQ(rig.stop(*job), 0) << rig.words();
    EXPECT_EQ(rig.problems(), "");
    if (!HasFailure()) std::cout << "each line is in the topics once, and in the state once\n";
}

}  // namespace
}  // namespace tidemill::test
