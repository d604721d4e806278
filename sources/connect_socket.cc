#include "sources/connect_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <chrono>

namespace tidemill::sources {
namespace {

using Tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kConnectMax{5};
constexpr int kLookMillis = 100;

asio::error_code awaitConnected(Tcp::socket& socket, const std::atomic<bool>& stopped) {
    const auto until = Clock::now() + kConnectMax;
    while (Clock::now() < until && !stopped.load(std::memory_order_relaxed)) {
        pollfd ready{socket.native_handle(), POLLOUT, 0};
        if (::poll(&ready, 1, kLookMillis) != 1) continue;
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size);
        return {failure, asio::error::get_system_category()};
    }
    return asio::error::timed_out;
}

}  // namespace

bool wouldBlock(const asio::error_code& error) {
    return error == asio::error::would_block || error == asio::error::try_again ||
           error == asio::error::interrupted;
}

asio::error_code connectSocket(Tcp::socket& socket, const std::string& host, std::uint16_t port,
                               const std::atomic<bool>& stopped) {
    asio::error_code error;
    Tcp::resolver resolver(socket.get_executor());
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (!error && found.empty()) error = asio::error::host_not_found;
    for (const auto& entry : found) {
        socket = Tcp::socket(socket.get_executor());
        socket.open(entry.endpoint().protocol(), error);
        if (!error) socket.non_blocking(true, error);
        if (!error) socket.connect(entry.endpoint(), error);
        if (error == asio::error::in_progress || error == asio::error::would_block)
            error = awaitConnected(socket, stopped);
        if (error) continue;
        asio::error_code ignored;
        socket.set_option(Tcp::no_delay(true), ignored);
        break;
    }
    return error;
}

}  // namespace tidemill::sources
