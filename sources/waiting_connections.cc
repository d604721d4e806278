#include "sources/waiting_connections.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "sources/text_connection.h"

namespace tidemill::sources {
namespace {

// `place` is where a connection notes its place in `list`.
void setListed(std::vector<TextConnection*>& list,
               std::optional<std::size_t> TextConnection::*place, TextConnection& connection,
               bool listed) {
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

void WaitingConnections::setOpen(TextConnection& connection, bool open) {
    setListed(open_, &TextConnection::openPlace, connection, open);
}

void WaitingConnections::setLowRate(TextConnection& connection, bool lowRate) {
    setListed(lowRate_, &TextConnection::lowRatePlace, connection, lowRate);
}

void WaitingConnections::awaitBudget(TextConnection& connection) {
    limits_.set(connection, std::nullopt);
    awaitingBudget_.push_back(connection.weak_from_this());
}

void WaitingConnections::holdPaused(TextConnection& connection) {
    limits_.set(connection, std::nullopt);
    paused_.push_back(connection.weak_from_this());
}

void WaitingConnections::flush() {
    ++flushes_;
    // What one connection does may end others: they must live until their turn is over.
    for (const auto& connection : held(lowRate_)) connection->readLowRate();
    for (const auto& connection : held(open_)) connection->flushOpenBlock();
}

void WaitingConnections::retryBudget() {
    auto waiting = std::exchange(awaitingBudget_, {});
    while (!waiting.empty() && awaitingBudget_.empty()) {
        const auto connection = waiting.front().lock();
        waiting.pop_front();
        if (connection) connection->readAgain();
        loop_.flushIfRequested();
    }
    // The one refused again stays first.
    for (auto& connection : waiting) awaitingBudget_.push_back(std::move(connection));
}

void WaitingConnections::retryPaused() {
    const auto waiting = std::exchange(paused_, {});
    for (const auto& weak : waiting) {
        if (const auto connection = weak.lock()) connection->readAgain();
        loop_.flushIfRequested();
    }
}

}  // namespace tidemill::sources
