#include "sources/flume/flume_intake.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/logging.h"

namespace tidemill::sources::flume {
namespace {

// Of requests that have not come whole or have no room, all together.
constexpr std::size_t kHeldBytesMax = 64 << 20;
// So many lines in so long.
constexpr std::chrono::seconds kReportEvery{10};
constexpr unsigned kReportsMax = 5;

}  // namespace

FlumeIntake::FlumeIntake(std::shared_ptr<Network> network, core::SourceId source,
                         FlumeListen listen, core::SourceObserver* observer)
    : network_(std::move(network)),
      source_(source),
      listen_(std::move(listen)),
      label_(listen_.label.empty() ? "source " + core::toString(source) : listen_.label),
      observer_(observer),
      limits_{listen_.options.requestBytesMax, listen_.options.requestEventsMax,
              listen_.options.headerBytesMax, network_->lineLimits().recordBytesMax},
      timer_(network_->loop().io()),
      retryTimer_(network_->loop().io()),
      acceptTimer_(network_->loop().io()),
      events_(limits_) {}

void FlumeIntake::requested(FlumeConnection& connection) {
    if (paused_ || stopping_ || logFailed_) {
        if (paused_)
            report(
                "requests are answered FAILED: receiving is paused, by an operator or until "
                "the disk has room");
        return connection.answer(false);
    }
    if (held_.empty() && tryTake(connection)) return;
    if (connection.stage() != Stage::kHeld) return;
    held_.push_back(connection.weak_from_this());
    armRetry();
}

bool FlumeIntake::tryTake(FlumeConnection& connection) {
    if (paused_ || allowedBytes_ == 0) return false;
    core::Buffer buffer;
    if (connection.neededBytes != 0) {
        // Not read again only to see that there is no room.
        buffer = network_->pool().tryAcquire(connection.neededBytes);
        if (!buffer) return false;
    }
    events_.clear();
    if (const auto read = connection.protocol().read(events_); !read) {
        refuse(connection, read.error().message);
        return true;
    }
    if (events_.events() == 0 && events_.oversize() == 0) {
        connection.answer(true);
        return true;
    }
    if (!buffer) {
        connection.neededBytes = std::max<std::size_t>(events_.bytes().size(), 1);
        buffer = network_->pool().tryAcquire(connection.neededBytes);
        if (!buffer) return false;
    }
    append(connection, std::move(buffer));
    return true;
}

void FlumeIntake::append(FlumeConnection& connection, core::Buffer buffer) {
    const auto bytes = events_.bytes();
    if (!bytes.empty()) std::memcpy(buffer.data(), bytes.data(), bytes.size());
    core::BlockOrigin origin;
    origin.source = source_;
    origin.connection = connection.number();
    origin.firstLine = connection.nextLine();
    origin.lines = events_.events();
    origin.oversize = events_.oversize();
    const auto block = std::make_shared<core::Block>(std::move(buffer), bytes.size(), origin);
    if (network_->log().append(block) != core::BlockLog::Outcome::kQueued)
        return connection.answer(false);
    if (events_.oversize() != 0)
        report(std::to_string(events_.oversize()) +
               " events of a request were left out: their bodies are longer than " +
               std::to_string(limits_.bodyBytesMax) + " bytes (max_record_bytes)");
    records_ += events_.events();
    oversize_ += events_.oversize();
    hasTaken(bytes.size());
    connection.hasLogged(events_.events() + events_.oversize());
    waiting_.push_back({block->lsn(), connection.weak_from_this(), connection.request()});
}

void FlumeIntake::hasTaken(std::uint64_t bytes) {
    bytes_ += bytes;
    auto allowed = allowedBytes_.load();
    while (allowed != core::Allowance::kUnlimited &&
           !allowedBytes_.compare_exchange_weak(allowed, allowed - std::min(allowed, bytes))) {
    }
}

void FlumeIntake::retryHeld() {
    while (!held_.empty()) {
        const auto connection = held_.front().lock();
        if (connection && connection->stage() == Stage::kHeld && !tryTake(*connection)) return;
        held_.pop_front();
    }
}

// A connection whose request is answered FAILED meanwhile is passed over.
void FlumeIntake::moreIsDurable() {
    const auto durable = network_->log().durable();
    while (!waiting_.empty() && waiting_.front().lsn <= durable) {
        const auto connection = waiting_.front().connection.lock();
        const auto request = waiting_.front().request;
        waiting_.pop_front();
        if (connection && connection->stage() == Stage::kWaiting &&
            connection->request() == request)
            connection->answer(true);
    }
}

void FlumeIntake::logFailed() {
    logFailed_ = true;
    closeAll();
}

void FlumeIntake::refuse(FlumeConnection& connection, const std::string& why) {
    ++ended_;
    report("a connection" +
           (connection.address().empty() ? std::string() : " from " + connection.address()) +
           " was closed, and nothing of its request was taken: " + why);
    connection.close();
}

void FlumeIntake::forget(FlumeConnection& connection) {
    if (const auto known = perAddress_.find(connection.address()); known != perAddress_.end())
        if (--known->second == 0) perAddress_.erase(known);
    heldBytes_ -= std::exchange(connection.heldBytes, 0);
    --open_;
    connections_.erase(&connection);
}

void FlumeIntake::holds(FlumeConnection& connection) {
    if (connection.stage() == Stage::kClosed) return;
    const auto now = connection.protocol().heldBytes();
    heldBytes_ = heldBytes_ - connection.heldBytes + now;
    connection.heldBytes = now;
    if (heldBytes_ > kHeldBytesMax) giveBackHeld();
}

// The oldest that waits for room is told to come again; when none does, the one that has been
// sending longest loses its connection.
void FlumeIntake::giveBackHeld() {
    if (std::exchange(isGivingBack_, true)) return;
    report("requests that have not come whole or wait for room hold more than " +
           std::to_string(kHeldBytesMax) +
           " bytes together: the oldest are answered FAILED, or their connections closed");
    while (heldBytes_ > kHeldBytesMax) {
        std::shared_ptr<FlumeConnection> oldest;
        const auto isBefore = [&](const FlumeConnection& other) {
            if (!oldest) return true;
            const bool isHeld = other.stage() == Stage::kHeld;
            if (isHeld != (oldest->stage() == Stage::kHeld)) return isHeld;
            return other.since() < oldest->since();
        };
        for (const auto& [key, other] : connections_)
            if (other->heldBytes != 0 && isBefore(*other)) oldest = other;
        if (!oldest) break;
        if (oldest->stage() == Stage::kHeld) {
            fail(*oldest);
        } else {
            ++ended_;
            oldest->close();
        }
    }
    isGivingBack_ = false;
}

void FlumeIntake::fail(FlumeConnection& connection) {
    if (connection.stage() == Stage::kHeld)
        std::erase_if(held_, [&](const auto& one) { return one.lock().get() == &connection; });
    connection.answer(false);
}

bool FlumeIntake::isWaiting() const {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto& one) {
        return one.second->stage() == Stage::kWaiting || one.second->stage() == Stage::kAnswering;
    });
}

