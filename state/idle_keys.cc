#include "state/idle_keys.h"

#include <algorithm>
#include <cstring>

#include "core/mutant.h"

namespace tidemill::state {

using core::Result;

namespace {

std::string timerOf(std::uint64_t time, std::string_view key) {
    std::string timer;
    timer.reserve(IdleKeys::kTimeBytes + key.size());
    for (int shift = 56; shift >= 0; shift -= 8) timer += static_cast<char>(time >> shift & 0xFF);
    timer += key;
    return timer;
}

// Also of batch times before 1970, which manual clocks may have.
std::uint64_t countedTime(BatchTime time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(toMillis(time), 0));
}

}  // namespace

Result<> IdleKeys::set(std::uint64_t time, std::string_view key) {
    earliest_ = std::min(earliest_, time);
    return timers_.put(timerOf(time, key), {});
}

Result<> IdleKeys::touch(BatchTime time, core::KeyViews keys, std::size_t count) {
    const auto millis = countedTime(time);
    Lookup lookup;  // not a member: it keeps the delta it has read from alive
    TM_TRY(touched_.get(keys, count, lookup));
    for (std::size_t i = 0; i < count; ++i) {
        if (lookup.found(i)) continue;  // it has a timer
        std::string_view key = keys[i];
        TM_TRY(set(millis, key));
    }
    operands_.assign(count, millis);
    return touched_.merge(keys, count, operands_.data());
}

Result<> IdleKeys::takeIdle(BatchTime before,
                            const std::function<Result<>(std::string_view key)>& idle) {
    const auto end = countedTime(before);
    if (earliest_ >= end) return {};
    earliest_ = std::numeric_limits<std::uint64_t>::max();
    auto walker = timers_.walk({.wordsBefore = end});
    std::vector<std::string> due;
    for (bool more = true; more;) {
        due.clear();
        while (due.size() < core::kChunkElements) {
            TM_ASSIGN(more, walker.next());
            if (!more) break;
            due.emplace_back(walker.key());
            if (due.back().size() < kTimeBytes)
                return core::fail(core::ErrorKind::kCorrupt,
                                  "a stored timer of an idle key does not parse");
        }
        TM_TRY(takeFrom(due, end, idle));
    }
    earliest_ = std::min(earliest_, walker.leastNotVisible());
    return {};
}

Result<> IdleKeys::takeFrom(const std::vector<std::string>& timers, std::uint64_t end,
                            const std::function<Result<>(std::string_view key)>& idle) {
    if (timers.empty()) return {};
    std::vector<std::string_view> keys;
    for (const auto& timer : timers) keys.push_back(std::string_view(timer).substr(kTimeBytes));
    Lookup lookup;
    TM_TRY(touched_.get({reinterpret_cast<const char*>(keys.data())}, keys.size(), lookup));
    std::vector<std::uint64_t> times;  // a change may invalidate the answers; 0: no such key
    for (std::size_t i = 0; i < keys.size(); ++i)
        times.push_back(lookup.found(i) ? lookup.number(i) : 0);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        TM_TRY(timers_.remove(timers[i]));
        if (times[i] >= end) {
            if (!TM_MUTANT(timer_not_set_anew)) TM_TRY(set(times[i], keys[i]));
            continue;
        }
        TM_TRY(touched_.remove(keys[i]));
        TM_TRY(idle(keys[i]));
    }
    return {};
}

Result<> IdleKeys::clear() {
    for (auto* range : {&touched_, &timers_}) {
        auto walker = range->walk();
        for (;;) {
            TM_ASSIGN(const bool more, walker.next());
            if (!more) break;
            TM_TRY(walker.remove());
        }
    }
    earliest_ = std::numeric_limits<std::uint64_t>::max();
    return {};
}

}  // namespace tidemill::state
