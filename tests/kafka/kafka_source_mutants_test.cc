// What each rule of the Kafka source is for: the scenario that needs it comes out right, and the
// same scenario finds the mistake where the rule is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sources/kafka/mutant.h"
#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/kafka/kafka_job.h"

namespace tidemill::test {
namespace {

using sources::kafka::Mutant;
using testing::HasSubstr;

class KafkaSourceMutants : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KAFKA(broker_);
        client_ = std::make_unique<KafkaClient>(broker_->address());
    }
    void TearDown() override { sources::kafka::mutant() = Mutant::kNone; }

    // A topic and a job of its own.
    void begin(Mutant mutant) {
        sources::kafka::mutant() = mutant;
        topic_ = "t" + std::to_string(++topics_);
        client_->createTopic(topic_);
        KafkaOptions options;
        options.brokers = broker_->address();
        options.topics = {topic_};
        job_ = std::make_unique<KafkaJob>(options);
        ledger_.clear();
    }

    void produce(int records) {
        for (int i = 0; i < records; ++i) {
            ledger_.push_back("r" + std::to_string(++written_));
            client_->produce(topic_, 0, ledger_.back());
        }
        ASSERT_TRUE(client_->flush());
    }

    // Behind all that come, or 10 s: what is wrong with what came.
    std::string problems() {
        for (int tries = 0; tries < 200 && job_->seen().size() < ledger_.size(); ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        std::map<std::string, int> times;
        for (const auto& record : job_->seen()) ++times[record];
        std::size_t lost = 0, doubled = 0;
        for (const auto& record : ledger_) {
            const auto found = times.find(record);
            if (found == times.end()) ++lost;
            else if (found->second != 1) ++doubled;
        }
        if (lost + doubled == 0) return {};
        return std::to_string(lost) + " lost, " + std::to_string(doubled) + " doubled";
    }

    // Two ends in an orderly way, and two without.
    std::string severalLives() {
        for (int life = 0; life < 5; ++life) {
            produce(50);
            job_->start();
            if (auto wrong = problems(); !wrong.empty()) return wrong;
            produce(50);
            if (auto wrong = problems(); !wrong.empty()) return wrong;
            if (life % 2 == 0) job_->stop();
            else job_->crash();
        }
        return {};
    }

    void shows(Mutant mutant, const std::function<std::string()>& scenario, const char* mistake) {
        begin(Mutant::kNone);
        EXPECT_EQ(scenario(), "");
        if (HasFailure()) return;
        begin(mutant);
        EXPECT_THAT(scenario(), HasSubstr(mistake)) << "the mistake was not found";
    }

    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaClient> client_;
    std::unique_ptr<KafkaJob> job_;
    std::string topic_;
    std::vector<std::string> ledger_;
    int topics_ = 0, written_ = 0;
};

TEST_F(KafkaSourceMutants, PositionsAreThoseOfTheNextRecord) {
    shows(
        Mutant::kResumesOneOff, [this] { return severalLives(); }, "1 lost, 0 doubled");
}

TEST_F(KafkaSourceMutants, WhatComesAgainIsNotTakenAgain) {
    shows(
        Mutant::kTakesBelow, [this] { return severalLives(); }, "0 lost, 1 doubled");
}

TEST_F(KafkaSourceMutants, PositionsAreInTheBoundary) {
    shows(
        Mutant::kPositionsNotKept, [this] { return severalLives(); }, "doubled");
}

TEST_F(KafkaSourceMutants, AnAnchorTellsATopicThatWasMadeAnew) {
    shows(
        Mutant::kAnchorUnchecked,
        [this]() -> std::string {
            produce(20);
            job_->start();
            if (auto wrong = problems(); !wrong.empty()) return wrong;
            job_->stop();
            client_->deleteTopic(topic_);
            client_->createTopic(topic_);
            produce(60);
            job_->start();
            for (int tries = 0; tries < 100; ++tries) {
                if (job_->seen().size() > 20) return "records of another topic were taken";
                if (job_->context().state() == StreamingContext::State::kStopped) break;
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            }
            const auto said = job_->awaitFailure();
            return said.find("another one now") != said.npos ? "" : "ended with: " + said;
        },
        "records of another topic were taken");
}

}  // namespace
}  // namespace tidemill::test
