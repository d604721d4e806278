// What a KinesisSource asks the service, and what it does with answers that are none.
#include <algorithm>
#include <string>
#include <utility>

#include "core/logging.h"
#include "sources/kinesis/kinesis_source.h"

namespace tidemill::sources::kinesis {

using aws::CallAnswer;
using aws::CallEnd;
using core::ErrorKind;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {

// Requests under way, and answers that are not taken yet, together: the bound of memory outside
// the receive budget.
constexpr std::size_t kAtOnce = 8;
// Kinesis allows five calls a second to a shard, to all readers together.
constexpr milliseconds kBusy{250};
constexpr milliseconds kAgain{1'000};
// Throttling is usual; that it goes on is said.
constexpr unsigned kThrottledMost = 4;
constexpr std::size_t kAimBytes = 2 << 20;

std::int64_t nowMillis() {
    return std::chrono::duration_cast<milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// What may pass.
CallAnswer failure(const core::Error& error) {
    CallAnswer answer;
    answer.end = CallEnd::kTransient;
    answer.message = error.message;
    return answer;
}

}  // namespace

std::uint32_t recordsToAskFor(std::uint32_t before, std::size_t records, std::size_t bytes) {
    if (records == 0) return before;
    const auto each = std::max<std::size_t>(bytes / records, 1);
    // At most twice as many, since those to come may be larger.
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(
        kAimBytes / each, 1, std::min<std::size_t>(2 * before, kRecordsAtOnceMax)));
}

ShardReader* KinesisSource::find(const std::string& shard, std::uint64_t serial) {
    const auto at = shards_.find(shard);
    return at == shards_.end() || at->second.serial != serial ? nullptr : &at->second;
}

// In turn, from behind the one that was served last.
void KinesisSource::sendDue() {
    auto held = http_.open();
    for (const auto& [name, shard] : shards_) held += shard.pending ? 1 : 0;
    const auto now = SteadyClock::now();
    auto at = shards_.upper_bound(lastServed_);
    for (std::size_t i = 0; i < shards_.size() && held < kAtOnce && !failed_; ++i, ++at) {
        if (at == shards_.end()) at = shards_.begin();
        auto& shard = at->second;
        const bool asks = shard.stage == Stage::kAsking || shard.stage == Stage::kReading;
        if (!asks || shard.inFlight || shard.pending || shard.nextAt > now) continue;
        lastServed_ = at->first;
        ++held;
        sendFor(shard);
    }
}

void KinesisSource::sendFor(ShardReader& shard) {
    const auto position = [&] {
        const std::lock_guard lock(mutex_);
        return shard.block.position();
    }();
    // Far behind: what is next may be gone by now.
    if (shard.stage == Stage::kReading && !shard.checks && !shard.isChecked &&
        mayHaveExpired(position, nowMillis(), summary_.keptMillis)) {
        shard.checks = true;
        shard.stage = Stage::kAsking;
    }
    const auto then = [this, name = shard.info.id, serial = shard.serial,
                       isIterator = shard.stage == Stage::kAsking](CallAnswer answer) {
        auto* asked = find(name, serial);
        if (asked == nullptr) return;
        asked->inFlight = false;
        if (isIterator) gotIterator(*asked, std::move(answer));
        else gotRecords(*asked, std::move(answer));
    };
    if (shard.stage == Stage::kAsking) {
        shard.checks = true;
        shard.inFlight =
            call(shard.info.id, "GetShardIterator",
                 iteratorRequest(options_.stream, shard.info.id, position), kAnswerBytesMax, then);
        return;
    }
    shard.lastRead = SteadyClock::now();
    shard.inFlight =
        call(shard.info.id, "GetRecords", recordsRequest(shard.iterator, shard.recordsAtOnce),
             kRecordsAnswerBytesMax, then);
}

void KinesisSource::gotIterator(ShardReader& shard, CallAnswer answer) {
    if (answer.end == CallEnd::kNotFound || answer.end == CallEnd::kInvalid)
        return positionRefused(shard, answer.message);
    if (answer.end != CallEnd::kDone) return callFailed(shard.info.id, answer);
    auto iterator = parseIterator(answer.body);
    if (!iterator) return callFailed(shard.info.id, failure(iterator.error()));
    shard.iterator = std::move(*iterator);
    shard.stage = Stage::kReading;
    shard.refusedAt.reset();
}

// The stream may be another one by now, or the shard gone: a listing says so first.
void KinesisSource::positionRefused(ShardReader& shard, const std::string& message) {
    shard.nextAt = SteadyClock::now() + kAgain;
    discoverAt_ = {};
    const auto position = shard.block.position();
    if (!shard.refusedAt) shard.refusedAt = listings_ + (discovering_ ? 1 : 0);
    if (!shard.isListed || listings_ <= *shard.refusedAt)
        return troubled(shard.info.id, "shard " + shard.info.id + ": " + message);
    shard.refusedAt.reset();
    if (position.kind != Position::Kind::kRecord)
        return fail({ErrorKind::kInvalid, "shard " + shard.info.id + " of stream \"" +
                                              options_.stream + "\" cannot be read: " + message});
    lost(shard,
         "the service does not know record " + position.sequence + ", the last one read (" +
             message + ")",
         beginning(false));
    works(shard.info.id);
}

void KinesisSource::gotRecords(ShardReader& shard, CallAnswer answer) {
    const auto now = SteadyClock::now();
    if (answer.end == CallEnd::kExpiredIterator || answer.end == CallEnd::kNotFound ||
        answer.end == CallEnd::kInvalid) {
        // From the position; what is wrong for longer is seen there.
        shard.stage = Stage::kAsking;
        shard.nextAt = now + (answer.end == CallEnd::kExpiredIterator ? kBusy : kAgain);
        return;
    }
    if (answer.end != CallEnd::kDone) return callFailed(shard.info.id, answer);
    auto page = parseRecords(answer.body);
    if (!page) return callFailed(shard.info.id, failure(page.error()));
    works(shard.info.id);
    shard.backoff.reset();
    shard.throttled = 0;
    shard.recordsAtOnce = recordsToAskFor(shard.recordsAtOnce, page->records.size(), page->bytes);
    const bool hasMore = page->behindMillis > 0 || page->next.empty();
    shard.nextAt = shard.lastRead + (hasMore ? kBusy : options_.pollEvery);
    {
        const std::lock_guard lock(mutex_);
        shard.behindMillis = page->behindMillis;
    }
    PendingPage pending;
    pending.readUntilMillis = nowMillis() - page->behindMillis;
    pending.page = std::move(*page);
    shard.pending = std::move(pending);
}

bool KinesisSource::call(const std::string& about, const char* action, std::string body,
                         std::size_t answerBytesMax, OnAnswer then) {
    const auto now = aws::Clock::now();
    const auto found = credentials_.get(now);
    if (!found) {
        if (found.error().kind == ErrorKind::kIo ||
            (found.error().kind == ErrorKind::kNotFound && hasAnswered_)) {
            callFailed(about, failure(found.error()));
        } else {
            fail({ErrorKind::kInvalid, "kinesis: " + found.error().message});
        }
        return false;
    }
    auto request = aws::kinesisCall(endpoint_, (*found)->credentials, action, std::move(body),
                                    answerBytesMax, now);
    http_.send(std::move(request), [this, about, then = std::move(then),
                                    version = credentialsVersion_](aws::HttpAnswer http) {
        auto answer = aws::callAnswerOf(std::move(http));
        hasAnswered_ = hasAnswered_ || answer.end == CallEnd::kDone;
        const bool isOfBefore =
            version != credentialsVersion_ &&
            (answer.end == CallEnd::kRefused || answer.end == CallEnd::kExpiredToken);
        // Asked with credentials that were replaced meanwhile.
        if (isOfBefore) answer.end = CallEnd::kThrottled;
        then(std::move(answer));
    });
    return true;
}

void KinesisSource::callFailed(const std::string& about, const CallAnswer& answer) {
    const auto at = shards_.find(about);
    auto* shard = about.empty() || at == shards_.end() ? nullptr : &at->second;
    auto& backoff = shard != nullptr ? shard->backoff : discoverBackoff_;
    (shard != nullptr ? shard->nextAt : discoverAt_) = SteadyClock::now() + backoff.next();
    const std::string message =
        (about.empty() ? "stream \"" + options_.stream + "\"" : "shard " + about) + " on " +
        endpoint_.host + ": " + answer.message;
    switch (answer.end) {
        case CallEnd::kThrottled:
            if (shard == nullptr || ++shard->throttled >= kThrottledMost) troubled(about, message);
            return;
        case CallEnd::kRefused:
        case CallEnd::kExpiredToken: return refused(about, answer);
        case CallEnd::kForbidden:
            // A certificate that was good may be so again.
            if (hasAnswered_ && !answer.isOfService) return troubled(about, message);
            return fail({ErrorKind::kInvalid, message});
        default: return troubled(about, message);
    }
}

void KinesisSource::refused(const std::string& about, const CallAnswer& answer) {
    const std::string message =
        "the credentials are refused by " + endpoint_.host + ": " + answer.message;
    const auto replaced = credentials_.replace();
    ++credentialsVersion_;
    if (!replaced) {
        if (replaced.error().kind == ErrorKind::kIo)
            return troubled(about, replaced.error().message);
        return fail({ErrorKind::kInvalid, message + "; " + replaced.error().message});
    }
    if (*replaced) return;
    const auto now = credentials_.get(aws::Clock::now());
    // New ones may be put where these came from.
    if (answer.end == CallEnd::kExpiredToken && now && (*now)->changes)
        return troubled(about, message + "; new ones are waited for in " + (*now)->from);
    fail({ErrorKind::kInvalid, message + (now ? "; they are those of " + (*now)->from : "")});
}

}  // namespace tidemill::sources::kinesis