void FlumeIntake::lookAtTimes() {
    const auto now = Clock::now();
    std::vector<std::shared_ptr<FlumeConnection>> failed, slow;
    for (const auto& [key, connection] : connections_) {
        const auto stage = connection->stage();
        const auto time = now - connection->since();
        if (stage == Stage::kHeld || stage == Stage::kWaiting) {
            if (time >= listen_.options.answerTimeMax) failed.push_back(connection);
        } else if (connection->isWithin() || stage == Stage::kAnswering) {
            if (time >= listen_.options.requestTimeMax) slow.push_back(connection);
        }
    }
    for (const auto& connection : failed) {
        report(std::string("requests are answered FAILED after ") +
               std::to_string(listen_.options.answerTimeMax.count()) + " ms (answer_time): " +
               (connection->stage() == Stage::kWaiting
                    ? "the disk takes longer to make events durable, and those that come again "
                      "may count twice"
                    : "received data fills the memory for it (receive_budget), or max_rate is "
                      "used up"));
        fail(*connection);
    }
    for (const auto& connection : slow) {
        ++ended_;
        report("connections were closed whose requests took longer than request_time");
        connection->close();
    }
}

core::SourceStatistics FlumeIntake::statistics() const {
    core::SourceStatistics now;
    now.bytes = bytes_;
    now.records = records_;
    now.oversize = oversize_;
    now.connections = open_;
    now.connectionsTotal = total_;
    now.connectionsRefused = refused_;
    now.connectionsClosed = ended_;
    now.resets = resets_;
    return now;
}

void FlumeIntake::report(const std::string& message) {
    const auto now = Clock::now();
    if (!reported_ || now - *reported_ >= kReportEvery) {
        reported_ = now;
        reports_ = 0;
    }
    if (++reports_ > kReportsMax) return;
    core::logWarning(label_ + ": " + message);
    if (observer_ != nullptr)
        observer_->sourceError(source_, message, core::SourceObserver::Trouble::kOver);
}

}  // namespace tidemill::sources::flume
