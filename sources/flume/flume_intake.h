// A Flume source at work, on the network's I/O thread: requests come in on connections, their
// events go to the log, one block a request, and the answers leave when that is durable. Private to
// sources/flume/.
//
// One request's way:
//   its bytes come          FlumeConnection -> Protocol::take
//   it is whole             requested -> tryTake -> BlockLog::append; kWaiting
//   there is no room        kHeld: tried again every few milliseconds, FIFO
//   its events are durable  moreIsDurable -> FlumeConnection::answer(true)
//   it took too long        lookAtTimes -> FlumeConnection::answer(false)
//   it cannot be            refuse: the connection is closed
#pragma once

#include <array>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/source.h"
#include "sources/acceptor.h"
#include "sources/flume/event_batch.h"
#include "sources/flume/flume_connection.h"
#include "sources/network.h"
#include "sources/network_service.h"
#include "sources/tls_context.h"

namespace tidemill::sources::flume {

// Thread safety: start, stop, pause, allow, statistics and port are thread-safe, but start and stop
// are not called at the same time; the rest is confined to the I/O thread.
class FlumeIntake final : public LogListener, public std::enable_shared_from_this<FlumeIntake> {
public:
    FlumeIntake(std::shared_ptr<Network> network, core::SourceId source, FlumeListen listen,
                core::SourceObserver* observer);

    core::Result<> start();
    void stop(bool graceful);
    void pause(bool paused) { paused_ = paused; }
    // Takes no request once so many bytes were taken, until the next call.
    void allow(std::uint64_t bytes) { allowedBytes_ = bytes; }
    core::SourceStatistics statistics() const;
    std::uint16_t port() const { return port_; }

    // For connections.
    void requested(FlumeConnection& connection);
    void refuse(FlumeConnection& connection, const std::string& why);
    // What it holds has changed.
    void holds(FlumeConnection& connection);
    void forget(FlumeConnection& connection);
    void wasReset() { ++resets_; }
    void flushIfRequested() { network_->loop().flushIfRequested(); }
    void post(std::function<void()> work) { network_->loop().post(std::move(work)); }
    // For what was read, until the next call.
    std::span<char> readBuffer() { return readBuffer_; }

private:
    using Stage = FlumeConnection::Stage;
    using Clock = FlumeConnection::Clock;
    struct Waiting {
        core::Lsn lsn;
        std::weak_ptr<FlumeConnection> connection;
        std::uint64_t request;
    };

    void moreIsDurable() override;
    void logFailed() override;

    core::Result<> open();
    void accept();
    void accepted(Acceptor::Client client);
    // Empty: it may come in.
    std::string whyNot(const Acceptor::Client& client) const;

    // False: there is no room, and it is to be tried again.
    bool tryTake(FlumeConnection& connection);
    void append(FlumeConnection& connection, core::Buffer buffer);
    void hasTaken(std::uint64_t bytes);
    void retryHeld();
    void giveBackHeld();
    // Answers FAILED.
    void fail(FlumeConnection& connection);
    bool isWaiting() const;

    void lookAtTimes();
    void armTimer();
    void armRetry();
    void closeAll();
    // Seldom said again, so that a flood of clients does not fill our log.
    void report(const std::string& message);

    const std::shared_ptr<Network> network_;
    const core::SourceId source_;
    const FlumeListen listen_;
    const std::string label_;
    core::SourceObserver* const observer_;
    const EventLimits limits_;
    std::unique_ptr<Acceptor> acceptor_;
    TlsContext tls_;  // null: no encryption
    asio::steady_timer timer_, retryTimer_, acceptTimer_;
    EventBatch events_;  // of the request at hand
    std::array<char, 64 << 10> readBuffer_;
    std::unordered_map<FlumeConnection*, std::shared_ptr<FlumeConnection>> connections_;
    std::unordered_map<std::string, std::size_t> perAddress_;
    std::deque<std::weak_ptr<FlumeConnection>> held_;
    std::deque<Waiting> waiting_;  // in LSN order
    std::size_t heldBytes_ = 0;
    std::optional<Clock::time_point> reported_;
    unsigned reports_ = 0;  // since then
    bool started_ = false, isRetrying_ = false, isGivingBack_ = false;

    std::atomic<std::uint16_t> port_{0};
    std::atomic<bool> paused_{false}, stopping_{false}, logFailed_{false};
    std::atomic<std::uint64_t> allowedBytes_{core::Allowance::kUnlimited};
    std::atomic<std::uint64_t> bytes_{0}, records_{0}, oversize_{0}, open_{0}, total_{0},
        refused_{0}, ended_{0}, resets_{0};
};

}  // namespace tidemill::sources::flume
