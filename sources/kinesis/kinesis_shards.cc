// Which shards a KinesisSource reads, and what it does when some are gone.
#include <string>
#include <utility>

#include "core/logging.h"
#include "sources/kinesis/kinesis_source.h"
#include "sources/kinesis/mutant.h"
#include "sources/kinesis/record_block.h"

namespace tidemill::sources::kinesis {

using aws::CallAnswer;
using aws::CallEnd;
using core::ErrorKind;
using core::Result;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kShardsMax = 10'000;
constexpr std::int64_t kKeepListedMillis = 600'000;
constexpr unsigned kMissingMost = 2;
constexpr std::chrono::milliseconds kAgain{1'000};

std::int64_t nowMillis() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// What may pass.
CallAnswer failure(std::string message) {
    CallAnswer answer;
    answer.end = CallEnd::kTransient;
    answer.message = std::move(message);
    return answer;
}

}  // namespace

void KinesisSource::discover() {
    if (discovering_ || SteadyClock::now() < discoverAt_) return;
    discoverAt_ = SteadyClock::now() + options_.discoverEvery;
    const auto then = [this](CallAnswer answer) {
        discovering_ = false;
        if (answer.end != CallEnd::kDone) {
            if (answer.end == CallEnd::kNotFound)
                answer.message = "it does not exist (" + answer.message + ")";
            if (answer.end == CallEnd::kInvalid) answer.end = CallEnd::kForbidden;
            return callFailed("", answer);
        }
        auto summary = parseSummary(answer.body);
        if (!summary) return callFailed("", failure(summary.error().message));
        if (firstStartMillis_ == 0)
            firstStartMillis_ = answer.serverMillis != 0 ? answer.serverMillis : nowMillis();
        if (summary->status == "CREATING" || summary->status == "DELETING")
            return callFailed("", failure("it is " + summary->status));
        summary_ = std::move(*summary);
        listing_.clear();
        askShards("");
    };
    discovering_ =
        call("", "DescribeStreamSummary", summaryRequest(options_.stream), kAnswerBytesMax, then);
}

void KinesisSource::askShards(const std::string& token) {
    const auto then = [this](CallAnswer answer) {
        discovering_ = false;
        if (answer.end != CallEnd::kDone) {
            // The token is too old, or the stream another one: from the start.
            if (answer.end == CallEnd::kInvalid || answer.end == CallEnd::kExpiredIterator)
                answer.end = CallEnd::kTransient;
            return callFailed("", answer);
        }
        auto page = parseShards(answer.body);
        if (!page) return callFailed("", failure(page.error().message));
        for (auto& shard : page->shards) listing_.push_back(std::move(shard));
        if (listing_.size() > kShardsMax)
            return fail({ErrorKind::kInvalid, "stream \"" + options_.stream + "\" has more than " +
                                                  std::to_string(kShardsMax) +
                                                  " shards, which is as many as one source reads"});
        if (!page->next.empty()) return askShards(page->next);
        discoverBackoff_.reset();
        works("");
        listed();
    };
    discovering_ =
        call("", "ListShards", shardsRequest(options_.stream, token), kAnswerBytesMax, then);
}

void KinesisSource::listed() {
    ++listings_;
    const auto lane = laneName(options_.application, options_.stream, "");
    const auto logged = environment_.log.position(lane);
    const bool isFirst = logged.empty();
    if (!isFirst) {
        const auto known = decodeStreamPosition(logged);
        if (!known) return fail(known.error());
        if (known->createdMillis != summary_.createdMillis) {
            enterKnown();
            madeAnew();
            if (failed_ || !keepStreamPosition(false)) return;
        }
    }
    if (!std::exchange(listedBefore_, true)) enterKnown();
    for (auto& [name, shard] : shards_) shard.isListed = false;
    for (const auto& info : listing_) {
        if (auto entered = enter(info, isFirst); !entered) return fail(entered.error());
        if (failed_) return;
    }
    if (!keepStreamPosition(isFirst)) return;
    lookForMissing();
    letChildrenBegin();
}

Position KinesisSource::beginning(bool isFirst) const {
    Position position;
    position.readUntilMillis = nowMillis();
    if (!isFirst || options_.start.from == KinesisStart::From::kEarliest) return position;
    position.kind = Position::Kind::kTime;
    position.timeMillis = options_.start.from == KinesisStart::From::kTime
                              ? toMillis(options_.start.time)
                              : firstStartMillis_;
    return position;
}

Result<> KinesisSource::enter(const ShardInfo& info, bool isFirst) {
    const auto at = shards_.find(info.id);
    if (at != shards_.end()) {
        at->second.info = info;
        if (at->second.stage == Stage::kFinished) at->second.info.isOpen = false;
        at->second.isListed = true;
        at->second.missing = 0;
        return {};
    }
    const auto lane = laneName(options_.application, options_.stream, info.id);
    auto logged = environment_.log.position(lane);
    auto position = beginning(isFirst);
    if (!logged.empty()) {
        TM_ASSIGN(position, decodePosition(logged));
    } else if (!isFirst) {
        // It appeared behind the last listing that is known of, maybe long ago.
        const auto known = decodeStreamPosition(
            environment_.log.position(laneName(options_.application, options_.stream, "")));
        if (known) position.readUntilMillis = known->listedMillis;
    }
    const bool isFinished =
        position.kind == Position::Kind::kFinished && mutant() != Mutant::kForgetsFinished;
    const std::lock_guard lock(mutex_);
    auto& shard =
        shards_
            .try_emplace(info.id, info,
                         LaneBlock(environment_.id, lane, std::move(logged), position), ++serials_)
            .first->second;
    if (isFinished) shard.stage = Stage::kFinished;
    // So that a start finds where it begins.
    flush(shard);
    return {};
}

// Those that the log has, listed or not.
void KinesisSource::enterKnown() {
    for (const auto& [name, position] : std::exchange(known_, {})) {
        if (environment_.log.position(laneName(options_.application, options_.stream, name))
                .empty())
            continue;
        if (const auto entered = enter({name, "", "", false}, false); !entered)
            return fail(entered.error());
    }
}

bool KinesisSource::keepStreamPosition(bool isFirst) {
    const auto lane = laneName(options_.application, options_.stream, "");
    auto logged = environment_.log.position(lane);
    const StreamPosition now{summary_.createdMillis, nowMillis()};
    if (!isFirst) {
        const auto known = decodeStreamPosition(logged);
        if (known && known->createdMillis == now.createdMillis &&
            now.listedMillis - known->listedMillis < kKeepListedMillis)
            return true;
    }
    core::BlockOrigin origin;
    origin.source = environment_.id;
    origin.lane = lane;
    origin.from = std::move(logged);
    origin.to = encodeStreamPosition(now);
    const auto outcome = environment_.log.append(std::make_shared<core::Block>(
        core::Buffer::unpooled(core::BufferPool::kSmallestBytes), 0, std::move(origin)));
    if (outcome == core::BlockLog::Outcome::kStale)
        fail({ErrorKind::kConflict, "stream \"" + options_.stream +
                                        "\" is read by another source of this job under the "
                                        "application \"" +
                                        options_.application + "\" too: give each one of its own"});
    else if (outcome == core::BlockLog::Outcome::kFailed) failed_ = true;
    return outcome == core::BlockLog::Outcome::kQueued;
}

void KinesisSource::letChildrenBegin() {
    const auto isOpenParent = [this](const std::string& name) {
        const auto at = shards_.find(name);
        return at != shards_.end() && at->second.stage != Stage::kFinished;
    };
    bool isEnd = false;
    for (auto& [name, shard] : shards_) {
        if (shard.stage == Stage::kWaiting && mayBeRead(shard.info, isOpenParent))
            shard.stage = Stage::kAsking;
        // That it has ended was not known at the last listing, so neither are its children.
        if (shard.stage != Stage::kFinished || !shard.info.isOpen) continue;
        shard.info.isOpen = false;
        isEnd = true;
    }
    if (isEnd) discoverAt_ = {};
}

// What the stream lists no longer has expired. Of a shard that was read to its end nothing is
// missing; it is forgotten when no listing can have it any more.
void KinesisSource::lookForMissing() {
    const auto now = nowMillis();
    for (auto at = shards_.begin(); at != shards_.end();) {
        auto& shard = (at++)->second;
        if (shard.isListed) continue;
        const auto position = shard.block.position();
        if (shard.stage == Stage::kFinished) {
            if (mayHaveExpired(position, now, 2 * summary_.keptMillis) && !forget(shard)) return;
            continue;
        }
        if (++shard.missing < kMissingMost) {
            discoverAt_ = std::min(discoverAt_, SteadyClock::now() + kAgain);
            continue;
        }
        if (shard.stage == Stage::kReading && !troubles_.contains(shard.info.id)) continue;
        lost(shard, "the stream does not have it any more, and it was not read to its end", {});
        if (failed_ || !forget(shard)) return;
    }
}

bool KinesisSource::forget(ShardReader& shard) {
    works(shard.info.id);
    const std::lock_guard lock(mutex_);
    if (!flush(shard)) return false;
    const auto outcome = shard.block.forget(environment_.log);
    if (outcome != core::BlockLog::Outcome::kQueued) failed_ = true;
    const std::string name = shard.info.id;
    shards_.erase(name);
    return outcome == core::BlockLog::Outcome::kQueued;
}

void KinesisSource::madeAnew() {
    const std::string whole = "stream \"" + options_.stream +
                              "\" was deleted and made anew since it was read last; what the old "
                              "one held and was not read is lost";
    if (options_.onLostData == LostData::kStop)
        return fail({ErrorKind::kConflict,
                     whole + ". To go on with the new one, start once with on_lost_data = "
                             "\"skip\""});
    core::logWarning("kinesis: " + whole + "; the new one is begun");
    report(whole + "; the new one is begun");
    troubles_.clear();
    while (!shards_.empty())
        if (!forget(shards_.begin()->second)) return;
}

void KinesisSource::lost(ShardReader& shard, const std::string& what, const Position& goesOnAt) {
    const std::string whole =
        "shard " + shard.info.id + " of stream \"" + options_.stream + "\": " + what;
    if (options_.onLostData == LostData::kStop)
        return fail({ErrorKind::kConflict,
                     whole + ". To go on with what there is, start once with on_lost_data = "
                             "\"skip\""});
    core::logWarning("kinesis: " + whole + "; the stream goes on with what there is");
    report(whole + "; the stream goes on with what there is");
    const std::lock_guard lock(mutex_);
    if (!flush(shard)) return;
    shard.block.moveTo(goesOnAt);
    flush(shard);
}

}  // namespace tidemill::sources::kinesis
