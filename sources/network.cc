#include "sources/network.h"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <future>

#include "core/check.h"
#include "core/logging.h"
#include "core/own_thread.h"
#include "sources/text_connection.h"
#include "sources/text_receiver.h"

namespace tidemill::sources {
namespace {

// How long a peer may take to read our last words.
constexpr std::chrono::milliseconds kLingerMax{500};
constexpr std::chrono::milliseconds kTakeoverAgain{100};

// How often connections with something on its way are looked at for peers that are gone.
constexpr std::chrono::seconds kPeersEvery{15};

// `place` is where a connection notes its place in `list`.
void setListed(std::vector<TextConnection*>& list, std::optional<std::size_t> TextConnection::*place,
               TextConnection& connection, bool listed) {
    auto& own = connection.*place;
    if (listed == own.has_value()) return;
    if (listed) {
        own = list.size();
        list.push_back(&connection);
        return;
    }
    list.back()->*place = *own;
    list[*own] = list.back();
    list.pop_back();
    own.reset();
}

std::vector<std::shared_ptr<TextConnection>> held(const std::vector<TextConnection*>& list) {
    std::vector<std::shared_ptr<TextConnection>> connections;
    connections.reserve(list.size());
    for (TextConnection* connection : list) connections.push_back(connection->shared_from_this());
    return connections;
}

}  // namespace

Network::Network(core::BlockLog& log, std::shared_ptr<core::BufferPool> pool,
                 NetworkOptions options)
    : log_(log),
      pool_(std::move(pool)),
      options_(options),
      sessions_(log, options.sessionsMax) {}

void Network::start() {
    // Both may outlive us and call from any thread; what they say is handled on ours.
    log_.onDurable([weak = weak_from_this()](core::Result<core::Lsn> durable) {
        const auto self = weak.lock();
        if (!self) return;
        if (!durable) {
            asio::post(self->io_, [weak] {
                if (const auto network = weak.lock()) network->logFailed();
            });
        } else if (!self->durablePosted_.exchange(true)) {
            asio::post(self->io_, [weak] {
                if (const auto network = weak.lock()) network->onDurable();
            });
        }
    });
    pool_->setReleaseListener([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && !self->releasePosted_.exchange(true))
            asio::post(self->io_, [weak] {
                if (const auto network = weak.lock()) network->retryBudget();
            });
    });
    armPeerTimer();
    running_ = true;
    thread_ = std::thread([this, work = asio::make_work_guard(io_)] {
        const core::OwnThreadScope own;
        io_.run();
    });
}

void Network::shutdown() {
    call([this] {
        const auto receivers = receivers_;
        for (TextReceiver* receiver : receivers) receiver->closeAll();
        timer_.cancel();
        peerTimer_.cancel();
    });
    {
        std::lock_guard lock(mutex_);
        if (!running_) return;
        running_ = false;
    }
    sealed_.notify_all();
    io_.stop();
    thread_.join();
    // What was cancelled still holds its connections until it has been told.
    io_.restart();
    io_.poll();
}

void Network::call(const std::function<void()>& work) {
    std::promise<void> done;
    {
        std::unique_lock lock(mutex_);
        if (!running_ || std::this_thread::get_id() == thread_.get_id()) {
            lock.unlock();
            return work();
        }
        asio::post(io_, [&] {
            sealIfWanted();
            work();
            done.set_value();
        });
    }
    done.get_future().wait();
}

void Network::sealOpenBlocks() {
    std::unique_lock lock(mutex_);
    if (!running_) return;
    const std::uint64_t wanted = sealWanted_.fetch_add(1) + 1;
    asio::post(io_, [self = shared_from_this()] { self->sealIfWanted(); });
    sealed_.wait(lock, [&] { return sealDone_ >= wanted || !running_; });
}

void Network::sealIfWanted() {
    const std::uint64_t wanted = sealWanted_.load();
    if (wanted == sealDone_) return;  // only this thread changes sealDone_
    sealAll();
    {
        std::lock_guard lock(mutex_);
        sealDone_ = wanted;
    }
    sealed_.notify_all();
}

void Network::sealAll() {
    ++seals_;
    // What one connection does may end others: they must live until their turn is over.
    for (const auto& connection : held(trickling_)) connection->readTrickle();
    for (const auto& connection : held(open_)) connection->sealOpenBlock();
}

void Network::pause(bool paused) {
    call([&] {
        paused_ = paused;
        if (!paused) retryPaused();
    });
}

std::uint64_t Network::nextConnectionNumber() {
    return (std::uint64_t{log_.epoch()} << 32) | ++connectionNumber_;
}

void Network::logFailed() {
    if (failed_) return;
    failed_ = true;
    core::logError("receiving ends: the log takes nothing more");
    // Not here: whoever found it out is in the middle of its connections.
    asio::post(io_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        const auto receivers = self->receivers_;
        for (TextReceiver* receiver : receivers) receiver->closeAll();
    });
}

