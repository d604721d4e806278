// What receivers over sockets have in common: their connections and counters. Private to sources/.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/source.h"
#include "sources/network.h"
#include "sources/text_connection.h"

namespace tidemill::sources {

// Written by the I/O thread, read by any.
struct ReceiverCounters {
    std::atomic<std::uint64_t> bytes{0}, records{0}, oversize{0}, connections{0},
        connectionsTotal{0}, connectionsRefused{0}, connectionsClosed{0}, partialLinesDropped{0},
        resets{0};
};

// Thread safety: the first group is thread-safe, the rest confined to the I/O thread.
class TextReceiver : public std::enable_shared_from_this<TextReceiver> {
public:
    TextReceiver(std::shared_ptr<Network> network, core::SourceId source, std::string label,
                 core::SourceObserver* observer);
    virtual ~TextReceiver() = default;

    core::Result<> start();
    void stop(bool graceful);
    void pause(bool paused);
    // Reads so many bytes at most until the next call.
    void allow(std::uint64_t bytes);
    core::SourceStatistics statistics() const;
    Network& network() { return *network_; }

    core::SourceId source() const { return source_; }
    bool mayRead() const { return !paused_ && allowedBytes_ != 0; }
    std::uint64_t allowedBytes() const { return allowedBytes_; }
    // Counts what was read.
    void hasRead(std::uint64_t bytes) {
        counters.bytes += bytes;
        if (allowedBytes_ != core::Allowance::kUnlimited) allowedBytes_ -= bytes;
    }
    // Ends connections whose peer is gone (isPeerGone()).
    void closeGone();
    // Stops accepting or dialling and ends all connections at once.
    void closeAll();
    void connectionClosed(TextConnection& connection, const std::string& why);
    // A client that may not send lines.
    virtual void turnedAway(TextConnection&, const std::string& /*why*/) {}
    // The connection's gate is open: its lines come now.
    virtual void letIn(TextConnection&) {}

    ReceiverCounters counters;

protected:
    // Begins to accept or dial; `where` gets what to call it.
    virtual core::Result<> open(std::string& where) = 0;
    // Ends that. Idempotent.
    virtual void shut() = 0;
    virtual void ended(TextConnection& connection, const std::string& why) = 0;

    void add(std::shared_ptr<TextConnection> connection, std::unique_ptr<Gate> gate = nullptr);
    // Tells log and observer that something failed and we go on.
    void report(const std::string& message, core::SourceObserver::Trouble trouble);
    void recovered();
    bool stopping() const { return stopping_; }
    // What messages call this source.
    const std::string& label() const { return label_; }
    std::size_t openConnections() const { return connections_.size(); }

    const std::shared_ptr<Network> network_;

private:
    void finishAll();

    const core::SourceId source_;
    const std::string label_;
    core::SourceObserver* const observer_;
    bool started_ = false;
    bool stopping_ = false;
    bool paused_ = false;
    std::uint64_t allowedBytes_ = core::Allowance::kUnlimited;
    std::unordered_map<TextConnection*, std::shared_ptr<TextConnection>> connections_;
    std::mutex mutex_;
    std::condition_variable empty_;
    bool allClosed_ = false;  // guarded by mutex_
};

// Sources over a TextReceiver: they end it when they go.
std::unique_ptr<core::Source> makeDialingReceiver(std::shared_ptr<Network> network,
                                                  core::SourceId source, DialOptions options,
                                                  core::SourceObserver* observer);
std::unique_ptr<ListeningReceiver> makeListeningReceiver(std::shared_ptr<Network> network,
                                                         core::SourceId source,
                                                         ListenOptions options,
                                                         core::SourceObserver* observer);

// A core::Source over a TextReceiver or what has its functions.
template <class Interface, class Implementation>
class ReceiverHandle : public Interface {
public:
    explicit ReceiverHandle(std::shared_ptr<Implementation> receiver)
        : receiver_(std::move(receiver)) {}
    ~ReceiverHandle() override { receiver_->stop(false); }
    core::Result<> start() override { return receiver_->start(); }
    void pause() override { receiver_->pause(true); }
    void resume() override { receiver_->pause(false); }
    bool canBeLimited() const override { return true; }
    void allow(const core::Allowance& allowance) override { receiver_->allow(allowance.bytes); }
    void stop(bool graceful) override { receiver_->stop(graceful); }
    core::SourceStatistics statistics() const override { return receiver_->statistics(); }

protected:
    const std::shared_ptr<Implementation> receiver_;
};

}  // namespace tidemill::sources
