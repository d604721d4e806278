// kafka.roundtrip: topic -> log with fsync -> topic in transactions, records at an even rate: how
// long after it was sent a read_committed reader has a record, and how long the output takes a
// batch.
//
// kafka_roundtrip BROKER [--interval=MS] [--rate=N] [--seconds=N] [--once=no] [--json]
// BROKER: tests/kafka/broker. --once=no: the output without transactions.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
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

constexpr int kPort = 19'492;
constexpr int kWarmSeconds = 6;

std::int64_t micros() {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch())
        .count();
}

std::unique_ptr<Handle> clientOf(rd_kafka_type_t type, const Properties& properties) {
    auto made = Handle::make(type, properties, {});
    if (!made) die(made.error().message);
    return std::move(*made);
}

double percentile(std::vector<double> values, double part) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

// Records whose value is when they were sent, one every 1/rate s.
void produce(const std::string& brokers, int rate, int seconds) {
    const auto producer =
        clientOf(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}, {"linger.ms", "0"}});
    const TopicHandle topic(rd_kafka_topic_new(producer->get(), "in", nullptr));
    const auto begin = Clock::now();
    for (std::int64_t i = 0; i < std::int64_t{rate} * seconds; ++i) {
        std::this_thread::sleep_until(begin + std::chrono::microseconds(1'000'000 * i / rate));
        const auto value = std::to_string(micros());
        while (rd_kafka_produce(topic.get(), 0, RD_KAFKA_MSG_F_COPY,
                                const_cast<char*>(value.data()), value.size(), nullptr, 0,
                                nullptr) != 0)
            producer->poll(1);
        producer->poll(0);
    }
    rd_kafka_flush(producer->get(), 30'000);
}

// How old records are, in ms, when they can be read.
std::vector<double> agesOf(const std::string& brokers, std::size_t records, std::size_t leaves) {
    const auto reader = clientOf(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                     {"isolation.level", "read_committed"},
                                                     {"fetch.wait.max.ms", "5"},
                                                     {"auto.offset.reset", "earliest"}});
    const TopicHandle topic(rd_kafka_topic_new(reader->get(), "out", nullptr));
    rd_kafka_consume_start(topic.get(), 0, RD_KAFKA_OFFSET_BEGINNING);
    std::vector<double> ages;
    std::size_t seen = 0;
    const auto until = Clock::now() + std::chrono::seconds(120);
    while (seen < records && Clock::now() < until) {
        const Message message(rd_kafka_consume(topic.get(), 0, 100));
        reader->poll(0);
        if (!message || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        const std::string value(static_cast<const char*>(message->payload), message->len);
        if (++seen > leaves)
            ages.push_back(static_cast<double>(micros() - std::stoll(value)) / 1000.0);
    }
    rd_kafka_consume_stop(topic.get(), 0);
    if (seen < records) die("only " + std::to_string(seen) + " records came");
    return ages;
}

class OutputTimes final : public StreamingListener {
public:
    void onOutputOperationCompleted(const OutputInfo& output) override {
        if (output.duration) millis.push_back(static_cast<double>(output.duration->count()) / 1e6);
    }
    std::vector<double> millis;
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 1);
    if (arguments.plain.size() != 1) die("usage: kafka_roundtrip tests/kafka/broker [--options]");
    core::setLogLevel(core::LogLevel::kWarning);
    const int interval = arguments.number("--interval", 100);
    const int rate = arguments.number("--rate", 1000);
    const int seconds = arguments.number("--seconds", 20);
    const fs::path directory =
        fs::temp_directory_path() / ("roundtrip-" + std::to_string(::getpid()));
    fs::create_directories(directory);
    const auto broker = [&](const std::string& command) {
        return std::system((arguments.plain[0] + " " + command).c_str());
    };
    const auto data = (directory / "broker").string();
    if (broker("start " + std::to_string(kPort) + " " + data +
               " auto.create.topics.enable=true num.partitions=1") != 0)
        die("no broker");
    const std::string brokers = "127.0.0.1:" + std::to_string(kPort);
    produce(brokers, 1, 1);  // makes the topic

    StreamingContext context(directory / "data", Duration(interval));
    KafkaOutputOptions output{.brokers = brokers, .topic = "out"};
    output.create = true;
    output.exactlyOnce = arguments.text("--once") != "no";
    context.kafkaTextStream({.brokers = brokers, .topics = {"in"}}).toKafka(output);
    const auto times = std::make_shared<OutputTimes>();
    context.addListener(times);
    context.start();
    const auto records = static_cast<std::size_t>(rate) * static_cast<std::size_t>(seconds) + 1;
    std::thread producing([&] { produce(brokers, rate, seconds); });
    const auto ages = agesOf(brokers, records, static_cast<std::size_t>(rate * kWarmSeconds));
    producing.join();
    context.stop();
    (void)broker("kill " + data);
    fs::remove_all(directory);

    Figure figure{"kafka.roundtrip", percentile(ages, 0.99), "ms p99"};
    figure.more = {{"p50_ms", percentile(ages, 0.5)},
                   {"interval_ms", interval},
                   {"records_per_s", rate},
                   {"output_p50_ms", percentile(times->millis, 0.5)},
                   {"output_p99_ms", percentile(times->millis, 0.99)}};
    figure.print(arguments.json);
    return 0;
}
