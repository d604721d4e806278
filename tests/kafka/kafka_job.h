// A job on Kafka topics inside a test's process.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "tests/support/source_job.h"

namespace tidemill::test {

class KafkaJob : public SourceJob<KafkaRecord> {
public:
    explicit KafkaJob(KafkaOptions kafka)
        : SourceJob([](const KafkaRecord& record) {
              return std::string(record.value.value_or("(none)"));
          }),
          kafkaOptions(std::move(kafka)) {
        // Discovery in seconds is for clusters.
        kafkaOptions.discoverEvery = std::chrono::milliseconds(300);
    }

    KafkaOptions kafkaOptions;

private:
    DStream<KafkaRecord> open(StreamingContext& context) override {
        return context.kafkaStream(kafkaOptions);
    }
    void keepTotals(DStream<KafkaRecord>& records) override {
        records.map([](const KafkaRecord& record) { return std::pair(record.partition, 1L); })
            .reduceByKey(std::plus<>())
            .runningTotals("by_partition");
    }
};

}  // namespace tidemill::test
