// Records of a Kinesis stream: every shard is a lane (core/lanes.h), whose position is the number
// of a record, a place in it, and an anchor. Nothing is kept at AWS: no table of leases, no
// checkpoints.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aws/credentials.h"
#include "aws/http.h"
#include "aws/kinesis.h"
#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/error.h"
#include "core/source.h"
#include "sources/kinesis/kinesis_options.h"
#include "sources/kinesis/shard_reader.h"

namespace tidemill::sources::kinesis {

struct KinesisEnvironment {
    core::SourceId id;
    core::BlockLog& log;
    std::shared_ptr<core::BufferPool> buffers;
    core::SourceObserver* observer = nullptr;  // may be null
    BlockLimits limits{};
    aws::Environment variables = aws::processEnvironment();
};

// One thread, with several requests under way at a time. log and observer must outlive the source.
// Thread safety: see core::Source.
class KinesisSource final : public core::Source {
public:
    // Requires checkOptions(options).
    KinesisSource(KinesisEnvironment environment, KinesisOptions options);
    ~KinesisSource() override;

    // Errors: kCorrupt.
    core::Result<> open(const core::SourceOpening& opening) override;
    // A service that is away is no error: it is waited for. Errors: kInvalid, no region is known.
    core::Result<> start() override;
    void atBatchTime(BatchTime time) override;
    void pause() override { paused_ = true; }
    void resume() override { paused_ = false; }
    bool canBeLimited() const override { return true; }
    void allow(const core::Allowance& allowance) override;
    void stop(bool graceful) override;
    core::SourceStatistics statistics() const override;
    core::SourceStatistics counters() const override;

private:
    using Stage = ShardReader::Stage;
    using OnAnswer = std::function<void(aws::CallAnswer)>;

    // All of the thread's; in kinesis_reader.cc.
    void read();
    enum class Progress { kIdle, kTook, kNoMemory, kNotAllowed };
    Progress takePending();
    enum class Taken { kAll, kNoMemory, kNotAllowed };
    Taken takeFrom(ShardReader& shard);
    // False: the page is not to be taken.
    bool checkFirst(ShardReader& shard, PendingPage& pending);
    bool isStillTheStream(ShardReader& shard);
    void unpack(PendingPage& pending) const;
    enum class PartTaken { kYes, kNoMemory, kFailed };
    PartTaken takePart(ShardReader& shard, const ServiceRecord& record, const PendingPage& pending);
    void pageTaken(ShardReader& shard);
    bool mayTake() const { return allowance_.records != 0 && allowance_.bytes != 0; }

    // Also of the thread's: what is asked; in kinesis_requests.cc.
    void sendDue();
    void sendFor(ShardReader& shard);
    void gotIterator(ShardReader& shard, aws::CallAnswer answer);
    void gotRecords(ShardReader& shard, aws::CallAnswer answer);
    void positionRefused(ShardReader& shard, const std::string& message);
    // False: the call was not sent, and what it is for is in trouble.
    bool call(const std::string& about, const char* action, std::string body,
              std::size_t answerBytesMax, OnAnswer then);
    // What most answers that are none lead to. `about`: a shard's name; empty: the stream.
    void callFailed(const std::string& about, const aws::CallAnswer& answer);
    void refused(const std::string& about, const aws::CallAnswer& answer);
    void troubled(const std::string& about, const std::string& message);
    void works(const std::string& about);
    void sayTroubles();
    ShardReader* find(const std::string& shard, std::uint64_t serial);

    // Also of the thread's: which shards there are; in kinesis_shards.cc.
    void discover();
    void askShards(const std::string& token);
    void listed();
    core::Result<> enter(const ShardInfo& shard, bool isFirst);
    void enterKnown();
    void lookForMissing();
    void letChildrenBegin();
    bool keepStreamPosition(bool isFirst);
    void madeAnew();
    void lost(ShardReader& shard, const std::string& what, const Position& goesOnAt);
    bool forget(ShardReader& shard);
    Position beginning(bool isFirst) const;

    bool flush(ShardReader& shard);  // under mutex_
    void flushAll();
    void report(const std::string& message);
    void fail(core::Error error);

    const KinesisEnvironment environment_;
    const KinesisOptions options_;
    aws::Endpoint endpoint_;
    aws::CredentialsKeeper credentials_;
    aws::Http http_;
    std::thread reader_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> paused_ = false;
    std::atomic<bool> failed_ = false;
    bool started_ = false, stopped_ = false;

    mutable std::mutex mutex_;  // of what blocks hold, and of the three below
    std::map<std::string, ShardReader> shards_;
    core::SourceStatistics statistics_;
    core::Allowance allowance_;

    // The thread's.
    std::map<std::string, std::string> known_;  // positions of lanes at the start, by shard
    std::uint64_t serials_ = 0;
    std::uint64_t credentialsVersion_ = 0;
    bool hasAnswered_ = false;  // the service has taken a request
    bool discovering_ = false;
    SteadyTime discoverAt_{};
    core::Backoff discoverBackoff_;
    StreamSummary summary_;
    std::int64_t firstStartMillis_ = 0;
    std::vector<ShardInfo> listing_;
    bool listedBefore_ = false;
    std::uint64_t listings_ = 0;
    std::string lastServed_;  // so that each shard has its turn
    std::map<std::string, std::string> troubles_;
    bool saidTrouble_ = false;
};

}  // namespace tidemill::sources::kinesis
