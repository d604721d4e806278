// What a KafkaSource asks of its partitions, and what it does when one is not what it was.
#include <string>

#include "core/logging.h"
#include "sources/kafka/kafka_source.h"
#include "sources/kafka/mutant.h"

namespace tidemill::sources::kafka {

using core::ErrorKind;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kSeeTwice{1'000};

TopicPartitions listOf(const PartitionName& name, std::int64_t offset) {
    auto list = makeTopicPartitions();
    rd_kafka_topic_partition_list_add(list.get(), name.first.c_str(), name.second)->offset = offset;
    return list;
}

void noteFailure(const char* what, const PartitionName& name, rd_kafka_error_t* error) {
    const ErrorObject owned(error);
    if (owned)
        core::logWarning(std::string("kafka: ") + what + " " + describe(name) + ": " +
                         rd_kafka_error_string(owned.get()));
}

std::string range(std::int64_t from, std::int64_t to) {
    return from == to ? "record " + std::to_string(from)
                      : "records " + std::to_string(from) + " to " + std::to_string(to);
}

}  // namespace

// Batches flush blocks while the reader looks at them.
Position KafkaSource::positionOf(const PartitionReader& partition) const {
    const std::lock_guard lock(mutex_);
    return partition.block.position();
}

// From where it is, seeing first whether it is still what it was.
void KafkaSource::ask(PartitionReader& partition) {
    const auto position = positionOf(partition);
    if (position.anchor)
        return askAt(partition, position.anchor->offset,
                     mutant() == Mutant::kTakesBelow ? Stage::kReading : Stage::kChecking);
    askAt(partition, position.next, Stage::kReading);
}

void KafkaSource::askAt(PartitionReader& partition, std::int64_t offset, Stage becomes) {
    partition.stage = becomes;
    noteFailure("asking for", partition.name,
                rd_kafka_incremental_assign(client_->get(), listOf(partition.name, offset).get()));
}

void KafkaSource::leave(PartitionReader& partition, Stage becomes) {
    if (!partition.isAskedFor()) return;
    partition.stage = becomes;
    noteFailure("leaving", partition.name,
                rd_kafka_incremental_unassign(
                    client_->get(), listOf(partition.name, RD_KAFKA_OFFSET_INVALID).get()));
}

void KafkaSource::checkAll() {
    for (auto& [name, partition] : partitions_) {
        if (partition.stage != Stage::kReading) continue;
        leave(partition, Stage::kAbsent);
        ask(partition);
    }
}

void KafkaSource::doubt(PartitionReader& partition, Doubt why) {
    leave(partition, Stage::kSuspicious);
    if (partition.doubt != why) partition.seenBefore = false;
    partition.doubt = why;
    // What only expired behind us is no reason to wait, unless it comes again at once.
    const auto now = Clock::now();
    const bool atOnce = why == Doubt::kOutOfRange && now - partition.lookAt > kSeeTwice;
    partition.lookAt = atOnce ? now : now + kSeeTwice;
}

void KafkaSource::lookInto(PartitionReader& partition) {
    const auto has = askWatermarks(*client_, partition.name);
    if (!has) {
        partition.lookAt = Clock::now() + kSeeTwice;
        return scout_->isAbsent(partition.name);
    }
    const auto position = positionOf(partition);
    const auto outOfRange = decideOutOfRange(position, *has);
    if (outOfRange == OutOfRange::kGoOn) {
        partition.seenBefore = false;
        return askAt(partition, position.next, Stage::kReading);
    }
    const bool isAnchor = partition.doubt != Doubt::kOutOfRange;
    if (outOfRange == OutOfRange::kAskAgain && (!isAnchor || !partition.seenBefore)) {
        partition.seenBefore = partition.seenBefore || isAnchor;
        return ask(partition);
    }
    if (outOfRange != OutOfRange::kAskAgain && !partition.seenBefore) {
        partition.seenBefore = true;
        partition.lookAt = Clock::now() + kSeeTwice;
        return;
    }
    const std::string next = std::to_string(position.next);
    switch (outOfRange) {
        case OutOfRange::kExpired:
            return lost(partition, range(position.next, has->low - 1) + " expired unread", *has);
        case OutOfRange::kShortened:
            return lost(partition,
                        "it ends at offset " + std::to_string(has->high) + ", but was read up to " +
                            next + ": the topic was deleted and made anew, or cut",
                        *has);
        default: break;
    }
    const std::string anchor = "record " + std::to_string(position.anchor->offset);
    if (partition.doubt == Doubt::kAnchorGone) {
        // Compaction takes records away although newer ones stay.
        const auto compacted = askCompacted(*client_, partition.name.first);
        if (compacted.value_or(false)) {
            partition.seenBefore = false;
            return askAt(partition, position.next, Stage::kReading);
        }
        return lost(partition,
                    anchor +
                        ", the last one read, is gone although later ones are there: the "
                        "topic was deleted and made anew",
                    *has);
    }
    lost(partition,
         anchor + ", the last one read, is another one now: the topic was deleted and made anew",
         *has);
}

void KafkaSource::lost(PartitionReader& partition, const std::string& what, const Watermarks& has) {
    const std::string whole = describe(partition.name) + ": " + what + "; it has now " +
                              (has.low == has.high ? "no records" : range(has.low, has.high - 1));
    if (options_.onLostData == LostData::kStop)
        return fail({ErrorKind::kConflict,
                     whole + ". To go on with those, start once with on_lost_data = \"skip\""});
    core::logWarning("kafka: " + whole + "; the stream goes on with those");
    report(whole + "; the stream goes on with those");
    partition.seenBefore = false;
    {
        const std::lock_guard lock(mutex_);
        if (!flush(partition)) return;
        partition.block.moveTo(has.low);
        if (!flush(partition)) return;
    }
    askAt(partition, has.low, Stage::kReading);
}

}  // namespace tidemill::sources::kafka
