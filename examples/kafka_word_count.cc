// Counts words from one Kafka topic to another: every line is counted once, and each batch's counts
// are in the topic once, for readers with isolation.level=read_committed, whatever is killed.
//
//   kafka_word_count [BROKERS]      reads the topic "lines", writes the topic "counts"
#include <tidemill/tidemill.h>

using namespace tidemill;

int main(int argc, char** argv) {
    const std::string brokers = argc > 1 ? argv[1] : "localhost:9092";
    StreamingContext ssc("./kafka_wordcount.data", 200ms);
    auto lines = ssc.kafkaTextStream({.brokers = brokers, .topics = {"lines"}});
    auto counts = lines.flatMap(splitWords)
                      .map([](std::string_view word) { return std::pair(word, 1L); })
                      .reduceByKey(std::plus<>());
    counts.runningTotals("totals");
    counts.toKafka({.brokers = brokers, .topic = "counts", .create = true});
    return ssc.runUntilStopped();
}
