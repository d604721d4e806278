// Records of Kafka topics: every partition is a lane (core/lanes.h), whose position is an offset
// and an anchor. The source alone decides where to go on; what the cluster remembers of its group
// is for lag tools.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/error.h"
#include "core/source.h"
#include "rdkafka/handle.h"
#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/group_commits.h"
#include "sources/kafka/kafka_options.h"
#include "sources/kafka/partition_reader.h"
#include "sources/kafka/scout.h"

namespace tidemill::sources::kafka {

struct KafkaEnvironment {
    core::SourceId id;
    core::BlockLog& log;
    std::shared_ptr<core::BufferPool> buffers;
    core::SourceObserver* observer = nullptr;  // may be null
    BlockLimits limits{};
};

// Two threads: the reader takes messages into open blocks, one for each partition; a Scout looks
// for partitions and for the cluster. log and observer must outlive the source.
// Thread safety: see core::Source.
class KafkaSource final : public core::Source {
public:
    // Requires checkOptions(options).
    KafkaSource(KafkaEnvironment environment, KafkaOptions options);
    ~KafkaSource() override;

    // Brokers that are away are no error: they are waited for. Errors: kInvalid, properties that
    // librdkafka refuses.
    core::Result<> start() override;
    void atBatchTime(BatchTime time) override;
    void batchCompleted(std::span<const core::BlockPtr> blocks) override;
    void pause() override { paused_ = true; }
    void resume() override { paused_ = false; }
    bool canBeLimited() const override { return true; }
    void allow(const core::Allowance& allowance) override;
    void stop(bool graceful) override;
    core::SourceStatistics statistics() const override;
    core::SourceStatistics counters() const override;

private:
    using Stage = PartitionReader::Stage;
    using Doubt = PartitionReader::Doubt;

    // All of the reader's thread; in kafka_reader.cc.
    void read();
    void serve();
    void takeFindings();
    core::Result<> enter(const Scout::Found& found);
    void begin();
    void fetch();
    void fetchMessages();
    enum class Pending { kTaken, kNoMemory, kNotAllowed };
    Pending takePending();
    bool mayTake() const { return allowance_.records != 0 && allowance_.bytes != 0; }
    bool take(rd_kafka_message_t& message);
    bool takeRecord(PartitionReader& partition, const KafkaRecord& record);
    PartitionReader* partitionOf(const rd_kafka_message_t& message);
    void checkAnchorOf(PartitionReader& partition, const KafkaRecord& found);
    void messageFailed(const rd_kafka_message_t& message);
    void checkFailedFetches();

    // Also of the reader's; in kafka_partitions.cc.
    void ask(PartitionReader& partition);
    void askAt(PartitionReader& partition, std::int64_t offset, Stage becomes);
    void leave(PartitionReader& partition, Stage becomes);
    void doubt(PartitionReader& partition, Doubt why);
    void checkAll();
    void lookInto(PartitionReader& partition);
    Position positionOf(const PartitionReader& partition) const;
    void lost(PartitionReader& partition, const std::string& what, const Watermarks& has);

    bool flush(PartitionReader& partition);  // under mutex_
    void flushAll();
    void report(const std::string& message);
    void fail(core::Error error);
    void clientError(rd_kafka_resp_err_t error, const std::string& reason);

    const KafkaEnvironment environment_;
    const KafkaOptions options_;
    GroupCommits commits_;
    std::unique_ptr<Handle> client_;
    Queue queue_;
    std::unique_ptr<Scout> scout_;
    std::thread reader_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> paused_ = false;
    std::atomic<bool> failed_ = false;
    bool stopped_ = false;

    mutable std::mutex mutex_;  // of what blocks hold, and of the three below
    std::map<PartitionName, PartitionReader> partitions_;
    core::SourceStatistics statistics_;
    core::Allowance allowance_;

    // Noted by librdkafka's threads, before they fetch from these partitions again.
    std::atomic<bool> fetchesFailed_ = false;
    std::mutex failedMutex_;
    std::set<PartitionName> failedFetches_;

    // The reader's.
    std::vector<Message> pending_;
    std::size_t pendingAt_ = 0;
    const rd_kafka_topic_t* lastTopic_ = nullptr;  // of pending_
    PartitionReader* lastPartition_ = nullptr;
    std::string headers_;  // of the message at hand
    std::chrono::steady_clock::time_point lastFetch_;
    bool queueWasFull_ = false;  // librdkafka had stopped to fetch
};

}  // namespace tidemill::sources::kafka
