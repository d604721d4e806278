// Who owns which session, and who waits for the log. Private to sources/.
// Format of the protocol: docs/formats/acknowledged_text.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/block_log.h"
#include "core/error.h"

namespace tidemill::sources {

class SessionConnection;

// 1 … 128 printable ASCII bytes without spaces.
bool isSessionName(std::string_view name);

// Thread safety: confined to the I/O thread.
class Sessions {
public:
    Sessions(core::BlockLog& log, std::size_t sessionsMax) : log_(log), sessionsMax_(sessionsMax) {}

    // Makes `connection` the owner of `name`; an older owner is closed and its bytes that the log
    // has not got are dropped. Errors: kConflict when it would be a session too many.
    core::Result<> enter(SessionConnection& connection, const std::string& name);
    // `connection` owns `name` no longer, if it did.
    void leave(SessionConnection& connection, const std::string& name);

    // Calls resume() once everything that is in the log now is durable.
    void awaitResume(SessionConnection& connection);
    // Tells the connection when `lsn`, which ends with its line `line`, is durable.
    void awaitDurable(SessionConnection& connection, core::Lsn lsn, std::uint64_t line);
    // The connection has whole lines: hands them over now or when the log becomes idle.
    void offer(SessionConnection& connection);

    // More of the log is durable.
    void onDurable();

private:
    struct Ack {
        core::Lsn lsn;
        std::weak_ptr<SessionConnection> connection;
        std::uint64_t line;
    };
    struct Resume {
        core::Lsn after;
        std::weak_ptr<SessionConnection> connection;
    };
    bool logIdle() const;

    core::BlockLog& log_;
    const std::size_t sessionsMax_;
    std::unordered_map<std::string, SessionConnection*> owners_;
    std::deque<Ack> acks_;        // in LSN order
    std::deque<Resume> resumes_;  // in LSN order
    std::vector<std::weak_ptr<SessionConnection>> offers_;
};

}  // namespace tidemill::sources
