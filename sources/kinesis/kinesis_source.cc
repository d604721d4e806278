#include "sources/kinesis/kinesis_source.h"

#include <utility>

#include "sources/kinesis/record_block.h"

namespace tidemill::sources::kinesis {

using core::ErrorKind;
using core::Result;
using Trouble = core::SourceObserver::Trouble;

namespace {

// What a lane's position is for people.
std::string textOf(const Position& position) {
    switch (position.kind) {
        case Position::Kind::kBeginning: return "beginning";
        case Position::Kind::kTime: return "time " + std::to_string(position.timeMillis) + " ms";
        case Position::Kind::kRecord: return position.sequence;
        case Position::Kind::kFinished: return "finished";
    }
    return "";
}

}  // namespace

KinesisSource::KinesisSource(KinesisEnvironment environment, KinesisOptions options)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      credentials_(environment_.variables, options_.profile),
      discoverBackoff_(std::chrono::milliseconds(500), environment_.id.value) {}

KinesisSource::~KinesisSource() { stop(false); }

Result<> KinesisSource::open(const core::SourceOpening& opening) {
    for (const auto& [lane, position] : opening.positions) {
        const auto parts = partsOfLane(lane);
        if (!parts || position.empty() ||
            lane != laneName(options_.application, options_.stream, parts->shard))
            continue;
        if (parts->shard.empty()) {
            TM_TRY(decodeStreamPosition(position));
            continue;
        }
        if (const auto decoded = decodePosition(position); !decoded)
            return core::fail(ErrorKind::kCorrupt, "shard " + std::string(parts->shard) +
                                                       " of stream \"" + options_.stream +
                                                       "\": " + decoded.error().message);
        known_[std::string(parts->shard)] = position;
    }
    return {};
}

Result<> KinesisSource::start() {
    auto region = aws::findRegion(environment_.variables, options_.region, options_.profile);
    // A service that is not AWS' own has what regions it likes.
    if (!region && !options_.endpoint.empty()) region = "us-east-1";
    if (!region) return core::fail(ErrorKind::kInvalid, "kinesis: " + region.error().message);
    TM_ASSIGN(endpoint_, aws::endpointOf(options_.endpoint, *region));
    if (environment_.observer != nullptr)
        environment_.observer->sourceStarted(environment_.id, endpoint_.host);
    started_ = true;
    reader_ = std::thread([this] { read(); });
    return {};
}

void KinesisSource::stop(bool graceful) {
    if (std::exchange(stopped_, true)) return;
    stopping_ = true;
    http_.wake();
    if (reader_.joinable()) reader_.join();
    if (graceful && !failed_) flushAll();
    if (started_ && environment_.observer != nullptr)
        environment_.observer->sourceStopped(environment_.id, "stopped");
}

void KinesisSource::allow(const core::Allowance& allowance) {
    const std::lock_guard lock(mutex_);
    allowance_ = allowance;
}

void KinesisSource::atBatchTime(BatchTime) {
    if (!stopping_ && !failed_) flushAll();
}

core::SourceStatistics KinesisSource::counters() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
}

core::SourceStatistics KinesisSource::statistics() const {
    const std::lock_guard lock(mutex_);
    auto all = statistics_;
    for (const auto& [name, shard] : shards_) {
        const auto& position = shard.block.position();
        if (position.kind == Position::Kind::kFinished) continue;
        core::LaneStatistics lane;
        lane.lane = shard.block.lane();
        lane.position = textOf(position);
        if (shard.behindMillis) lane.lagMillis = static_cast<std::uint64_t>(*shard.behindMillis);
        all.lanes.push_back(std::move(lane));
    }
    return all;
}

bool KinesisSource::flush(ShardReader& shard) {
    if (!shard.block.isOpen()) return true;
    switch (shard.block.flush(environment_.log)) {
        case core::BlockLog::Outcome::kQueued: return true;
        case core::BlockLog::Outcome::kStale:
            fail({ErrorKind::kConflict,
                  "shard " + shard.info.id + " of stream \"" + options_.stream +
                      "\" is read by another source of this job under the application \"" +
                      options_.application + "\" too: give each source one of its own"});
            return false;
        case core::BlockLog::Outcome::kFailed: failed_ = true; return false;
    }
    return false;
}

void KinesisSource::flushAll() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, shard] : shards_)
        if (!flush(shard)) return;
}

void KinesisSource::report(const std::string& message) {
    if (environment_.observer != nullptr)
        environment_.observer->sourceError(environment_.id, message, Trouble::kOver);
}

void KinesisSource::fail(core::Error error) {
    if (failed_.exchange(true)) return;
    if (environment_.observer != nullptr)
        environment_.observer->sourceFailed(environment_.id, std::move(error));
}

}  // namespace tidemill::sources::kinesis
