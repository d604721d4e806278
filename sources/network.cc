#include "sources/network.h"

#include <chrono>

#include "core/connection_number.h"
#include "core/logging.h"
#include "sources/text_receiver.h"

namespace tidemill::sources {
namespace {

// How often connections with something on its way are looked at for peers that are gone.
constexpr std::chrono::seconds kPeersEvery{15};

}  // namespace

Network::Network(core::BlockLog& log, std::shared_ptr<core::BufferPool> pool,
                 NetworkOptions options)
    : log_(log),
      pool_(std::move(pool)),
      options_(options),
      loop_([this] { waiting_.flush(); }),
      limits_(loop_, options_),
      waiting_(loop_, limits_),
      sessions_(log, options.sessionsMax),
      peerTimer_(loop_.io()) {}

void Network::start() {
    // Both may outlive us and call from any thread; what they say is handled on ours.
    const auto post = [weak = weak_from_this()](Network& network, void (Network::*handler)()) {
        network.loop_.post([weak, handler] {
            if (const auto self = weak.lock()) (self.get()->*handler)();
        });
    };
    log_.onDurable([weak = weak_from_this(), post](core::Result<core::Lsn> durable) {
        const auto self = weak.lock();
        if (!self) return;
        if (!durable) post(*self, &Network::logFailed);
        else if (!self->durablePosted_.exchange(true)) post(*self, &Network::onDurable);
    });
    pool_->setReleaseListener([weak = weak_from_this(), post] {
        const auto self = weak.lock();
        if (self && !self->releasePosted_.exchange(true)) post(*self, &Network::onBuffersReleased);
    });
    armPeerTimer();
    loop_.start();
}

void Network::shutdown() {
    loop_.call([this] {
        forEachReceiver([](TextReceiver& receiver) { receiver.closeAll(); });
        limits_.cancel();
        peerTimer_.cancel();
    });
    loop_.stop();
}

void Network::forEachReceiver(const std::function<void(TextReceiver&)>& visit) {
    const auto receivers = receivers_;
    for (TextReceiver* receiver : receivers) visit(*receiver);
}

void Network::pause(bool paused) {
    loop_.call([&] {
        paused_ = paused;
        if (!paused) waiting_.retryPaused();
    });
}

std::uint64_t Network::nextConnectionNumber() {
    const auto before = connectionNumber_.fetch_add(1, std::memory_order_relaxed);
    return core::socketConnection(log_.epoch(), before % core::kSocketConnectionsMax + 1);
}

void Network::logFailed() {
    if (failed_) return;
    failed_ = true;
    core::logError("receiving ends: the log takes nothing more");
    // Not here: whoever found it out is in the middle of its connections.
    loop_.post([weak = weak_from_this()] {
        if (const auto self = weak.lock())
            self->forEachReceiver([](TextReceiver& receiver) { receiver.closeAll(); });
    });
    const auto listeners = listeners_;
    for (LogListener* listener : listeners) listener->logFailed();
}

void Network::onBuffersReleased() {
    releasePosted_.store(false);
    loop_.flushIfRequested();
    waiting_.retryBudget();
}

void Network::onDurable() {
    durablePosted_.store(false);
    loop_.flushIfRequested();
    sessions_.onDurable();
    for (LogListener* listener : listeners_) listener->moreIsDurable();
}

void Network::armPeerTimer() {
    peerTimer_.expires_after(kPeersEvery);
    peerTimer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
        const auto self = weak.lock();
        if (!self || error) return;
        self->loop_.flushIfRequested();
        self->forEachReceiver([](TextReceiver& receiver) { receiver.closeGone(); });
        self->armPeerTimer();
    });
}

}  // namespace tidemill::sources
