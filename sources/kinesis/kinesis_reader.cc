// The thread of a KinesisSource: answers in, records in open blocks out.
#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "core/logging.h"
#include "core/own_thread.h"
#include "sources/kinesis/kinesis_source.h"

namespace tidemill::sources::kinesis {

namespace {

constexpr std::chrono::milliseconds kIdle{5};
constexpr std::chrono::milliseconds kLongestWait{50};
constexpr std::chrono::milliseconds kListAgain{500};

std::int64_t nowMillis() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// Numbers without zeros in front.
bool isAtOrBelow(std::string_view number, std::string_view other) {
    return number.size() != other.size() ? number.size() < other.size() : number <= other;
}

// "2026-11-01T00:00:00Z"
std::string timeText(std::int64_t millis) {
    const std::time_t seconds = millis / 1'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

void KinesisSource::read() {
    const core::OwnThreadScope own;
    while (!stopping_ && !failed_) {
        if (paused_) {
            http_.poll(kIdle);
            continue;
        }
        discover();
        const auto progress = takePending();
        if (stopping_ || failed_) break;
        if (progress == Progress::kNoMemory) flushAll();  // what is logged gives its memory back
        if (progress == Progress::kNoMemory || progress == Progress::kNotAllowed) {
            http_.poll(kIdle);
            continue;
        }
        sendDue();
        http_.poll(progress == Progress::kTook ? std::chrono::milliseconds(0) : kLongestWait);
        sayTroubles();
    }
}

KinesisSource::Progress KinesisSource::takePending() {
    auto progress = Progress::kIdle;
    for (auto& [name, shard] : shards_) {
        if (!shard.pending || stopping_ || failed_) continue;
        switch (takeFrom(shard)) {
            case Taken::kAll: progress = Progress::kTook; break;
            case Taken::kNoMemory: return Progress::kNoMemory;
            case Taken::kNotAllowed: return Progress::kNotAllowed;
        }
    }
    if (progress == Progress::kTook) letChildrenBegin();
    return progress;
}

KinesisSource::Taken KinesisSource::takeFrom(ShardReader& shard) {
    auto& pending = *shard.pending;
    if (shard.checks && !checkFirst(shard, pending)) {
        shard.pending.reset();
        return Taken::kAll;
    }
    {
        const std::lock_guard lock(mutex_);
        auto& records = pending.page.records;
        for (; pending.at < records.size() && !failed_; ++pending.at) {
            const auto& record = records[pending.at];
            const auto& position = shard.block.position();
            if (!pending.isUnpacked) {
                // Below what was taken: it comes again.
                if (position.kind == Position::Kind::kRecord &&
                    isAtOrBelow(record.sequence, position.sequence))
                    continue;
                unpack(pending);
            }
            for (; pending.part < pending.parts.size(); ++pending.part) {
                if (!mayTake()) return Taken::kNotAllowed;
                const auto taken = takePart(shard, record, pending);
                if (taken == PartTaken::kNoMemory) return Taken::kNoMemory;
                if (taken == PartTaken::kFailed) return Taken::kAll;
            }
            pending.isUnpacked = false;
        }
    }
    if (!failed_) pageTaken(shard);
    return Taken::kAll;
}

bool KinesisSource::checkFirst(ShardReader& shard, PendingPage& pending) {
    const auto& page = pending.page;
    const bool isEnd = page.behindMillis == 0 || page.next.empty();
    if (page.records.empty() && !isEnd) return true;  // none yet: the next answer says
    std::optional<FoundRecord> found;
    if (!page.records.empty()) {
        const auto& first = page.records.front();
        found = FoundRecord{first.sequence, hashOfRecord(first.partitionKey, first.data)};
    }
    const auto position = shard.block.position();
    const auto decided = decideFirst(position, found, nowMillis(), summary_.keptMillis);
    auto goesOn = position;
    goesOn.readUntilMillis = nowMillis();
    switch (decided) {
        case FirstRecord::kAnchor:
            unpack(pending);
            pending.part = std::min<std::size_t>(position.taken, pending.parts.size());
            break;
        case FirstRecord::kNext:
            if (position.kind != Position::Kind::kRecord || isStillTheStream(shard)) break;
            return false;
        case FirstRecord::kExpired:
            lost(shard,
                 "records may have expired unread: it was read up to what arrived at " +
                     timeText(position.readUntilMillis) + ", and the stream keeps records for " +
                     std::to_string(summary_.keptMillis / 3'600'000) + " h",
                 goesOn);
            if (failed_) return false;
            break;
        case FirstRecord::kDifferent:
            goesOn = beginning(false);
            lost(shard,
                 "record " + position.sequence +
                     ", the last one read, is another one now: the stream was deleted and made "
                     "anew",
                 goesOn);
            shard.stage = Stage::kAsking;
            return false;
    }
    shard.goneAt.reset();
    shard.checks = false;
    shard.isChecked = true;
    return true;
}

// An anchor that is gone may have expired, or been of another stream of this name: a listing that
// is newer says which.
bool KinesisSource::isStillTheStream(ShardReader& shard) {
    if (shard.goneAt && listings_ > *shard.goneAt) return true;
    if (!shard.goneAt) shard.goneAt = listings_ + (discovering_ ? 1 : 0);
    shard.stage = Stage::kAsking;
    shard.nextAt = std::chrono::steady_clock::now() + kListAgain;
    discoverAt_ = {};
    return false;
}

void KinesisSource::unpack(PendingPage& pending) const {
    const auto& record = pending.page.records[pending.at];
    pending.hash = hashOfRecord(record.partitionKey, record.data);
    pending.part = 0;
    if (auto parts = unpackAggregate(record.data)) pending.parts = std::move(*parts);
    else pending.parts = {{record.partitionKey, record.data}};
    pending.isUnpacked = true;
}

KinesisSource::PartTaken KinesisSource::takePart(ShardReader& shard, const ServiceRecord& record,
                                                 const PendingPage& pending) {
    const auto& part = pending.parts[pending.part];
    KinesisRecord taken;
    taken.data = part.data;
    taken.partitionKey = part.partitionKey;
    taken.sequenceNumber = record.sequence;
    taken.subIndex = static_cast<std::uint32_t>(pending.part);
    taken.arrival = fromMillis(record.arrivalMillis);
    using Outcome = LaneBlock::Taken;
    const auto take = [&] {
        return shard.block.take(taken, pending.hash, *environment_.buffers, environment_.limits);
    };
    auto outcome = take();
    if (outcome == Outcome::kFull) {
        if (!flush(shard)) return PartTaken::kFailed;
        outcome = take();
    }
    if (outcome == Outcome::kNoMemory) return PartTaken::kNoMemory;
    shard.isChecked = false;
    if (outcome == Outcome::kOversize) {
        ++statistics_.oversize;
        return PartTaken::kYes;
    }
    const std::uint64_t bytes = taken.data.size() + taken.partitionKey.size();
    ++statistics_.records;
    statistics_.bytes += bytes;
    if (allowance_.records != core::Allowance::kUnlimited) --allowance_.records;
    if (allowance_.bytes != core::Allowance::kUnlimited)
        allowance_.bytes -= std::min(allowance_.bytes, bytes);
    return PartTaken::kYes;
}

void KinesisSource::pageTaken(ShardReader& shard) {
    const std::lock_guard lock(mutex_);
    const auto pending = std::exchange(shard.pending, std::nullopt);
    if (!shard.checks) shard.block.readUntil(pending->readUntilMillis);
    shard.iterator = pending->page.next;
    if (!shard.iterator.empty()) return;
    // Its children may begin once the log has that.
    if (!flush(shard)) return;
    Position end;
    end.kind = Position::Kind::kFinished;
    end.readUntilMillis = shard.block.position().readUntilMillis;
    shard.block.moveTo(std::move(end));
    if (!flush(shard)) return;
    shard.stage = Stage::kFinished;
    shard.behindMillis.reset();
}

void KinesisSource::sayTroubles() {
    if (environment_.observer == nullptr || troubles_.empty() == !saidTrouble_) return;
    saidTrouble_ = !troubles_.empty();
    if (!saidTrouble_) return environment_.observer->sourceRecovered(environment_.id);
    environment_.observer->sourceError(environment_.id, troubles_.begin()->second,
                                       core::SourceObserver::Trouble::kUntilRecovered);
}

void KinesisSource::troubled(const std::string& about, const std::string& message) {
    troubles_[about] = message;
}

void KinesisSource::works(const std::string& about) { troubles_.erase(about); }

}  // namespace tidemill::sources::kinesis
