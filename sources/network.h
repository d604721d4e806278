// Inside of NetworkService: the I/O thread and what its connections share. Private to sources/.
//
// Who calls whom. A receiver (TextReceiver: dialling or listening) opens sockets and makes a
// connection (TextConnection, or SessionConnection with acknowledgements) for each.
//   bytes came          asio -> TextConnection::readable -> LineAssembler::makeRoom, room, added
//   block full, or      TextConnection::handOver -> LineAssembler::take -> BlockLog::append
//   input ended
//   a batch time        scheduler -> Network::sealOpenBlocks -> TextConnection::readTrickle, for
//                       those that setTrickling() named, then sealOpenBlock for those of setOpen()
//   a client waits for  SessionConnection::linesArrived -> Sessions::offer -> sealOpenBlock
//   acknowledgements
//   block durable       log's thread -> Network::onDurable -> Sessions -> SessionConnection::durable
//   budget used up      TextConnection -> Network::awaitBudget; when buffers come back, the pool ->
//                       Network::retryBudget -> TextConnection::readAgain
//   peer is gone        every 15 s -> TextReceiver::closeGone -> TextConnection::closeIfPeerGone
//   too slow, too much  Network::onTimer -> TextConnection::timeIsUp; Network::unfinishedChanged ->
//                       TextConnection::overUnfinishedBudget
// Other threads come in through posted handlers only.
// Thread safety: confined to the I/O thread, except where said.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "sources/line_assembler.h"
#include "sources/network_service.h"
#include "sources/sessions.h"

namespace tidemill::sources {

class TextConnection;
class TextReceiver;

// What a connection must not take too long for; each at most one at a time.
// kTakeover: when a connection that waits for a busy session asks again.
enum class TimeLimit { kFirstLine, kUnfinishedLine, kTakeover, kLinger, kCount };

struct TimedConnection {
    TextConnection* connection;
    std::chrono::steady_clock::time_point since;
};
// Where a connection stands in the list of its time limit.
struct TimedPlace {
    TimeLimit limit;
    std::list<TimedConnection>::iterator at;
};

class Network : public std::enable_shared_from_this<Network> {
public:
    Network(core::BlockLog& log, std::shared_ptr<core::BufferPool> pool, NetworkOptions options);

    // Thread-safe: listens to log and pool and starts the I/O thread; ends it.
    void start();
    void shutdown();
    // Thread-safe: runs `work` on the I/O thread and returns when it is done.
    void call(const std::function<void()>& work);
    // Thread-safe: see NetworkService.
    void sealOpenBlocks();
    void pause(bool paused);

    // Every handler of a connection calls this first: a batch time waits for one handler at most.
    void sealIfWanted();

    asio::io_context& io() { return io_; }
    core::BlockLog& log() { return log_; }
    core::BufferPool& pool() { return *pool_; }
    Sessions& sessions() { return sessions_; }
    const NetworkOptions& options() const { return options_; }
    LineLimits lineLimits() const { return {options_.recordBytesMax, options_.blockBytesMax}; }
    std::uint64_t nextConnectionNumber();
    bool paused() const { return paused_ || failed_; }
    bool failed() const { return failed_; }
    // The log takes nothing more: nothing is read from now on.
    void logFailed();

    void add(TextReceiver& receiver) { receivers_.insert(&receiver); }
    void remove(TextReceiver& receiver) { receivers_.erase(&receiver); }

    // Connections that hold a buffer; batch times go through them only.
    void setOpen(TextConnection& connection, bool open);
    // Connections that are read at batch times, because few bytes come at a time.
    void setTrickling(TextConnection& connection, bool trickling);
    // Of batch times so far.
    std::uint64_t seals() const { return seals_; }
    // The connection reads on when the budget has room again, or when reading is resumed.
    void awaitBudget(TextConnection& connection);
    void holdPaused(TextConnection& connection);
    // Tries those that holdPaused() keeps again.
    void retryPaused();

    void setTimeLimit(TextConnection& connection, std::optional<TimeLimit> limit);
    // The unfinished bytes of an accepted connection changed. May close that one or another.
    void unfinishedChanged(std::size_t before, std::size_t after);

private:
    void sealAll();
    void retryBudget();
    void onDurable();
    void armTimer();
    void onTimer();
    void armPeerTimer();
    std::chrono::milliseconds limitOf(TimeLimit limit) const;

    core::BlockLog& log_;
    const std::shared_ptr<core::BufferPool> pool_;
    const NetworkOptions options_;
    asio::io_context io_{1};
    asio::steady_timer timer_{io_};
    bool timerArmed_ = false;
    asio::steady_timer peerTimer_{io_};
    Sessions sessions_;

    std::unordered_set<TextReceiver*> receivers_;
    std::vector<TextConnection*> open_, trickling_;
    std::uint64_t seals_ = 0;
    std::deque<std::weak_ptr<TextConnection>> awaitingBudget_;
    std::vector<std::weak_ptr<TextConnection>> heldPaused_;
    std::array<std::list<TimedConnection>, static_cast<std::size_t>(TimeLimit::kCount)> timed_;
    std::size_t unfinishedBytes_ = 0;
    std::uint64_t connectionNumber_ = 0;
    bool paused_ = false;
    bool failed_ = false;

    std::atomic<bool> durablePosted_{false};
    std::atomic<bool> releasePosted_{false};
    std::atomic<std::uint64_t> sealWanted_{0};
    std::mutex mutex_;  // guards what follows
    std::condition_variable sealed_;
    std::uint64_t sealDone_ = 0;
    bool running_ = false;
    std::thread thread_;
};

}  // namespace tidemill::sources
