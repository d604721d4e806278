#include "sources/text_receiver.h"

#include <chrono>
#include <vector>

#include "core/logging.h"

namespace tidemill::sources {
namespace {

// How long a graceful stop waits for the log and for clients to read their last answer.
constexpr std::chrono::seconds kGracefulStopMax{30};

}  // namespace

TextReceiver::TextReceiver(std::shared_ptr<Network> network, core::SourceId source,
                           std::string label, core::SourceObserver* observer)
    : network_(std::move(network)),
      source_(source),
      label_(label.empty() ? "source " + core::toString(source) : std::move(label)),
      observer_(observer) {}

core::Result<> TextReceiver::start() {
    core::Result<> outcome;
    network_->loop().call([&] {
        if (started_) return;
        std::string where;
        outcome = open(where);
        if (!outcome) {
            outcome.error().message = label_ + ": " + outcome.error().message;
            return;
        }
        started_ = true;
        network_->add(*this);
        core::logInfo(label_ + ": " + where);
        if (observer_ != nullptr) observer_->sourceStarted(source_, where);
    });
    return outcome;
}

void TextReceiver::stop(bool graceful) {
    network_->loop().call([&] { graceful ? finishAll() : closeAll(); });
    if (!graceful) return;
    {
        std::unique_lock lock(mutex_);
        empty_.wait_for(lock, kGracefulStopMax, [this] { return allClosed_; });
    }
    network_->loop().call([this] { closeAll(); });
}

void TextReceiver::finishAll() {
    if (!started_) return closeAll();
    stopping_ = true;
    shut();
    std::vector<std::shared_ptr<TextConnection>> connections;
    for (const auto& entry : connections_) connections.push_back(entry.second);
    for (const auto& connection : connections) connection->finish();
    if (!connections_.empty()) return;
    std::lock_guard lock(mutex_);
    allClosed_ = true;
}

void TextReceiver::closeGone() {
    std::vector<std::shared_ptr<TextConnection>> connections;
    for (const auto& entry : connections_) connections.push_back(entry.second);
    for (const auto& connection : connections) {
        connection->closeIfPeerGone();
        network_->loop().flushIfRequested();
    }
}

void TextReceiver::closeAll() {
    stopping_ = true;
    shut();
    while (!connections_.empty()) {
        const auto connection = connections_.begin()->second;
        connection->close("stopped");
    }
    {
        std::lock_guard lock(mutex_);
        allClosed_ = true;
    }
    empty_.notify_all();
    if (!started_) return;
    started_ = false;
    network_->remove(*this);
    if (observer_ != nullptr)
        observer_->sourceStopped(source_, network_->failed() ? "the log failed" : "stopped");
}

void TextReceiver::pause(bool paused) {
    network_->loop().call([&] {
        paused_ = paused;
        if (!paused) network_->waiting().retryPaused();
    });
}

void TextReceiver::allow(std::uint64_t bytes) {
    network_->loop().call([&] {
        allowedBytes_ = bytes;
        if (mayRead()) network_->waiting().retryPaused();
    });
}

void TextReceiver::add(std::shared_ptr<TextConnection> connection, std::unique_ptr<Gate> gate) {
    ++counters.connections;
    ++counters.connectionsTotal;
    TextConnection& added = *connection;
    connections_.emplace(&added, std::move(connection));
    added.start(std::move(gate));
}

void TextReceiver::connectionClosed(TextConnection& connection, const std::string& why) {
    if (connections_.erase(&connection) == 0) return;
    --counters.connections;
    ended(connection, why);
    if (!stopping_ || !connections_.empty()) return;
    {
        std::lock_guard lock(mutex_);
        allClosed_ = true;
    }
    empty_.notify_all();
}

void TextReceiver::report(const std::string& message, core::SourceObserver::Trouble trouble) {
    core::logWarning(label_ + ": " + message);
    if (observer_ != nullptr) observer_->sourceError(source_, message, trouble);
}

void TextReceiver::recovered() {
    if (observer_ != nullptr) observer_->sourceRecovered(source_);
}

core::SourceStatistics TextReceiver::statistics() const {
    core::SourceStatistics now;
    now.bytes = counters.bytes;
    now.records = counters.records;
    now.oversize = counters.oversize;
    now.connections = counters.connections;
    now.connectionsTotal = counters.connectionsTotal;
    now.connectionsRefused = counters.connectionsRefused;
    now.connectionsClosed = counters.connectionsClosed;
    now.partialLinesDropped = counters.partialLinesDropped;
    now.resets = counters.resets;
    return now;
}

}  // namespace tidemill::sources
