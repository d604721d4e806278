// Who owns which session, and who waits for the log. Private to sources/.
// Format of the protocol: docs/formats/acknowledged_text.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/block_log.h"
#include "core/error.h"
#include "sources/record_assembler.h"

namespace tidemill::sources {

class SessionConnection;

// 1 … 128 printable ASCII bytes without spaces.
bool isSessionName(std::string_view name);

// Thread safety: confined to the I/O thread.
class Sessions {
public:
    Sessions(core::BlockLog& log, std::size_t sessionsMax) : log_(log), sessionsMax_(sessionsMax) {}

    // Makes `connection` the owner of `name`; an older owner is closed and its bytes that the log
    // has not got are dropped. Two senders of one name that are both started again and again would
    // keep each other from ever being heard: after a few takeovers in a row a busy owner may keep
    // the session for a while, longer each time up to 10 s. kOwnerIsBusy: ask again; one connection
    // waits, an older one that waited is closed.
    // Errors: kConflict when it would be a session too many.
    enum class Entry { kEntered, kOwnerIsBusy };
    core::Result<Entry> enter(SessionConnection& connection, const std::string& name);
    // `connection` owns `name` no longer, if it did.
    void leave(SessionConnection& connection, const std::string& name);

    // Oversize lines of a session whose numbers its client may not have heard: told to the next
    // connection of that name. Of the whole service the newest 10,000 ranges are kept.
    void keepUnheard(const std::string& name, const std::vector<LineRange>& lines);
    std::vector<LineRange> takeUnheard(const std::string& name);

    // Calls resume() once everything that is in the log now is durable.
    void awaitResume(SessionConnection& connection);
    // Tells the connection when `lsn`, which ends with its line `line`, is durable.
    void awaitDurable(SessionConnection& connection, core::Lsn lsn, std::uint64_t line);
    // The connection has whole lines: hands them over now or when the log becomes idle.
    void answerLater(SessionConnection& connection);

    // More of the log is durable.
    void onDurable();

private:
    using Clock = std::chrono::steady_clock;
    struct Owner {
        SessionConnection* connection;
        Clock::time_point since;
        unsigned takeovers = 0;  // in a row
    };
    bool mayStay(const Owner& owner, Clock::time_point now) const;

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
    std::unordered_map<std::string, Owner> owners_;
    std::unordered_map<std::string, SessionConnection*> waiting_;
    std::deque<std::pair<std::string, LineRange>> unheard_;
    std::deque<Ack> acks_;        // in LSN order
    std::deque<Resume> resumes_;  // in LSN order
    std::vector<std::weak_ptr<SessionConnection>> waitingAnswers_;
};

}  // namespace tidemill::sources
