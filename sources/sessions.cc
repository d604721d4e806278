#include "sources/sessions.h"

#include <algorithm>
#include <utility>

#include "core/failpoint.h"
#include "sources/session_connection.h"

namespace tidemill::sources {
namespace {

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

core::Result<> Sessions::enter(SessionConnection& connection, const std::string& name) {
    const auto found = owners_.find(name);
    if (found != owners_.end()) {
        SessionConnection& older = *found->second;
        owners_.erase(found);
        const auto keep = shared(older);
        older.takenOver();
        owners_[name] = &connection;
        TM_FAILPOINT("session.afterTakeover");
        return {};
    }
    if (log_.sessionLines(name) == 0) {
        // A session exists in the log from its first line on; those before it are here only.
        const std::size_t unlogged =
            log_.sessionCount() + owners_.size() < sessionsMax_
                ? 0
                : static_cast<std::size_t>(
                      std::count_if(owners_.begin(), owners_.end(), [this](const auto& owner) {
                          return log_.sessionLines(owner.first) == 0;
                      }));
        if (log_.sessionCount() + unlogged >= sessionsMax_)
            return core::fail(core::ErrorKind::kConflict,
                              "too many sessions: at most " + std::to_string(sessionsMax_));
    }
    owners_[name] = &connection;
    return {};
}

void Sessions::leave(SessionConnection& connection, const std::string& name) {
    const auto found = owners_.find(name);
    if (found != owners_.end() && found->second == &connection) owners_.erase(found);
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

void Sessions::offer(SessionConnection& connection) {
    if (logIdle()) return connection.handOverLines();
    if (std::exchange(connection.offered, true)) return;
    offers_.push_back(shared(connection));
}

void Sessions::onDurable() {
    const core::Lsn durable = log_.durable();
    std::vector<std::shared_ptr<SessionConnection>> told;
    for (; !acks_.empty() && acks_.front().lsn <= durable; acks_.pop_front()) {
        auto connection = lock(acks_.front().connection);
        if (!connection) continue;
        connection->durable(acks_.front().line);
        if (told.empty() || told.back() != connection) told.push_back(std::move(connection));
    }
    // Answers are cumulative: a second one to the same connection finds nothing new to say.
    for (const auto& connection : told) connection->answer();
    while (!resumes_.empty() && resumes_.front().after <= durable) {
        const auto connection = lock(resumes_.front().connection);
        resumes_.pop_front();
        if (connection) connection->resume();
    }
    if (offers_.empty() || !logIdle()) return;
    const auto offers = std::exchange(offers_, {});
    for (const auto& weak : offers)
        if (const auto connection = lock(weak)) connection->handOverLines();
}

}  // namespace tidemill::sources
