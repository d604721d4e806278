#include "sources/kafka/kafka_source.h"

#include <utility>

#include "core/logging.h"
#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/kafka_block.h"

namespace tidemill::sources::kafka {

using core::ErrorKind;
using core::Result;
using Trouble = core::SourceObserver::Trouble;

namespace {

// For the answer to the last commit.
constexpr std::chrono::seconds kLastCommit{2};

// A lane of no partition: it has a position once all that `start` holds for was found.
std::string beginningLane(const std::string& group) { return laneName(group, "", 0); }

}  // namespace

KafkaSource::KafkaSource(KafkaEnvironment environment, KafkaOptions options)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      commits_([this](const std::string& message) { report(message); }) {}

KafkaSource::~KafkaSource() {
    stop(false);
    if (!client_) return;
    commits_.send(*client_, true);
    const auto until = std::chrono::steady_clock::now() + kLastCommit;
    while (commits_.isOpen() && scout_->connected() && std::chrono::steady_clock::now() < until) {
        client_->poll(20);
        commits_.send(*client_, true);
    }
    scout_.reset();
    queue_.reset();
}

Result<> KafkaSource::start() {
    Handle::Callbacks callbacks;
    callbacks.onError = [this](rd_kafka_resp_err_t error, const std::string& reason) {
        clientError(error, reason);
    };
    callbacks.onCommit = [this](rd_kafka_resp_err_t error) { commits_.answered(error); };
    callbacks.onLog = [this](int, std::string_view facility, std::string_view text) {
        auto failed = failedFetch(facility, text);
        if (!failed) return;
        const std::lock_guard lock(failedMutex_);
        failedFetches_.insert(std::move(*failed));
        fetchesFailed_ = true;
    };
    TM_ASSIGN(client_,
              Handle::make(RD_KAFKA_CONSUMER, consumerProperties(options_), std::move(callbacks)));
    queue_.reset(rd_kafka_queue_get_consumer(client_->get()));
    if (environment_.observer != nullptr)
        environment_.observer->sourceStarted(environment_.id, options_.brokers);
    Scout::Job job;
    job.source = environment_.id;
    job.observer = environment_.observer;
    job.isFirst = environment_.log.position(beginningLane(options_.group)).empty();
    job.isKnown = [this](const PartitionName& name) {
        return !environment_.log.position(laneName(options_.group, name.first, name.second))
                    .empty();
    };
    job.failed = [this](core::Error error) { fail(std::move(error)); };
    scout_ = std::make_unique<Scout>(*client_, options_, std::move(job));
    scout_->start();
    reader_ = std::thread([this] { read(); });
    return {};
}

void KafkaSource::stop(bool graceful) {
    if (std::exchange(stopped_, true)) return;
    stopping_ = true;
    if (reader_.joinable()) reader_.join();
    if (scout_) scout_->stop();
    if (graceful && !failed_) flushAll();
    if (client_ && environment_.observer != nullptr)
        environment_.observer->sourceStopped(environment_.id, "stopped");
}

void KafkaSource::allow(const core::Allowance& allowance) {
    const std::lock_guard lock(mutex_);
    allowance_ = allowance;
}

void KafkaSource::atBatchTime(BatchTime) {
    if (!stopping_ && !failed_) flushAll();
}

void KafkaSource::batchCompleted(std::span<const core::BlockPtr> blocks) {
    for (const auto& block : blocks) {
        const auto& origin = block->origin();
        if (origin.source != environment_.id) continue;
        const auto lane = partsOfLane(origin.lane);
        if (!lane || lane->topic.empty()) continue;
        if (const auto position = decodePosition(origin.to))
            commits_.note({std::string(lane->topic), lane->partition}, position->next);
    }
}

core::SourceStatistics KafkaSource::counters() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
}

core::SourceStatistics KafkaSource::statistics() const {
    const std::lock_guard lock(mutex_);
    auto all = statistics_;
    if (!client_) return all;
    for (const auto& [name, partition] : partitions_) {
        std::int64_t low = 0, high = 0;
        // As the last answer to a fetch said.
        const auto error = rd_kafka_get_watermark_offsets(client_->get(), name.first.c_str(),
                                                          name.second, &low, &high);
        core::LaneStatistics lane;
        lane.lane = partition.block.lane();
        lane.position = std::to_string(partition.block.next());
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR && high >= partition.block.next())
            lane.lag = static_cast<std::uint64_t>(high - partition.block.next());
        all.lanes.push_back(std::move(lane));
    }
    return all;
}

bool KafkaSource::flush(PartitionReader& partition) {
    if (!partition.block.isOpen()) return true;
    switch (partition.block.flush(environment_.log)) {
        case core::BlockLog::Outcome::kQueued: return true;
        case core::BlockLog::Outcome::kStale:
            fail({ErrorKind::kConflict,
                  describe(partition.name) +
                      " is read by another source of this job under the group \"" + options_.group +
                      "\" too: give each source a group of its own"});
            return false;
        case core::BlockLog::Outcome::kFailed: failed_ = true; return false;
    }
    return false;
}

void KafkaSource::flushAll() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, partition] : partitions_)
        if (!flush(partition)) return;
}

void KafkaSource::report(const std::string& message) {
    if (environment_.observer != nullptr)
        environment_.observer->sourceError(environment_.id, message, Trouble::kOver);
}

void KafkaSource::fail(core::Error error) {
    if (failed_.exchange(true)) return;
    if (environment_.observer != nullptr)
        environment_.observer->sourceFailed(environment_.id, std::move(error));
}

// Credentials and certificates that are refused at a start are wrong. Later a broker that stops may
// seem to refuse them.
void KafkaSource::clientError(rd_kafka_resp_err_t error, const std::string& reason) {
    const std::string text = describe(error) + (reason.empty() ? "" : ": " + reason);
    const bool maySeemSo =
        (error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__SSL) &&
        scout_->connected();
    const bool ends = endsTheJob(error) || connectionNeedsPerson(error, reason);
    if (!ends || maySeemSo)
        return scout_->alarm(error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? "" : text);
    fail({kindOf(error), "brokers=" + options_.brokers + ": " + text});
}

void KafkaSource::begin() {
    core::BlockOrigin origin;
    origin.source = environment_.id;
    origin.lane = beginningLane(options_.group);
    origin.to = "begun";
    environment_.log.append(std::make_shared<core::Block>(
        core::Buffer::unpooled(core::BufferPool::kSmallestBytes), 0, std::move(origin)));
}

}  // namespace tidemill::sources::kafka
