// The job of the Kafka output's tests: kafka_job DATA INPUT SERVERS TOPIC [NAME=VALUE...]
// Takes "KEY ID" lines of the files in INPUT. TOPIC gets each line under its key, and TOPIC.totals,
// in the same transaction, the totals of the keys of the batch.
//   interval=MS  timeout=MS (of transactions)  progress=TOPIC  once=no  create=no  mutant=NAME
#include <cstdio>
#include <map>
#include <string>

#include "outputs/kafka/mutant.h"
#include "outputs/kafka/output.h"
#include "tidemill/tidemill.h"

using namespace tidemill;

namespace {

outputs::Mutant mutantOf(const std::string& name) {
    using outputs::Mutant;
    static const std::map<std::string, Mutant> kNames{
        {"", Mutant::kNone},
        {"no_wait", Mutant::kNoWait},
        {"progress_outside", Mutant::kProgressOutside},
        {"keeps_producer", Mutant::kKeepsProducer},
        {"random_id", Mutant::kRandomId}};
    return kNames.at(name);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) return 2;
    std::map<std::string, std::string> given;
    for (int i = 5; i < argc; ++i) {
        const std::string word = argv[i];
        given[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    }
    const auto number = [&](const char* name, int byDefault) {
        return given.contains(name) ? std::stoi(given.at(name)) : byDefault;
    };
    outputs::mutant() = mutantOf(given["mutant"]);

    StreamingOptions options;
    options.directory = argv[1];
    options.interval = Duration(number("interval", 100));
    options.checkpointInterval = Duration(number("checkpoint", 1000));
    options.workers = 2;
    options.errorPolicy = ErrorPolicy::kDeadLetter;
    StreamingContext context(options);

    KafkaOutputOptions kafka;
    kafka.brokers = argv[3];
    kafka.topic = argv[4];
    kafka.create = given["create"] != "no";
    kafka.partitions = 2;
    kafka.exactlyOnce = given["once"] != "no";
    kafka.transactionTimeout = std::chrono::milliseconds(number("timeout", 60'000));
    if (given.contains("progress")) kafka.progressTopic = given["progress"];
    if (given.contains("topic.max")) kafka.topicConfig["max.message.bytes"] = given["topic.max"];
    KafkaOutputOptions totals = kafka;
    totals.topic += ".totals";
    totals.topicConfig["cleanup.policy"] = "compact";

    using Line = std::pair<std::string_view, std::string_view>;
    const auto lines =
        context.textFileStream(argv[2], {.existing = ExistingFiles::kTake})
            .map([](std::string_view line) { return Line(line.substr(0, line.find(' ')), line); });
    lines.toKafka(kafka);
    lines.map([](Line line) { return std::pair(line.first, std::int64_t{1}); })
        .reduceByKey(std::plus<>())
        .runningTotals("totals")
        .toKafka(totals);
    return context.runUntilStopped();
}
