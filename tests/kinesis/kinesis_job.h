// A job on a Kinesis stream inside a test's process.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "tests/support/source_job.h"

namespace tidemill::test {

class KinesisJob : public SourceJob<KinesisRecord> {
public:
    explicit KinesisJob(const std::string& url)
        : SourceJob([](const KinesisRecord& record) { return std::string(record.data); }) {
        kinesis.stream = "t";
        kinesis.endpoint = url;
        kinesis.region = "us-east-1";
        kinesis.pollEvery = std::chrono::milliseconds(100);
        kinesis.discoverEvery = std::chrono::milliseconds(300);
        ::setenv("AWS_ACCESS_KEY_ID", "test", 1);
        ::setenv("AWS_SECRET_ACCESS_KEY", "test-key", 1);
    }

    KinesisOptions kinesis;

private:
    DStream<KinesisRecord> open(StreamingContext& context) override {
        return context.kinesisStream(kinesis);
    }
    void keepTotals(DStream<KinesisRecord>& records) override {
        records.map([](const KinesisRecord&) { return std::pair(std::string_view("all"), 1L); })
            .reduceByKey(std::plus<>())
            .runningTotals("all");
    }
};

}  // namespace tidemill::test
