// The real program and the real broker, killed at random moments under traffic; then what the topic
// holds, as another client reads it, is what was counted: each record once, in the state and in the
// files of batches. The second time a proxy stands between them, which drops, cuts and holds answers
// to fetches.
//
//   TIDEMILL_KILLS=1000 kafka_kill_test     a longer run (default 12); says how far it is
//   TIDEMILL_SEED=17 kafka_kill_test        begins with that seed (default 1); a failure
//                                           prints its own
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/outputs/kafka_proxy.h"
#include "tests/support/environment_number.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace kafka = rdkafka;
using std::chrono::milliseconds;

constexpr int kPartitions = 3;
constexpr auto kGroup = "killed";

// Writes words of its own to random partitions, at most so many waiting, until it is stopped.
class PlainFeed {
public:
    PlainFeed(const std::string& brokers, unsigned seed)
        : client_(brokers), random_(seed), thread_([this] { run(); }) {}
    // Returns when all that was written is on the broker.
    std::size_t stop() {
        stopping_ = true;
        thread_.join();
        EXPECT_TRUE(client_.flush()) << "the feed could not write";
        return words_;
    }

private:
    void run() {
        while (!stopping_) {
            for (int i = 0; i < 20; ++i)
                client_.produce("t", static_cast<int>(random_() % kPartitions),
                                "plain" + std::to_string(++words_));
            client_.flush(20);
        }
    }

    KafkaClient client_;
    std::mt19937 random_;
    std::atomic<bool> stopping_ = false;
    std::size_t words_ = 0;
    std::thread thread_;
};

