#include "tools/web/event_listeners.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidemill::tools {
namespace {

constexpr std::size_t kPieceBytes = 16 << 10;
constexpr int kKernelBytes = 32 << 10;

}  // namespace

MHD_Response* EventListeners::listen(MHD_Connection* connection, std::string first) {
    const std::lock_guard lock(mutex_);
    if (ended_ || listeners_.size() == listenersMost_) return nullptr;
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    // What a reader does not take waits here, where it is bounded, and not in the kernel.
    if (info != nullptr)
        ::setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &kKernelBytes, sizeof kKernelBytes);
    auto listener = std::make_unique<Listener>(Listener{*this, connection, std::move(first)});
    auto* const response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kPieceBytes, &onRead,
                                                             listener.get(), &onFree);
    if (response != nullptr) listeners_.insert(listener.release());
    return response;
}

ssize_t EventListeners::onRead(void* self, std::uint64_t, char* buffer, std::size_t bytesMost) {
    auto& listener = *static_cast<Listener*>(self);
    const std::lock_guard lock(listener.all.mutex_);
    if (listener.dropped || listener.all.ended_) return MHD_CONTENT_READER_END_OF_STREAM;
    const auto bytes = std::min(bytesMost, listener.unread.size());
    if (bytes == 0) {
        listener.suspended = true;
        MHD_suspend_connection(listener.connection);
        return 0;
    }
    std::memcpy(buffer, listener.unread.data(), bytes);
    listener.unread.erase(0, bytes);
    return static_cast<ssize_t>(bytes);
}

void EventListeners::onFree(void* self) {
    const std::unique_ptr<Listener> listener(static_cast<Listener*>(self));
    const std::lock_guard lock(listener->all.mutex_);
    listener->all.listeners_.erase(listener.get());
}

void EventListeners::wake(Listener& listener) {
    if (std::exchange(listener.suspended, false)) MHD_resume_connection(listener.connection);
}

void EventListeners::send(std::string_view text) {
    const std::lock_guard lock(mutex_);
    for (auto* const listener : listeners_) {
        if (listener->dropped) continue;
        const auto unread = listener->unread.size();
        if (unread != 0 && unread + text.size() > unreadBytesMost_) drop(*listener);
        else listener->unread += text;
        wake(*listener);
    }
}

// Nobody may read its end: the connection is cut off.
void EventListeners::drop(Listener& listener) {
    listener.dropped = true;
    listener.unread = {};
    const auto* const info =
        MHD_get_connection_info(listener.connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) ::shutdown(info->connect_fd, SHUT_RDWR);
}

std::size_t EventListeners::count() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(listeners_.begin(), listeners_.end(),
                      [](const auto* listener) { return !listener->dropped; }));
}

void EventListeners::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (auto* const listener : listeners_) wake(*listener);
}

}  // namespace tidemill::tools
