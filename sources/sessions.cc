#include "sources/sessions.h"

#include <algorithm>
#include <utility>

#include "core/failpoint.h"
#include "sources/session_connection.h"

namespace tidemill::sources {
namespace {

// So many takeovers in a row are done at once; then a busy owner may stay, twice as long each time.
constexpr unsigned kTakeoversAtOnce = 4;
constexpr std::chrono::seconds kStayFirst{1};
constexpr std::chrono::seconds kStayMax{10};
constexpr std::chrono::seconds kInARow{60};
constexpr std::size_t kUnheardMax = 10'000;

std::shared_ptr<SessionConnection> shared(SessionConnection& connection) {
    return std::static_pointer_cast<SessionConnection>(connection.shared_from_this());
}
std::shared_ptr<SessionConnection> lock(const std::weak_ptr<SessionConnection>& connection) {
    return connection.lock();
}

}  // namespace

bool isSessionName(std::string_view name) {
    return !name.empty() && name.size() <= 128 &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool Sessions::mayStay(const Owner& owner, Clock::time_point now) const {
    if (owner.takeovers < kTakeoversAtOnce) return false;
    const auto doubled = std::min(owner.takeovers - kTakeoversAtOnce, 10U);
    const auto mayStayFor = std::min<Clock::duration>(kStayFirst * (1U << doubled), kStayMax);
    return now - owner.since < mayStayFor && owner.connection->isBusy();
}

core::Result<Sessions::Entry> Sessions::enter(SessionConnection& connection,
                                              const std::string& name) {
    const auto now = Clock::now();
    if (const auto waits = waiting_.find(name); waits != waiting_.end()) {
        const auto other = shared(*waits->second);
        waiting_.erase(waits);
        if (other.get() != &connection) other->takenOver();
    }
    const auto found = owners_.find(name);
    if (found != owners_.end()) {
        const Owner owner = found->second;
        if (mayStay(owner, now) || (owner.takeovers >= kTakeoversAtOnce &&
                                    owner.connection->isBusy() && connection.hasEnded())) {
            waiting_[name] = &connection;
            return Entry::kOwnerIsBusy;
        }
        owners_.erase(found);
        const auto keep = shared(*owner.connection);
        keep->takenOver();
        const bool inARow = now - owner.since < kInARow;
        owners_[name] = {&connection, now, inARow ? owner.takeovers + 1 : 1};
        TM_FAILPOINT("session.afterTakeover");
        return Entry::kEntered;
    }
    if (log_.sessionLines(name) == 0) {
        // The log knows a session from its first line on. Those without a line count here, or
        // clients could name any number of sessions.
        const std::size_t unlogged =
            log_.laneCount() + owners_.size() < sessionsMax_
                ? 0
                : static_cast<std::size_t>(std::count_if(
                      owners_.begin(), owners_.end(),
                      [this](const auto& owner) { return log_.sessionLines(owner.first) == 0; }));
        if (log_.laneCount() + unlogged >= sessionsMax_)
            return core::fail(core::ErrorKind::kConflict,
                              "too many sessions: at most " + std::to_string(sessionsMax_));
    }
    owners_[name] = {&connection, now, 0};
    return Entry::kEntered;
}

void Sessions::keepUnheard(const std::string& name, const std::vector<LineRange>& lines) {
    for (const auto& range : lines) unheard_.emplace_back(name, range);
    while (unheard_.size() > kUnheardMax) unheard_.pop_front();
}

std::vector<LineRange> Sessions::takeUnheard(const std::string& name) {
    std::vector<LineRange> lines;
    std::erase_if(unheard_, [&](const auto& entry) {
        if (entry.first != name) return false;
        lines.push_back(entry.second);
        return true;
    });
    return lines;
}

void Sessions::leave(SessionConnection& connection, const std::string& name) {
    const auto found = owners_.find(name);
    if (found != owners_.end() && found->second.connection == &connection) owners_.erase(found);
    const auto waits = waiting_.find(name);
    if (waits != waiting_.end() && waits->second == &connection) waiting_.erase(waits);
}

bool Sessions::logIdle() const { return log_.idle() || log_.durable() >= log_.last(); }

void Sessions::awaitResume(SessionConnection& connection) {
    const core::Lsn after = log_.last();
    if (log_.durable() >= after) return connection.resume();
    resumes_.push_back({after, shared(connection)});
}

void Sessions::awaitDurable(SessionConnection& connection, core::Lsn lsn, std::uint64_t line) {
    acks_.push_back({lsn, shared(connection), line});
}

void Sessions::answerLater(SessionConnection& connection) {
    if (logIdle()) return connection.handOverLines();
    if (std::exchange(connection.waitsForAnswer, true)) return;
    waitingAnswers_.push_back(shared(connection));
}

void Sessions::onDurable() {
    const core::Lsn durable = log_.durable();
    std::vector<std::shared_ptr<SessionConnection>> answered;
    for (; !acks_.empty() && acks_.front().lsn <= durable; acks_.pop_front()) {
        auto connection = lock(acks_.front().connection);
        if (!connection) continue;
        connection->durable(acks_.front().line);
        if (answered.empty() || answered.back() != connection)
            answered.push_back(std::move(connection));
    }
    // Answers are cumulative: a second one to the same connection finds nothing new to say.
    for (const auto& connection : answered) connection->answer();
    while (!resumes_.empty() && resumes_.front().after <= durable) {
        const auto connection = lock(resumes_.front().connection);
        resumes_.pop_front();
        if (connection) connection->resume();
    }
    if (waitingAnswers_.empty() || !logIdle()) return;
    const auto waiting = std::exchange(waitingAnswers_, {});
    for (const auto& weak : waiting)
        if (const auto connection = lock(weak)) connection->handOverLines();
}

}  // namespace tidemill::sources
