#include "sources/http/connections.h"

#include <sys/socket.h>

#include <utility>

#include "sources/descriptor_reserve.h"

namespace tidemill::sources::http {
namespace {

// A connection too many is there to be told so.
constexpr std::chrono::seconds kRefusedMax{5};
constexpr unsigned kRetrySeconds = 1;
// Of bodies that have not arrived whole, all together.
constexpr std::size_t kHeldBytesMax = 64 << 20;

Answer refused(unsigned code, const std::string& why) {
    Answer answer{code, why + "; nothing was taken"};
    answer.retrySeconds = kRetrySeconds;
    answer.closes = true;
    return answer;
}

}  // namespace

Connection& Connections::opened(int fd, std::string address, std::uint64_t number,
                                std::string& why) {
    const std::lock_guard lock(mutex_);
    unsigned code = 0;
    if (connections_.size() >= options_.connectionsMax) {
        code = 503;
        why = "too many connections: " + std::to_string(options_.connectionsMax) +
              " are open (max_connections)";
    } else if (leavesTooFewDescriptors(fd)) {
        code = 503;
        why =
            "too many connections: the limit of open files (RLIMIT_NOFILE) leaves no more for "
            "clients";
    } else if (const auto known = perAddress_.find(address);
               !address.empty() && known != perAddress_.end() &&
               known->second >= options_.connectionsPerAddressMax) {
        code = 429;
        why = "too many connections from " + address + ": " +
              std::to_string(options_.connectionsPerAddressMax) +
              " are open (max_connections_per_address)";
    }
    auto& made = connections_.emplace_back();
    places_[&made] = std::prev(connections_.end());
    made.fd = fd;
    made.number = number;
    made.since = std::chrono::steady_clock::now();
    if (code != 0) made.refusal = refused(code, why);
    if (!address.empty()) ++perAddress_[address];
    made.address = std::move(address);
    return made;
}

void Connections::closed(Connection& connection) {
    const std::lock_guard lock(mutex_);
    if (const auto known = perAddress_.find(connection.address); known != perAddress_.end())
        if (--known->second == 0) perAddress_.erase(known);
    heldBytes_ -= connection.heldBytes;
    const auto place = places_.find(&connection);
    connections_.erase(place->second);
    places_.erase(place);
}

void Connections::enters(Connection& connection, Connection::Stage stage) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    connection.stage = stage;
    connection.since = now;
}

void Connections::holds(Connection& connection, std::size_t bytes) {
    heldBytes_ = heldBytes_ - connection.heldBytes + bytes;
    connection.heldBytes = bytes;
    if (heldBytes_ <= kHeldBytesMax) return;
    const std::lock_guard lock(mutex_);
    std::size_t staying = 0;
    for (const auto& other : connections_)
        if (!other.isShut) staying += other.heldBytes;
    while (staying > kHeldBytesMax) {
        Connection* oldest = nullptr;
        for (auto& other : connections_)
            if (other.heldBytes != 0 && !other.isShut &&
                (oldest == nullptr || other.since < oldest->since))
                oldest = &other;
        staying -= oldest->heldBytes;
        shut(*oldest);
    }
}

std::size_t Connections::endSlow(std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    std::size_t ended = 0;
    for (auto& connection : connections_) {
        if (connection.isShut || connection.stage == Connection::Stage::kWaiting) continue;
        auto limit = connection.stage == Connection::Stage::kReading ? options_.requestTimeMax
                                                                     : options_.idleTimeMax;
        if (connection.refusal) limit = std::min<std::chrono::milliseconds>(limit, kRefusedMax);
        if (now - connection.since < limit) continue;
        shut(connection);
        ++ended;
    }
    return ended;
}

void Connections::shut(Connection& connection) {
    connection.isShut = true;
    ::shutdown(connection.fd, SHUT_RDWR);
}

std::size_t Connections::count() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

bool Connections::allAnswered() const {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : connections_)
        if (!connection.isShut && (connection.stage == Connection::Stage::kWaiting ||
                                   connection.stage == Connection::Stage::kAnswering))
            return false;
    return true;
}

}  // namespace tidemill::sources::http
