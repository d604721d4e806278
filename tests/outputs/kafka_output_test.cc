// A job with two Kafka outputs and a real broker: each batch once in the topics, whatever is killed
// and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "tests/kafka/kafka_client.h"
#include "tests/outputs/kafka_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr int kKilled = 128 + SIGKILL;
// Transactions that are too old are looked for often.
constexpr const char* kQuick = "transaction.abort.timed.out.transaction.cleanup.interval.ms=200";

class KafkaOutput : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KAFKA(broker_, kQuick);
        rig_ = std::make_unique<KafkaJobRig>(broker_->address());
    }

    // A life without a fault that takes in all that is left, and what is found then.
    std::string finish(const std::vector<std::string>& more = {}) {
        auto job = rig_->start(more);
        const bool all = rig_->await();
        const int code = rig_->stop(*job);
        if (!all || code != 0)
            return "all=" + std::to_string(all) + " code=" + std::to_string(code) + "\n" +
                   rig_->problems() + rig_->words();
        return rig_->problems();
    }

    // Runs with `failpoint` armed until the job is dead.
    void dieAt(const std::string& failpoint, const std::vector<std::string>& more = {}) {
        auto job = rig_->start(more, failpoint);
        std::optional<int> code;
        for (int i = 0; i < 100 && !code; ++i) {
            rig_->feed(20);
            code = job->wait(milliseconds(100));
        }
        ASSERT_EQ(code, kKilled) << failpoint << "\n" << rig_->words();
    }

    std::vector<std::string> progressOf() {
        std::vector<std::string> values;
        for (const auto& record : readTopic(broker_->address(), "tidemill-progress"))
            values.push_back(record.value);
        return values;
    }

    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaJobRig> rig_;
};

TEST_F(KafkaOutput, ShowsEachRecordOnceOverSeveralLives) {
    for (int life = 0; life < 3; ++life) {
        rig_->feed(1000);
        EXPECT_EQ(finish(), "");
    }
    // What was sent says which batch it is of, and batches follow each other.
    const auto progress = progressOf();
    ASSERT_GE(progress.size(), 3u);
    std::string previous = "0";
    for (const auto& value : progress) {
        EXPECT_THAT(value, HasSubstr(" previous=" + previous + " "));
        previous = value.substr(16, value.find(' ', 16) - 16);
    }
}

TEST_F(KafkaOutput, KilledAtEachPointOfATransactionShowsEachRecordOnce) {
    rig_->feed(100);
    for (const char* point :
         {"kafka.afterInit", "kafka.afterMark", "kafka.afterRead", "kafka.afterDecide",
          "kafka.afterBegin", "kafka.afterSend", "kafka.beforeCommit", "kafka.afterCommit"}) {
        dieAt(std::string(point) + ":kill");
        // A second time where the batch is perhaps there already, and the third finds it.
        auto job = rig_->start({}, std::string(point) + ":kill");
        (void)job->wait(milliseconds(1500));
        job->kill();
    }
    EXPECT_EQ(finish(), "");
}

TEST_F(KafkaOutput, AnErrorOfOurOwnEndsTheJobAndNothingIsLost) {
    for (const char* point : {"kafka.afterBegin", "kafka.beforeCommit", "kafka.afterCommit"}) {
        auto job = rig_->start({}, std::string(point) + ":error");
        rig_->feed(100);
        EXPECT_EQ(job->wait(seconds(20)), 1) << rig_->words();
        EXPECT_THAT(rig_->words(), HasSubstr(std::string("failpoint ") + point));
    }
    EXPECT_EQ(finish(), "");
}

TEST_F(KafkaOutput, ATransactionThatTookTooLongIsSentAnew) {
    // Longer than the transaction's timeout, right in front of the commit.
    auto job = rig_->start({"timeout=1000"}, "kafka.beforeCommit:delay=2500");
    rig_->feed(100);
    std::this_thread::sleep_for(seconds(6));
    job->kill();
    EXPECT_EQ(finish({"timeout=1000"}), "");
    EXPECT_THAT(rig_->allWords(), HasSubstr("the batch waits"));
}

TEST_F(KafkaOutput, AJobThatWasStoppedForLongIsFencedAndGoesOn) {
    auto job = rig_->start({"timeout=1000"}, "kafka.beforeCommit:delay=300");
    for (int i = 0; i < 5; ++i) {
        rig_->feed(200);
        std::this_thread::sleep_for(milliseconds(230));
        job->signal(SIGSTOP);
        std::this_thread::sleep_for(milliseconds(1800));
        job->signal(SIGCONT);
    }
    EXPECT_TRUE(rig_->await()) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(), "");
}

TEST_F(KafkaOutput, ASecondCopyOfTheJobIsRefused) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    std::filesystem::copy(rig_->directory() / "data", rig_->directory() / "copy",
                          std::filesystem::copy_options::recursive);
    // Both meet the same lines; the first one stands in front of its commit as the other comes.
    rig_->feed(100);
    auto job = rig_->start({}, "kafka.beforeCommit:delay=1500");
    std::this_thread::sleep_for(milliseconds(1000));
    auto copy = rig_->start({}, {}, "copy");
    EXPECT_TRUE(rig_->await()) << rig_->words();
    const auto ended = job->wait(seconds(20));
    EXPECT_EQ(ended, 1) << rig_->words();
    EXPECT_THAT(rig_->allWords(), HasSubstr("a job may run in one place only"));
    EXPECT_EQ(rig_->stop(*copy), 0);
    std::filesystem::remove_all(rig_->directory() / "data");
    std::filesystem::rename(rig_->directory() / "copy", rig_->directory() / "data");
    EXPECT_EQ(rig_->problems(), "");
}