// Writes transactions, of which every third is aborted; none of its records is promised.
class TransactionFeed {
public:
    TransactionFeed(std::string brokers, unsigned seed)
        : brokers_(std::move(brokers)), random_(seed), thread_([this] { run(); }) {}
    void stop() {
        stopping_ = true;
        thread_.join();
    }

private:
    void run() {
        while (!stopping_) {
            auto made = kafka::Handle::make(RD_KAFKA_PRODUCER,
                                            {{"bootstrap.servers", brokers_},
                                             {"transactional.id", "feed"},
                                             {"reconnect.backoff.max.ms", "500"}},
                                            {});
            ASSERT_TRUE(made);
            rd_kafka_t* client = (*made)->get();
            if (failed(rd_kafka_init_transactions(client, 5'000))) continue;
            while (!stopping_ && oneTransaction(client)) {
            }
        }
    }
    bool oneTransaction(rd_kafka_t* client) {
        if (failed(rd_kafka_begin_transaction(client))) return false;
        for (int i = 0; i < 10; ++i) {
            const auto word = "transaction" + std::to_string(++words_);
            if (rd_kafka_producev(client, RD_KAFKA_V_TOPIC("t"),
                                  RD_KAFKA_V_PARTITION(static_cast<int>(random_() % kPartitions)),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                  RD_KAFKA_V_VALUE(const_cast<char*>(word.data()), word.size()),
                                  RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
                return false;
        }
        rd_kafka_flush(client, 5'000);
        return !failed(words_ % 30 == 0 ? rd_kafka_abort_transaction(client, 5'000)
                                        : rd_kafka_commit_transaction(client, 5'000));
    }
    static bool failed(rd_kafka_error_t* error) { return kafka::ErrorObject(error) != nullptr; }

    const std::string brokers_;
    std::mt19937 random_;
    std::atomic<bool> stopping_ = false;
    std::size_t words_ = 0;
    std::thread thread_;
};

class KafkaKills : public testing::Test {
protected:
    void writeJob(const std::string& brokers) {
        // What is dropped is asked for again soon.
        rig_.writeJob("type = \"kafka\"\nbrokers = \"" + brokers +
                          "\"\ntopics = \"t\"\ngroup = \"" + kGroup +
                          "\"\ndiscover_every = \"500ms\"\n"
                          "kafka = {\"socket.timeout.ms\" = \"2000\"}",
                      "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                          (rig_.path() / "batches").string() + "\"\n");
    }

    // `atTheEnd` is called before what is left is read without faults.
    void killAtRandom(const std::string& brokers, const std::function<void()>& atTheEnd = {});

    // What the topic holds.
    std::map<std::string, std::int64_t> held() {
        std::map<std::string, std::int64_t> words;
        for (const auto& record : client_->readAll("t")) ++words[record.value.value_or("(none)")];
        return words;
    }

    // What the files of batches hold together.
    std::map<std::string, std::int64_t> shown() const {
        std::map<std::string, std::int64_t> words;
        for (const auto& entry : std::filesystem::directory_iterator(rig_.path() / "batches")) {
            if (entry.path().extension() != ".jsonl") continue;
            std::ifstream file(entry.path());
            for (std::string line; std::getline(file, line);) {
                const auto row = nlohmann::json::parse(line);
                words[row.at("key").get<std::string>()] += row.at("value").get<std::int64_t>();
            }
        }
        return words;
    }

    static void expectSame(const std::map<std::string, std::int64_t>& expected,
                           const std::map<std::string, std::int64_t>& found, const char* where) {
        int differences = 0;
        for (const auto& [word, count] : expected) {
            const auto at = found.find(word);
            const auto have = at == found.end() ? 0 : at->second;
            if (have != count && ++differences <= 10)
                ADD_FAILURE() << where << ": " << word << " is there " << have << " times, not "
                              << count;
        }
        for (const auto& [word, count] : found)
            if (!expected.contains(word) && ++differences <= 10)
                ADD_FAILURE() << where << ": " << word << " was never written";
        EXPECT_EQ(differences, 0) << where;
    }

    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaClient> client_;
    ProgramRig rig_;
};

TEST_F(KafkaKills, EveryRecordIsCountedOnce) {
    TM_START_KAFKA(broker_, "transaction.max.timeout.ms=900000");
    killAtRandom(broker_->address());
}

TEST_F(KafkaKills, EveryRecordIsCountedOnceThoughFetchesFail) {
    KafkaProxy proxy;
    TM_START_KAFKA(broker_, "transaction.max.timeout.ms=900000",
                   "advertised.listeners=CLIENT://127.0.0.1:" + std::to_string(proxy.port()));
    proxy.leadTo(broker_->port());
    std::mt19937 random(static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1)));
    proxy.treatFetches([&random] {
        using Fate = KafkaProxy::Fate;
        switch (random() % 16) {
            case 0: return Fate::kDrop;
            case 1:
            case 2: return Fate::kCut;
            case 3: return Fate::kHold;
            case 4: return Fate::kClose;
            default: return Fate::kPass;
        }
    });
    killAtRandom(proxy.address(), [&proxy] { proxy.treatFetches({}); });
    std::cout << proxy.faults() << " answers to fetches did not come as they should\n";
    EXPECT_GE(proxy.faults(), 1u);
}

void KafkaKills::killAtRandom(const std::string& brokers, const std::function<void()>& atTheEnd) {
    client_ = std::make_unique<KafkaClient>(broker_->address());
    client_->createTopic("t", kPartitions);
    writeJob(brokers);
    const auto kills = environmentNumber("TIDEMILL_KILLS", 12);
    const auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    PlainFeed plain(broker_->address(), seed);
    TransactionFeed transactions(broker_->address(), seed);
    long brokerKills = 0;
    for (long kill = 0; kill < kills && !HasFailure(); ++kill) {
        auto daemon = rig_.start({}, {"--workers", "2"});
        std::this_thread::sleep_for(milliseconds(200 + random() % 1'500));
        if (random() % 3 == 0) {
            broker_->kill();
            ++brokerKills;
            std::this_thread::sleep_for(milliseconds(random() % 1'000));
            broker_->restartInBackground();
            // Of half of these the program sees the broker come back.
            if (random() % 2 == 0) broker_->awaitAnswer();
        }
        EXPECT_EQ(daemon->poll(), std::nullopt) << "it ended by itself: " << rig_.daemonErrors();
        daemon->kill();
        if ((kill + 1) % 50 == 0)
            std::cout << kill + 1 << " of " << kills << " kills, " << brokerKills
                      << " of the broker" << std::endl;
    }
    if (atTheEnd) atTheEnd();
    ASSERT_TRUE(broker_->awaitAnswer()) << broker_->log();
    const auto written = plain.stop();
    transactions.stop();
    // Behind the marks that end transactions: then offsets say when all is counted.
    std::this_thread::sleep_for(milliseconds(1'000));
    for (int i = 0; i < kPartitions; ++i) client_->produce("t", i, "last" + std::to_string(i));
    ASSERT_TRUE(client_->flush());

    auto daemon = rig_.start();
    for (int i = 0; i < kPartitions; ++i) {
        const auto end = client_->endOffset("t", i);
        for (int tries = 0; client_->committed(kGroup, "t", i) < end; ++tries) {
            ASSERT_LT(tries, 600) << "partition " << i << " is at "
                                  << client_->committed(kGroup, "t", i) << " of " << end << ": "
                                  << rig_.daemonErrors();
            std::this_thread::sleep_for(milliseconds(100));
        }
    }
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(std::chrono::seconds(60)), 0) << rig_.daemonErrors();

    const auto expected = held();
    std::size_t plainHeld = 0;
    for (const auto& [word, count] : expected) {
        EXPECT_EQ(count, 1) << word;
        plainHeld += word.starts_with("plain") ? 1 : 0;
    }
    EXPECT_EQ(plainHeld, written);
    expectSame(expected, rig_.totals(), "the state");
    expectSame(expected, shown(), "the files of batches");
    std::cout << kills << " kills of the program, " << brokerKills << " of the broker, "
              << expected.size() << " records\n";
}

}  // namespace
}  // namespace tidemill::test
