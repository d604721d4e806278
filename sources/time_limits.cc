#include "sources/time_limits.h"

#include <algorithm>

#include "sources/text_connection.h"

namespace tidemill::sources {
namespace {

// How long a peer may take to read our last words.
constexpr std::chrono::milliseconds kLingerMax{500};
constexpr std::chrono::milliseconds kTakeoverAgain{100};

}  // namespace

TimeLimits::TimeLimits(EventLoop& loop, const NetworkOptions& options)
    : loop_(loop), options_(options), timer_(loop.io()) {}

void TimeLimits::set(TextConnection& connection, std::optional<TimeLimit> limit) {
    auto& place = connection.timedPlace;
    if (place) {
        listOf(place->limit).erase(place->at);
        place.reset();
    }
    if (!limit) return;
    auto& list = listOf(*limit);
    place = TimedPlace{*limit,
                       list.insert(list.end(), {&connection, std::chrono::steady_clock::now()})};
    arm();
}

std::chrono::milliseconds TimeLimits::lengthOf(TimeLimit limit) const {
    switch (limit) {
        case TimeLimit::kFirstLine: return options_.firstLineMax;
        case TimeLimit::kUnfinishedLine: return options_.unfinishedLineMax;
        case TimeLimit::kTakeover: return kTakeoverAgain;
        default: return kLingerMax;
    }
}

void TimeLimits::arm() {
    if (armed_) return;
    std::optional<std::chrono::steady_clock::time_point> next;
    for (std::size_t i = 0; i < lists_.size(); ++i) {
        if (lists_[i].empty()) continue;
        const auto due = lists_[i].front().since + lengthOf(static_cast<TimeLimit>(i));
        if (!next || due < *next) next = due;
    }
    if (!next) return;
    // A line ends long before its time is up: look now and then instead of at every line's. The
    // short limits are looked at in time.
    const auto soonest = std::min(*next, std::chrono::steady_clock::now() + kLingerMax / 2);
    armed_ = true;
    timer_.expires_at(
        std::max(soonest, std::chrono::steady_clock::now() + std::chrono::milliseconds(1)));
    timer_.async_wait([this](const asio::error_code& error) {
        armed_ = false;
        if (!error) onTimer();
    });
}

void TimeLimits::onTimer() {
    loop_.flushIfRequested();
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < lists_.size(); ++i) {
        const auto limit = static_cast<TimeLimit>(i);
        while (!lists_[i].empty() && now - lists_[i].front().since >= lengthOf(limit)) {
            const auto connection = lists_[i].front().connection->shared_from_this();
            set(*connection, std::nullopt);
            connection->timeIsUp(limit);
        }
    }
    arm();
}

void TimeLimits::unfinishedChanged(std::size_t before, std::size_t after) {
    unfinishedBytes_ += after - before;
    auto& list = listOf(TimeLimit::kUnfinishedLine);
    while (unfinishedBytes_ > options_.unfinishedBytesMax) {
        // Lines already skipped as oversize hold nothing.
        const auto oldest = std::find_if(
            list.begin(), list.end(),
            [](const TimedConnection& entry) { return entry.connection->unfinishedBytes() != 0; });
        if (oldest == list.end()) return;
        oldest->connection->shared_from_this()->overUnfinishedBudget();
    }
}

}  // namespace tidemill::sources