TEST_F(KafkaOutput, ARestoredOlderDataDirectoryIsRefused) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    std::filesystem::copy(rig_->directory() / "data", rig_->directory() / "backup",
                          std::filesystem::copy_options::recursive);
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    auto job = rig_->start({}, {}, "backup");
    EXPECT_EQ(job->wait(seconds(20)), 1) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("restored from an older copy"));
    EXPECT_EQ(rig_->problems(), "");
}

TEST_F(KafkaOutput, ProgressThatWasDeletedIsMissedAndABatchInDoubtNotSentBlindly) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    dieAt("kafka.afterCommit:kill");
    KafkaClient(broker_->address()).deleteTopic("tidemill-progress");
    auto job = rig_->start();
    EXPECT_EQ(job->wait(seconds(20)), 1) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("cannot be known"));
    // The way out that the message names.
    auto next = rig_->start({"progress=another"});
    EXPECT_TRUE(rig_->await()) << rig_->words();
    EXPECT_EQ(rig_->stop(*next), 0);
}

TEST_F(KafkaOutput, ABrokerThatIsNotThereIsWaitedFor) {
    rig_->feed(100);
    broker_->kill();
    auto job = rig_->start();
    std::this_thread::sleep_for(seconds(5));
    EXPECT_EQ(job->poll(), std::nullopt) << rig_->words();
    ASSERT_TRUE(broker_->restart());
    EXPECT_TRUE(rig_->await()) << rig_->words();
    for (int i = 0; i < 3; ++i) {
        rig_->feed(100);
        std::this_thread::sleep_for(milliseconds(130 * i));
        broker_->kill();
        ASSERT_TRUE(broker_->restart());
    }
    EXPECT_TRUE(rig_->await()) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(), "");
    EXPECT_THAT(rig_->allWords(), HasSubstr(" works again"));
}

// In the first life a batch is being sent, in the second it is sent again at the start.
TEST_F(KafkaOutput, AStopDoesNotWaitForLongForABrokerThatIsAway) {
    for (const std::string once : {"no", "yes"}) {
        KafkaJobRig rig(broker_->address(), "out-" + once);
        const std::vector<std::string> settings{"once=" + once};
        auto job = rig.start(settings);
        rig.feed(100);
        ASSERT_TRUE(rig.await()) << rig.words();
        broker_->kill();
        rig.feed(100);
        for (int life = 0; life < 2; ++life) {
            std::this_thread::sleep_for(seconds(3));
            ASSERT_EQ(job->poll(), std::nullopt) << rig.words();
            const auto begun = std::chrono::steady_clock::now();
            EXPECT_EQ(rig.stop(*job), 1) << rig.words();
            EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(40)) << once;
            EXPECT_THAT(rig.words(1), HasSubstr("does not wait for it any longer")) << once;
            job = rig.start(settings);
        }
        job->kill();
        ASSERT_TRUE(broker_->restart());
        job = rig.start(settings);
        EXPECT_TRUE(rig.await()) << rig.words();
        EXPECT_EQ(rig.stop(*job), 0) << rig.words();
        // Whether the broker had told of what it took before it was killed is a matter of luck.
        if (once == "yes") EXPECT_EQ(rig.problems(), "");
        else EXPECT_THAT(rig.problems(), testing::AnyOf("", testing::StartsWith("0 missing, ")));
    }
}

TEST_F(KafkaOutput, ARecordThatTheTopicCannotTakeIsADeadLetter) {
    rig_->feed(10);
    rig_->feedLine("large", "large " + std::string(3000, 'x'));
    rig_->feed(10);
    auto job = rig_->start({"topic.max=2000"});
    EXPECT_TRUE(rig_->await()) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(readTopic(broker_->address(), rig_->topic()).size(), rig_->fed());
    std::string letters;
    for (const auto& entry :
         std::filesystem::directory_iterator(rig_->directory() / "data" / "dead_letters"))
        if (entry.path().extension() == ".jsonl") letters += tailOf(entry.path());
    EXPECT_THAT(letters, HasSubstr("the record has 3"));
    EXPECT_THAT(letters, HasSubstr("\"Kafka topic out\""));
}

TEST_F(KafkaOutput, ATopicThatIsMissingIsMadeOnlyWhenAsked) {
    rig_->feed(10);
    auto job = rig_->start({"create=no"});
    EXPECT_EQ(job->wait(seconds(20)), 1);
    EXPECT_THAT(rig_->words(), HasSubstr("Kafka topic out does not exist"));
    EXPECT_THAT(topicsOf(broker_->address()), testing::Not(testing::Contains("out")));
    EXPECT_EQ(finish(), "");
}

TEST_F(KafkaOutput, AtLeastOnceLosesNothing) {
    rig_->feed(500);
    EXPECT_EQ(finish({"once=no"}), "");
    for (int i = 0; i < 3; ++i) {
        auto job = rig_->start({"once=no"});
        rig_->feed(200);
        std::this_thread::sleep_for(milliseconds(400 + 100 * i));
        job->kill();
    }
    auto job = rig_->start({"once=no"});
    std::this_thread::sleep_for(seconds(2));
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    std::set<std::string> seen;
    for (const auto& record : readTopic(broker_->address(), rig_->topic()))
        seen.insert(record.value);
    EXPECT_EQ(seen.size(), rig_->fed());
    EXPECT_THAT(topicsOf(broker_->address()), testing::Not(testing::Contains("tidemill-progress")));
}

}  // namespace
}  // namespace tidemill::test