void Network::setOpen(TextConnection& connection, bool open) {
    setListed(open_, &TextConnection::openPlace, connection, open);
}

void Network::setTrickling(TextConnection& connection, bool trickling) {
    setListed(trickling_, &TextConnection::tricklingPlace, connection, trickling);
}

void Network::awaitBudget(TextConnection& connection) {
    setTimeLimit(connection, std::nullopt);
    awaitingBudget_.push_back(connection.weak_from_this());
}

void Network::holdPaused(TextConnection& connection) {
    setTimeLimit(connection, std::nullopt);
    heldPaused_.push_back(connection.weak_from_this());
}

void Network::retryBudget() {
    releasePosted_.store(false);
    sealIfWanted();
    auto waiting = std::exchange(awaitingBudget_, {});
    while (!waiting.empty() && awaitingBudget_.empty()) {
        const auto connection = waiting.front().lock();
        waiting.pop_front();
        if (connection) connection->readAgain();
        sealIfWanted();
    }
    // The one refused again stays first.
    for (auto& connection : waiting) awaitingBudget_.push_back(std::move(connection));
}

void Network::retryPaused() {
    const auto waiting = std::exchange(heldPaused_, {});
    for (const auto& weak : waiting) {
        if (const auto connection = weak.lock()) connection->readAgain();
        sealIfWanted();
    }
}

void Network::onDurable() {
    durablePosted_.store(false);
    sealIfWanted();
    sessions_.onDurable();
}

void Network::setTimeLimit(TextConnection& connection, std::optional<TimeLimit> limit) {
    auto& place = connection.timedPlace;
    if (place) {
        timed_[static_cast<std::size_t>(place->limit)].erase(place->at);
        place.reset();
    }
    if (!limit) return;
    auto& list = timed_[static_cast<std::size_t>(*limit)];
    place = TimedPlace{*limit, list.insert(list.end(), {&connection,
                                                        std::chrono::steady_clock::now()})};
    armTimer();
}

std::chrono::milliseconds Network::limitOf(TimeLimit limit) const {
    switch (limit) {
        case TimeLimit::kFirstLine: return options_.firstLineMax;
        case TimeLimit::kUnfinishedLine: return options_.unfinishedLineMax;
        case TimeLimit::kTakeover: return kTakeoverAgain;
        default: return kLingerMax;
    }
}

void Network::armTimer() {
    if (timerArmed_) return;
    // Each list is in the order of its deadlines.
    std::optional<std::chrono::steady_clock::time_point> next;
    for (std::size_t i = 0; i < timed_.size(); ++i) {
        if (timed_[i].empty()) continue;
        const auto due = timed_[i].front().since + limitOf(static_cast<TimeLimit>(i));
        if (!next || due < *next) next = due;
    }
    if (!next) return;
    // A line ends long before its time is up: look now and then instead of at every line's. The
    // short limits are looked at in time.
    const auto soonest = std::min(*next, std::chrono::steady_clock::now() + kLingerMax / 2);
    timerArmed_ = true;
    timer_.expires_at(std::max(soonest, std::chrono::steady_clock::now() +
                                            std::chrono::milliseconds(1)));
    timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
        self->timerArmed_ = false;
        if (!error) self->onTimer();
    });
}

void Network::onTimer() {
    sealIfWanted();
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < timed_.size(); ++i) {
        const auto limit = static_cast<TimeLimit>(i);
        while (!timed_[i].empty() && now - timed_[i].front().since >= limitOf(limit)) {
            const auto connection = timed_[i].front().connection->shared_from_this();
            setTimeLimit(*connection, std::nullopt);
            connection->timeIsUp(limit);
        }
    }
    armTimer();
}

void Network::armPeerTimer() {
    peerTimer_.expires_after(kPeersEvery);
    peerTimer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
        const auto self = weak.lock();
        if (!self || error) return;
        self->sealIfWanted();
        const auto receivers = self->receivers_;
        for (TextReceiver* receiver : receivers) receiver->closeGone();
        self->armPeerTimer();
    });
}

void Network::unfinishedChanged(std::size_t before, std::size_t after) {
    unfinishedBytes_ += after - before;
    auto& list = timed_[static_cast<std::size_t>(TimeLimit::kUnfinishedLine)];
    while (unfinishedBytes_ > options_.unfinishedBytesMax) {
        // Lines already skipped as oversize hold nothing.
        const auto oldest = std::find_if(list.begin(), list.end(), [](const TimedConnection& entry) {
            return entry.connection->unfinishedBytes() != 0;
        });
        if (oldest == list.end()) return;
        oldest->connection->shared_from_this()->overUnfinishedBudget();
    }
}

}  // namespace tidemill::sources
