// The reader's thread of a KafkaSource: messages in, records in open blocks out.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "core/logging.h"
#include "core/own_thread.h"
#include "sources/kafka/kafka_block.h"
#include "sources/kafka/kafka_source.h"
#include "sources/kafka/mutant.h"

namespace tidemill::sources::kafka {

using core::ErrorKind;
using core::Result;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kMessagesAtOnce = 1'000;
constexpr int kFetchMillis = 10;
constexpr std::size_t kBusyBytes = 1 << 20;
constexpr std::chrono::milliseconds kIdle{5};
// Behind so long a time without reading, what comes next may be from another topic of that name.
constexpr std::chrono::seconds kLongPause{5};
constexpr std::size_t kPartitionsMax = 10'000;

bool saysAbsent(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

bool saysOutOfRange(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
           error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
}

std::optional<std::string_view> bytesOf(const void* data, std::size_t size) {
    if (data == nullptr) return std::nullopt;
    return std::string_view(static_cast<const char*>(data), size);
}

// `headers` gets what the record's headers point to.
KafkaRecord recordOf(rd_kafka_message_t& message, std::string& headers) {
    KafkaRecord record;
    record.offset = message.offset;
    record.timestamp = fromMillis(rd_kafka_message_timestamp(&message, nullptr));
    record.key = bytesOf(message.key, message.key_len);
    record.value = bytesOf(message.payload, message.len);
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(&message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
    headers.clear();
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
        appendHeader(headers, {name, bytesOf(value, size)});
    record.headers.encoded = headers;
    return record;
}

}  // namespace

void KafkaSource::read() {
    const core::OwnThreadScope own;
    lastFetch_ = Clock::now();
    while (!stopping_ && !failed_) {
        client_->poll();
        commits_.send(*client_);
        // What is taken next belongs to partitions as they were when it was fetched.
        if (pending_.empty()) serve();
        if (paused_) {
            std::this_thread::sleep_for(kIdle);
            continue;
        }
        if (pending_.empty()) fetch();
        const auto taken = takePending();
        if (taken == Pending::kNoMemory) flushAll();  // what is logged gives its memory back
        if (taken != Pending::kTaken) std::this_thread::sleep_for(kIdle);
    }
}

void KafkaSource::serve() {
    takeFindings();
    const auto now = Clock::now();
    for (auto& [name, partition] : partitions_) {
        if (stopping_ || failed_) return;
        if (partition.stage == Stage::kSuspicious && partition.lookAt <= now) lookInto(partition);
    }
}

void KafkaSource::takeFindings() {
    const auto findings = scout_->take();
    for (const auto& found : findings.found)
        if (auto entered = enter(found); !entered) return fail(std::move(entered.error()));
    if (findings.begun) begin();
    if (findings.checkAll) checkAll();
    for (const auto& name : findings.toCheck) {
        const auto at = partitions_.find(name);
        if (at == partitions_.end()) continue;
        if (at->second.isAskedFor()) leave(at->second, Stage::kAbsent);
        if (at->second.stage == Stage::kAbsent) ask(at->second);
    }
}

Result<> KafkaSource::enter(const Scout::Found& found) {
    if (partitions_.contains(found.name)) return {};
    if (partitions_.size() == kPartitionsMax)
        return core::fail(ErrorKind::kInvalid,
                          "the topics have more than " + std::to_string(kPartitionsMax) +
                              " partitions, which is as many as one source reads");
    const auto lane = laneName(options_.group, found.name.first, found.name.second);
    const auto known = environment_.log.position(lane);
    if (!known.empty())
        if (auto position = decodePosition(known); !position)
            return core::fail(ErrorKind::kCorrupt,
                              describe(found.name) + ": " + position.error().message);
    PartitionReader* partition = nullptr;
    {
        const std::lock_guard lock(mutex_);
        partition =
            &partitions_
                 .try_emplace(found.name, found.name, LaneBlock(environment_.id, lane, known))
                 .first->second;
        if (known.empty() && found.start) {
            partition->block.moveTo(*found.start);
            if (!flush(*partition)) return {};
        }
    }
    ask(*partition);
    return {};
}

void KafkaSource::fetch() {
    const auto now = Clock::now();
    if (now - lastFetch_ > kLongPause) checkAll();
    lastFetch_ = now;
    fetchMessages();
    std::size_t bytes = 0;
    for (const auto& message : pending_) bytes += message->len;
    pendingAt_ = 0;
    lastTopic_ = nullptr;
    if (fetchesFailed_) checkFailedFetches();
    if (pending_.empty()) return;
    scout_->recordsCome();
    if (pending_.size() == kMessagesAtOnce || bytes >= kBusyBytes) scout_->isBusy();
    // Once for each time that it was full: the fetch goes on while the rest is taken.
    const bool isFull = rd_kafka_queue_length(queue_.get()) >= kQueuedRecords;
    if (std::exchange(queueWasFull_, isFull) && !isFull) scout_->hasRoom();
}

// Waits for the first message only: with a time limit the call for many waits until it has all that
// fit, though some are there.
void KafkaSource::fetchMessages() {
    Message first(rd_kafka_consume_queue(queue_.get(), kFetchMillis));
    if (!first) return;
    pending_.push_back(std::move(first));
    std::array<rd_kafka_message_t*, kMessagesAtOnce - 1> more;
    const auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, more.data(), more.size());
    for (ssize_t i = 0; i < count; ++i) pending_.emplace_back(more[static_cast<std::size_t>(i)]);
}

// What was fetched from a partition behind a failure may be from another topic of that name: it is
// asked for again, at the anchor.
void KafkaSource::checkFailedFetches() {
    std::set<PartitionName> failed;
    {
        const std::lock_guard lock(failedMutex_);
        failed.swap(failedFetches_);
        fetchesFailed_ = false;
    }
    for (const auto& name : failed) {
        const auto at = partitions_.find(name);
        if (at == partitions_.end() || !at->second.isAskedFor()) continue;
        std::erase_if(pending_,
                      [&](const Message& message) { return partitionOf(*message) == &at->second; });
        lastTopic_ = nullptr;
        leave(at->second, Stage::kAbsent);
        ask(at->second);
    }
}

// Until the memory that may be used is used up, or the rate.
KafkaSource::Pending KafkaSource::takePending() {
    if (pending_.empty()) return Pending::kTaken;
    {
        const std::lock_guard lock(mutex_);
        for (; pendingAt_ < pending_.size() && !failed_; ++pendingAt_) {
            if (!mayTake()) return Pending::kNotAllowed;
            if (!take(*pending_[pendingAt_])) return Pending::kNoMemory;
        }
    }
    pending_.clear();
    return Pending::kTaken;
}

bool KafkaSource::take(rd_kafka_message_t& message) {
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        messageFailed(message);
        return true;
    }
    PartitionReader* partition = partitionOf(message);
    if (partition == nullptr || !partition->isAskedFor()) return true;
    const KafkaRecord record = recordOf(message, headers_);
    if (partition->stage == Stage::kChecking) {
        checkAnchorOf(*partition, record);
        return true;
    }
    if (record.offset < partition->block.next() && mutant() != Mutant::kTakesBelow) return true;
    return takeRecord(*partition, record);
}

