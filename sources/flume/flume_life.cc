// The life of a Flume source: its socket, its timers, its end.
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <thread>

#include "core/logging.h"
#include "sources/descriptor_reserve.h"
#include "sources/flume/flume_intake.h"
#include "sources/flume/flume_source.h"
#include "sources/socket_channel.h"
#include "sources/text_receiver.h"
#include "sources/tls_channel.h"

namespace tidemill::sources::flume {
namespace {

using core::Result;

constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::chrono::milliseconds kRetryEvery{5};
constexpr std::chrono::milliseconds kAcceptAgain{20};
// How long a graceful stop waits for the log and for answers to leave.
constexpr std::chrono::seconds kGracefulStopMax{30};
constexpr std::chrono::milliseconds kStopLookEvery{2};

class Handle final : public ReceiverHandle<ListeningReceiver, FlumeIntake> {
public:
    using ReceiverHandle::ReceiverHandle;
    std::uint16_t port() const override { return receiver_->port(); }
};

}  // namespace

Result<> FlumeIntake::start() {
    if (started_) return {};
    Result<> opened;
    network_->loop().call([&] {
        opened = open();
        if (!opened) return;
        network_->add(*this);
        armTimer();
        accept();
    });
    if (!opened) {
        opened.error().message = label_ + ": " + opened.error().message;
        return opened;
    }
    started_ = true;
    const std::string where =
        std::string("takes events of Flume agents (") +
        (listen_.options.protocol == FlumeProtocol::kAvro ? "avro" : "thrift") +
        (listen_.options.encrypts() ? ", TLS" : "") + ") on " + acceptor_->where();
    core::logInfo(label_ + ": " + where);
    if (observer_ != nullptr) observer_->sourceStarted(source_, where);
    return {};
}

Result<> FlumeIntake::open() {
    const auto& options = listen_.options;
    TM_TRY(checkOptions(options));
    if (budgetFor(options) > network_->pool().budgetBytes())
        return core::fail(core::ErrorKind::kInvalid,
                          "a request of max_request_bytes and max_request_events takes up to " +
                              std::to_string(budgetFor(options)) +
                              " bytes of memory, but receive_budget is " +
                              std::to_string(network_->pool().budgetBytes()) +
                              ": make that larger, or requests smaller");
    if (options.encrypts()) {
        TM_ASSIGN(tls_, makeServerContext({options.certFile, options.keyFile, {}}));
    }
    TM_ASSIGN(acceptor_,
              makeAcceptor(network_->loop().io(), options.host, options.port, options.allowRemote));
    port_ = acceptor_->port();
    return {};
}

void FlumeIntake::accept() {
    acceptor_->accept([me = shared_from_this()](const asio::error_code& error,
                                                std::optional<Acceptor::Client> client) {
        me->flushIfRequested();
        if (me->stopping_ || !me->acceptor_->isOpen()) return;
        if (client) me->accepted(std::move(*client));
        if (!error || client) return me->accept();
        // No descriptor is free, or the client is gone again.
        me->acceptTimer_.expires_after(kAcceptAgain);
        me->acceptTimer_.async_wait([me](const asio::error_code& cancelled) {
            me->flushIfRequested();
            if (!cancelled && !me->stopping_) me->accept();
        });
    });
}

std::string FlumeIntake::whyNot(const Acceptor::Client& client) const {
    const auto& options = listen_.options;
    if (connections_.size() >= options.connectionsMax)
        return std::to_string(options.connectionsMax) + " are open (max_connections)";
    const auto known = perAddress_.find(client.host);
    if (known != perAddress_.end() && known->second >= options.connectionsPerAddressMax)
        return std::to_string(options.connectionsPerAddressMax) + " from " + client.host +
               " are open (max_connections_per_address)";
    return {};
}

void FlumeIntake::accepted(Acceptor::Client client) {
    ++total_;
    auto why = whyNot(client);
    if (why.empty() && leavesTooFewDescriptors(client.socket.native_handle()))
        why = "the limit of open files (RLIMIT_NOFILE) leaves no more for clients";
    if (!why.empty()) {
        ++refused_;
        return report("too many connections: " + why + "; new ones are closed until one ends");
    }
    if (!client.host.empty()) ++perAddress_[client.host];
    auto channel = tls_ ? makeTlsChannel(std::move(client.socket), tls_)
                        : makeSocketChannel(std::move(client.socket));
    channel->sendAtOnce();
    auto connection = std::make_shared<FlumeConnection>(
        shared_from_this(), std::move(channel), makeProtocol(listen_.options.protocol, limits_),
        std::move(client.host), network_->nextConnectionNumber());
    ++open_;
    connections_[connection.get()] = connection;
    connection->begin();
}

void FlumeIntake::armTimer() {
    timer_.expires_after(kLookEvery);
    timer_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
        const auto self = weak.lock();
        if (!self || cancelled) return;
        self->flushIfRequested();
        self->lookAtTimes();
        self->armTimer();
    });
}

void FlumeIntake::armRetry() {
    if (isRetrying_ || held_.empty()) return;
    isRetrying_ = true;
    retryTimer_.expires_after(kRetryEvery);
    retryTimer_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
        const auto self = weak.lock();
        if (!self || cancelled) return;
        self->flushIfRequested();
        self->isRetrying_ = false;
        self->retryHeld();
        self->armRetry();
    });
}

void FlumeIntake::closeAll() {
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->close();
    held_.clear();
    waiting_.clear();
}

void FlumeIntake::stop(bool graceful) {
    if (!started_ || stopping_.exchange(true)) return;
    const auto until = Clock::now() + kGracefulStopMax;
    bool goesOn = graceful;
    network_->loop().call([&] {
        acceptor_->close();
        acceptTimer_.cancel();
        // Nothing of them is in the log.
        for (const auto& one : std::exchange(held_, {}))
            if (const auto held = one.lock(); held && held->stage() == Stage::kHeld)
                held->answer(false);
    });
    while (goesOn && Clock::now() < until) {
        network_->loop().call([&] { goesOn = isWaiting(); });
        if (goesOn) std::this_thread::sleep_for(kStopLookEvery);
    }
    network_->loop().call([this] {
        network_->remove(*this);
        timer_.cancel();
        retryTimer_.cancel();
        closeAll();
    });
    if (observer_ != nullptr)
        observer_->sourceStopped(source_, logFailed_ ? "the log failed" : "stopped");
}

std::unique_ptr<ListeningReceiver> makeFlumeSource(std::shared_ptr<Network> network,
                                                   core::SourceId source, FlumeListen listen,
                                                   core::SourceObserver* observer) {
    return std::make_unique<Handle>(
        std::make_shared<FlumeIntake>(std::move(network), source, std::move(listen), observer));
}

}  // namespace tidemill::sources::flume
