// Inside of NetworkService: what the receivers and connections of one service share. Private to
// sources/.
//
// Who calls whom. A receiver (TextReceiver: dialling or listening) opens sockets and makes a
// connection (TextConnection, or SessionConnection with acknowledgements) for each, over a Channel.
//   bytes came          channel -> TextConnection::readable ->
//                       RecordAssembler::makeRoom, room, added
//   block full, or      TextConnection::handOver -> RecordAssembler::take -> BlockLog::append
//   input ended
//   a batch time        scheduler -> EventLoop::flushOpenBlocks -> WaitingConnections::flush ->
//                       TextConnection::readLowRate, for those that setLowRate() named, then
//                       flushOpenBlock for those of setOpen()
//   a client waits for  SessionConnection::linesArrived -> Sessions::answerLater -> flushOpenBlock
//   acknowledgements
//   block durable       log's thread -> Network::onDurable -> Sessions ->
//                       SessionConnection::durable
//   of HTTP and Flume   Network::onDurable -> LogListener (sources/http/http_intake.h,
//                       sources/flume/flume_intake.h)
//   budget used up      TextConnection -> WaitingConnections::awaitBudget; when buffers come back,
//                       the pool -> Network -> WaitingConnections::retryBudget ->
//                       TextConnection::readAgain
//   peer is gone        every 15 s -> TextReceiver::closeGone -> TextConnection::closeIfPeerGone
//   too slow, too much  TimeLimits -> TextConnection::timeIsUp, overUnfinishedBudget
// Other threads come in through posted handlers only. What a connection waits for, and what becomes
// of it: the table in text_connection.h.
// Thread safety: confined to the I/O thread, except where said.
#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "sources/event_loop.h"
#include "sources/network_service.h"
#include "sources/record_assembler.h"
#include "sources/sessions.h"
#include "sources/time_limits.h"
#include "sources/waiting_connections.h"

namespace tidemill::sources {

class TextReceiver;

// Is told of the log, on the I/O thread.
class LogListener {
public:
    virtual ~LogListener() = default;
    // More of it is durable.
    virtual void moreIsDurable() = 0;
    // It takes nothing more.
    virtual void logFailed() = 0;
};

class Network : public std::enable_shared_from_this<Network> {
public:
    Network(core::BlockLog& log, std::shared_ptr<core::BufferPool> pool, NetworkOptions options);

    // Thread-safe: listens to log and pool and starts the I/O thread; ends it.
    void start();
    void shutdown();
    // Thread-safe: see NetworkService.
    void pause(bool paused);

    EventLoop& loop() { return loop_; }
    TimeLimits& limits() { return limits_; }
    WaitingConnections& waiting() { return waiting_; }
    Sessions& sessions() { return sessions_; }
    core::BlockLog& log() { return log_; }
    core::BufferPool& pool() { return *pool_; }
    LineLimits lineLimits() const { return {options_.recordBytesMax, options_.blockBytesMax}; }
    // Thread-safe.
    std::uint64_t nextConnectionNumber();
    std::size_t sessionsMax() const { return options_.sessionsMax; }
    bool paused() const { return paused_ || failed_; }
    bool failed() const { return failed_; }
    // The log takes nothing more: nothing is read from now on.
    void logFailed();

    void add(TextReceiver& receiver) { receivers_.insert(&receiver); }
    void remove(TextReceiver& receiver) { receivers_.erase(&receiver); }
    // A listener removes itself before it goes.
    void add(LogListener& listener) { listeners_.insert(&listener); }
    void remove(LogListener& listener) { listeners_.erase(&listener); }

private:
    void onDurable();
    void onBuffersReleased();
    void forEachReceiver(const std::function<void(TextReceiver&)>& visit);
    void armPeerTimer();

    core::BlockLog& log_;
    const std::shared_ptr<core::BufferPool> pool_;
    const NetworkOptions options_;
    EventLoop loop_;
    TimeLimits limits_;
    WaitingConnections waiting_;
    Sessions sessions_;
    asio::steady_timer peerTimer_;
    std::unordered_set<TextReceiver*> receivers_;
    std::unordered_set<LogListener*> listeners_;
    std::atomic<std::uint32_t> connectionNumber_{0};
    bool paused_ = false;
    bool failed_ = false;

    // A handler is on its way: thread-safe.
    std::atomic<bool> durablePosted_{false};
    std::atomic<bool> releasePosted_{false};
};

}  // namespace tidemill::sources
