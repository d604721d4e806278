// The open connections of an HTTP source: how many there are, and which are too slow. Private to
// sources/http/.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "sources/http/answer.h"
#include "sources/http/http_options.h"

namespace tidemill::sources::http {

// What a connection is doing, and since when.
struct Connection {
    enum class Stage {
        kIdle,       // before a request's head is there
        kReading,    // behind the head of a request
        kWaiting,    // for the log: no time limit
        kAnswering,  // until its answer is on its way
    };
    int fd = -1;
    std::string address;            // of the peer; empty: this machine
    std::uint64_t number = 0;       // in the log
    std::uint64_t nextLine = 1;     // of the requests without a session
    std::optional<Answer> refusal;  // what every request on it is answered
    Stage stage = Stage::kIdle;
    std::chrono::steady_clock::time_point since{};
    std::size_t heldBytes = 0;  // of a body that has not arrived whole
    bool isShut = false;        // it will be gone soon
};

// Thread safety: thread-safe. A Connection's `number`, `nextLine`, `refusal` and `heldBytes` are
// for the library's thread, which opens and closes it; the rest is guarded here.
class Connections {
public:
    explicit Connections(const HttpOptions& options) : options_(options) {}

    // Beyond the caps it has a refusal. `why` is set then: for our own log.
    Connection& opened(int fd, std::string address, std::uint64_t number, std::string& why);
    // Call before its descriptor is closed.
    void closed(Connection& connection);

    void enters(Connection& connection, Connection::Stage stage);

    // Bodies that have not arrived whole share a budget: while they have too much together, the
    // connection with the oldest of them is ended. By the library's thread.
    void holds(Connection& connection, std::size_t bytes);

    // Ends the connections whose time is up; returns how many.
    std::size_t endSlow(std::chrono::steady_clock::time_point now);

    std::size_t count() const;
    // No request waits for the log, or for its answer to leave.
    bool allAnswered() const;

private:
    // The library sees the end of its input, and closes it.
    static void shut(Connection& connection);

    const HttpOptions& options_;
    mutable std::mutex mutex_;
    std::list<Connection> connections_;
    std::unordered_map<Connection*, std::list<Connection>::iterator> places_;
    std::unordered_map<std::string, std::size_t> perAddress_;
    std::size_t heldBytes_ = 0;  // the library's thread's
};

}  // namespace tidemill::sources::http