bool KafkaSource::takeRecord(PartitionReader& partition, const KafkaRecord& record) {
    using Taken = LaneBlock::Taken;
    auto taken = partition.block.take(record, *environment_.buffers, environment_.limits);
    if (taken == Taken::kFull) {
        if (!flush(partition)) return true;
        taken = partition.block.take(record, *environment_.buffers, environment_.limits);
    }
    if (taken == Taken::kNoMemory) return false;
    if (taken == Taken::kOversize) {
        ++statistics_.oversize;
        return true;
    }
    const std::uint64_t bytes = (record.key ? record.key->size() : 0) +
                                (record.value ? record.value->size() : 0) +
                                record.headers.encoded.size();
    ++statistics_.records;
    statistics_.bytes += bytes;
    if (allowance_.records != core::Allowance::kUnlimited) --allowance_.records;
    if (allowance_.bytes != core::Allowance::kUnlimited)
        allowance_.bytes -= std::min(allowance_.bytes, bytes);
    return true;
}

PartitionReader* KafkaSource::partitionOf(const rd_kafka_message_t& message) {
    if (message.rkt == nullptr) return nullptr;  // of the client as a whole
    if (message.rkt == lastTopic_ && lastPartition_->name.second == message.partition)
        return lastPartition_;
    const auto found =
        partitions_.find(PartitionName(rd_kafka_topic_name(message.rkt), message.partition));
    if (found == partitions_.end()) return nullptr;
    // Good as long as the messages at hand hold their topics.
    lastTopic_ = message.rkt;
    lastPartition_ = &found->second;
    return lastPartition_;
}

void KafkaSource::checkAnchorOf(PartitionReader& partition, const KafkaRecord& found) {
    const auto anchor = partition.block.position().anchor;
    if (!anchor || found.offset < anchor->offset) return;
    std::string encoded(encodedBytes(found), '\0');
    encodeRecord(found, encoded.data());
    switch (
        checkAnchor(*anchor, {found.offset, toMillis(found.timestamp), hashOfRecord(encoded)})) {
        case AnchorCheck::kSame:
            partition.stage = Stage::kReading;
            partition.seenBefore = false;
            return;
        case AnchorCheck::kGone: return doubt(partition, Doubt::kAnchorGone);
        case AnchorCheck::kDifferent: return doubt(partition, Doubt::kAnchorDifferent);
    }
}

void KafkaSource::messageFailed(const rd_kafka_message_t& message) {
    PartitionReader* partition = partitionOf(message);
    if (partition == nullptr) {
        if (endsTheJob(message.err))
            fail({kindOf(message.err),
                  describe(message.err) + ": " + rd_kafka_message_errstr(&message)});
        return;
    }
    if (!partition->isAskedFor()) return;
    const std::string where = describe(partition->name);
    if (saysOutOfRange(message.err)) return doubt(*partition, Doubt::kOutOfRange);
    if (saysAbsent(message.err)) {
        leave(*partition, Stage::kAbsent);
        return scout_->isAbsent(partition->name);
    }
    if (message.err == RD_KAFKA_RESP_ERR__BAD_MSG) {
        const std::string what = where + ": records at offset " + std::to_string(message.offset) +
                                 " are damaged: " + rd_kafka_message_errstr(&message);
        if (options_.onLostData == LostData::kSkip) return report(what + "; they are left out");
        return fail({ErrorKind::kCorrupt, what});
    }
    if (endsTheJob(message.err))
        return fail({kindOf(message.err), where + ": " + describe(message.err)});
    scout_->alarm();
}

}  // namespace tidemill::sources::kafka
