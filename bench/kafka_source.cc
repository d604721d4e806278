// kafka.source: a topic of Kafka -> log with fsync -> running totals, until a stop has processed
// all, next to librdkafka's batch consumer with a hand-written count of the same words, by turns.
//
// kafka_source BROKER [--records=N] [--partitions=N] [--runs=N] [--json]
// BROKER: tests/kafka/broker, or host:port of one that runs.
#include <xxhash.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "core/logging.h"
#include "rdkafka/handle.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using namespace tidemill::rdkafka;
using Clock = std::chrono::steady_clock;

constexpr int kWords = 100'000;
constexpr std::size_t kValueBytes = 66;
constexpr int kPort = 19'392;

double secondsSince(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::unique_ptr<Handle> clientOf(rd_kafka_type_t type, const Properties& properties) {
    auto made = Handle::make(type, properties, {});
    if (!made) die(made.error().message);
    return std::move(*made);
}

class Bench {
public:
    Bench(std::string brokers, int records, int partitions)
        : brokers_(std::move(brokers)),
          topic_("bench-" + std::to_string(::getpid())),
          records_(records),
          partitions_(partitions) {}

    void fill() {
        const auto producer = clientOf(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers_},
                                                           {"linger.ms", "50"},
                                                           {"batch.num.messages", "100000"},
                                                           {"batch.size", "1000000"}});
        makeTopic(*producer);
        const TopicHandle topic(rd_kafka_topic_new(producer->get(), topic_.c_str(), nullptr));
        unsigned state = 1;
        std::string value(kValueBytes, '.');
        for (int i = 0; i < records_; ++i) {
            state = state * 1'664'525 + 1'013'904'223;
            const auto word = std::to_string(state % kWords);
            value.replace(0, 8, (word + "........").substr(0, 8));
            while (rd_kafka_produce(topic.get(), i / 1'000 % partitions_, RD_KAFKA_MSG_F_COPY,
                                    value.data(), value.size(), nullptr, 0, nullptr) != 0)
                producer->poll(1);
        }
        if (rd_kafka_flush(producer->get(), 120'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("the topic could not be filled");
    }

    double hand() {
        struct Hash {
            using is_transparent = void;
            std::size_t operator()(std::string_view text) const {
                return XXH3_64bits(text.data(), text.size());
            }
        };
        const auto begin = Clock::now();
        const auto reader = clientOf(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers_},
                                                         {"group.id", "hand"},
                                                         {"enable.auto.commit", "false"},
                                                         {"enable.auto.offset.store", "false"},
                                                         // Never full: see Scout::isBusy().
                                                         {"queued.min.messages", "10000000"},
                                                         {"queued.max.messages.kbytes", "2000000"},
                                                         {"fetch.message.max.bytes", "4194304"},
                                                         {"isolation.level", "read_committed"},
                                                         {"check.crcs", "true"}});
        const auto list = makeTopicPartitions(partitions_);
        for (int i = 0; i < partitions_; ++i)
            rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), i)->offset = 0;
        rd_kafka_assign(reader->get(), list.get());
        const Queue queue(rd_kafka_queue_get_consumer(reader->get()));
        std::unordered_map<std::string, long, Hash, std::equal_to<>> counts;
        std::array<rd_kafka_message_t*, 10'000> messages;
        for (int seen = 0; seen < records_;) {
            const auto count =
                rd_kafka_consume_batch_queue(queue.get(), 100, messages.data(), messages.size());
            for (ssize_t i = 0; i < count; ++i) {
                const auto* message = messages[static_cast<std::size_t>(i)];
                if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                    const std::string_view value(static_cast<const char*>(message->payload),
                                                 message->len);
                    if (const auto at = counts.find(value); at != counts.end()) ++at->second;
                    else counts.emplace(value, 1);
                    ++seen;
                }
                rd_kafka_message_destroy(messages[static_cast<std::size_t>(i)]);
            }
        }
        return secondsSince(begin);
    }

    double engine(const fs::path& work) {
        fs::remove_all(work);
        const auto begin = Clock::now();
        {
            StreamingOptions options;
            options.directory = work;
            options.interval = std::chrono::milliseconds(250);
            StreamingContext context(options);
            KafkaOptions kafka;
            kafka.brokers = brokers_;
            kafka.topics = {topic_};
            context.kafkaTextStream(kafka)
                .map([](std::string_view value) { return std::pair(value, 1L); })
                .reduceByKey(std::plus<>())
                .runningTotals("totals");
            context.start();
            while (context.status().sources.at(0).statistics.records <
                   static_cast<std::uint64_t>(records_))
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            context.stop(true);
        }
        const double seconds = secondsSince(begin);
        fs::remove_all(work);
        return seconds;
    }

private:
    void makeTopic(Handle& client) const {
        using NewTopic = Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
        std::array<char, 256> why{};
        const NewTopic topic(
            rd_kafka_NewTopic_new(topic_.c_str(), partitions_, 1, why.data(), why.size()));
        const Queue queue(rd_kafka_queue_new(client.get()));
        rd_kafka_NewTopic_t* list[] = {topic.get()};
        rd_kafka_CreateTopics(client.get(), list, 1, nullptr, queue.get());
        const Event event(rd_kafka_queue_poll(queue.get(), 60'000));
        if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("the topic could not be made: is there a broker at " + brokers_ + "?");
    }

    const std::string brokers_, topic_;
    const int records_, partitions_;
};

void runScript(const std::vector<std::string>& arguments) {
    awaitChild(startProgram(arguments, "/dev/null"), "the broker's script");
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    if (arguments.plain.size() != 1)
        die("usage: kafka_source BROKER [--records=N] [--partitions=N] [--runs=N] [--json]");
    core::setLogLevel(core::LogLevel::kWarning);
    const fs::path work =
        fs::temp_directory_path() / ("kafka-source-" + std::to_string(::getpid()));
    std::string brokers = arguments.plain[0];
    const std::string script = fs::exists(brokers) ? brokers : "";
    if (!script.empty()) {
        brokers = "127.0.0.1:" + std::to_string(kPort);
        runScript({script, "start", std::to_string(kPort), (work / "broker").string()});
    }
    const int records = arguments.number("--records", 3'000'000);
    Bench bench(brokers, records, arguments.number("--partitions", 4));
    bench.fill();
    std::vector<double> hand, engine, ratios;
    for (int run = 0; run <= arguments.runs; ++run) {
        const double handSeconds = bench.hand();
        const double engineSeconds = bench.engine(work / "data");
        if (run == 0) continue;  // the broker warms up
        hand.push_back(records / handSeconds / 1e6);
        engine.push_back(records / engineSeconds / 1e6);
        ratios.push_back(handSeconds / engineSeconds);
    }
    Figure{"kafka.source", median(engine), "M records/s", median(ratios), median(hand), {}, ratios}
        .print(arguments.json);
    if (!script.empty()) runScript({script, "kill", (work / "broker").string()});
    fs::remove_all(work);
}
