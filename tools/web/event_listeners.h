// Connections that hear a server's events.
#pragma once

#include <microhttpd.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace tidemill::tools {

// A connection without news is suspended, so that it costs no time. Thread safety: thread-safe;
// what libmicrohttpd calls is called by its thread.
class EventListeners {
public:
    EventListeners(std::size_t listenersMost, std::size_t unreadBytesMost)
        : listenersMost_(listenersMost), unreadBytesMost_(unreadBytesMost) {}

    // The answer to a connection that wants to hear events, which begins with `first`; null: there
    // are too many, or it is over.
    MHD_Response* listen(MHD_Connection* connection, std::string first);

    // To all. Whose unread events would become more than `unreadBytesMost` is dropped; one event
    // may be larger.
    void send(std::string_view text);

    // How many there are, without those that were dropped.
    std::size_t count() const;

    // Ends all; from now on nobody listens. Behind it no connection is suspended here.
    void end();

private:
    struct Listener {
        EventListeners& all;
        MHD_Connection* connection;
        std::string unread;
        bool suspended = false;
        bool dropped = false;
    };

    static ssize_t onRead(void* listener, std::uint64_t, char* buffer, std::size_t bytesMost);
    static void onFree(void* listener);
    // Called with the lock.
    static void wake(Listener& listener);
    static void drop(Listener& listener);

    const std::size_t listenersMost_;
    const std::size_t unreadBytesMost_;
    mutable std::mutex mutex_;
    std::set<Listener*> listeners_;
    bool ended_ = false;
};

}  // namespace tidemill::tools
