// What each rule of the Kafka output is for: the scenario that needs it comes out right, and the
// same scenario finds the mistake where the rule is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>

#include <functional>
#include <thread>

#include "tests/outputs/kafka_proxy.h"
#include "tests/outputs/kafka_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr int kKilled = 128 + SIGKILL;

// Somebody else's transaction in the progress topic, open until it goes.
class OpenTransaction {
public:
    OpenTransaction(const std::string& brokers, const std::string& topic) {
        char text[256];
        auto* conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), text, sizeof text);
        rd_kafka_conf_set(conf, "transactional.id", "somebody-else", text, sizeof text);
        producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
        check(rd_kafka_init_transactions(producer_, 20'000));
        check(rd_kafka_begin_transaction(producer_));
        rd_kafka_producev(producer_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY("other", 5),
                          RD_KAFKA_V_VALUE(nullptr, 0), RD_KAFKA_V_END);
        rd_kafka_flush(producer_, 20'000);
    }
    ~OpenTransaction() {
        check(rd_kafka_commit_transaction(producer_, 20'000));
        rd_kafka_destroy(producer_);
    }
    OpenTransaction(const OpenTransaction&) = delete;
    OpenTransaction& operator=(const OpenTransaction&) = delete;

private:
    static void check(rd_kafka_error_t* error) {
        EXPECT_EQ(error, nullptr) << rd_kafka_error_string(error);
        if (error != nullptr) rd_kafka_error_destroy(error);
    }
    rd_kafka_t* producer_ = nullptr;
};

class KafkaMutants : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KAFKA(broker_,
                       "advertised.listeners=CLIENT://127.0.0.1:" + std::to_string(proxy_.port()));
        proxy_.leadTo(broker_->port());
    }

    // A new rig, whose topics and data directory are its own.
    void begin(const std::string& mutant) {
        rig_ = std::make_unique<KafkaJobRig>(proxy_.address(), "out-" + mutant);
        given_ = {"mutant=" + mutant, "progress=progress-" + mutant};
    }
    std::unique_ptr<ChildProcess> start(const std::string& failpoint = {},
                                        const std::string& data = "data") {
        return rig_->start(given_, failpoint, data);
    }
    std::string finish() {
        auto job = start();
        if (!rig_->await()) return "not all came\n" + rig_->words();
        const int code = rig_->stop(*job);
        return code == 0 ? rig_->problems() : "exit code " + std::to_string(code) + rig_->words();
    }
    void someBatches() {
        rig_->feed(100);
        ASSERT_EQ(finish(), "");
    }
    void dieAt(const std::string& failpoint) {
        rig_->feed(50);
        auto job = start(failpoint);
        ASSERT_EQ(job->wait(seconds(20)), kKilled) << rig_->words();
    }
    bool awaitUncommitted(std::size_t records) const {
        for (int i = 0; i < 200; ++i) {
            if (readTopic(proxy_.address(), rig_->topic(), false).size() >= records) return true;
            std::this_thread::sleep_for(milliseconds(50));
        }
        return false;
    }

    // The scenario without and with the mistake.
    void shows(const std::string& mutant, const std::function<std::string()>& scenario) {
        begin("");
        EXPECT_EQ(scenario(), "");
        if (HasFailure()) return;
        begin(mutant);
        EXPECT_THAT(scenario(), HasSubstr("doubled")) << "the mistake was not found";
    }

    KafkaProxy proxy_;
    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaJobRig> rig_;
    std::vector<std::string> given_;
};

TEST_F(KafkaMutants, WithoutTheWaitForTheEndABatchBehindAnOpenTransactionIsMissed) {
    shows("no_wait", [this]() -> std::string {
        auto job = start("kafka.afterCommit:kill:2");
        rig_->feed(50);
        if (!rig_->await()) return rig_->words();
        auto open = std::make_unique<OpenTransaction>(proxy_.address(),
                                                      given_[1].substr(given_[1].find('=') + 1));
        rig_->feed(50);
        if (job->wait(seconds(20)) != kKilled) return rig_->words();
        job = start();
        std::this_thread::sleep_for(seconds(3));
        open.reset();
        const bool all = rig_->await();
        return (rig_->stop(*job) == 0 && all ? "" : rig_->words()) + rig_->problems();
    });
}

TEST_F(KafkaMutants, ProgressOutsideOfTheTransactionComesTooLate) {
    shows("progress_outside", [this]() -> std::string {
        someBatches();
        dieAt("kafka.afterCommit:kill");
        return finish();
    });
}

TEST_F(KafkaMutants, AnEndThatComesLateEndsTheNextTransactionOfAProducerThatWasKept) {
    shows("keeps_producer", [this]() -> std::string {
        someBatches();
        auto job = start("kafka.afterSend:delay=700");
        proxy_.holdNext();
        rig_->feed(100);
        if (!rig_->await() || !proxy_.holds()) return "nothing was held";
        const auto before = rig_->fed();
        rig_->feed(100);
        // In the middle of the next transaction, which is never ended by its own.
        if (!awaitUncommitted(before + 100)) return "nothing was sent";
        proxy_.release();
        std::this_thread::sleep_for(milliseconds(200));
        job->kill();
        return finish();
    });
}

TEST_F(KafkaMutants, ACopyIsNotFencedByAnotherName) {
    shows("random_id", [this]() -> std::string {
        someBatches();
        std::filesystem::copy(rig_->directory() / "data", rig_->directory() / "copy",
                              std::filesystem::copy_options::recursive);
        rig_->feed(100);
        const auto before = readTopic(proxy_.address(), rig_->topic(), false).size();
        auto job = start("kafka.afterSend:delay=3000");
        if (!awaitUncommitted(before + 100)) return "nothing was sent";
        auto copy = start({}, "copy");
        if (!rig_->await()) return "the copy sent nothing\n" + rig_->words();
        (void)job->wait(seconds(10));
        job->kill();
        if (rig_->stop(*copy) != 0) return rig_->words();
        std::filesystem::remove_all(rig_->directory() / "data");
        std::filesystem::rename(rig_->directory() / "copy", rig_->directory() / "data");
        return rig_->problems();
    });
}

}  // namespace
}  // namespace tidemill::test
