#include "sources/connect_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <asio/local/stream_protocol.hpp>
#include <utility>

#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

using Tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr int kLookMillis = 100;

// Together about 90 s.
constexpr int kKeepIdleSeconds = 30;
constexpr int kKeepIntervalSeconds = 10;
constexpr int kKeepProbes = 6;

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

asio::error_code connectToFirst(Tcp::socket& socket, const std::vector<Tcp::endpoint>& endpoints,
                                const std::atomic<bool>& stopped) {
    asio::error_code error = asio::error::host_not_found;
    for (const auto& endpoint : endpoints) {
        socket = Tcp::socket(socket.get_executor());
        socket.open(endpoint.protocol(), error);
        if (!error) socket.non_blocking(true, error);
        if (!error) socket.connect(endpoint, error);
        if (error == asio::error::in_progress || error == asio::error::would_block)
            error = awaitConnected(socket, stopped);
        if (!error && closeIfConnectedToItself(socket)) error = asio::error::connection_refused;
        if (error) continue;
        asio::error_code ignored;
        socket.set_option(Tcp::no_delay(true), ignored);
        keepAlive(socket.native_handle());
        return {};
    }
    asio::error_code ignored;
    socket.close(ignored);
    return error;
}

asio::error_code connectSocket(StreamSocket& socket, const std::string& host, std::uint16_t port,
                               const std::atomic<bool>& stopped) {
    if (const auto path = unixPathOf(host)) return connectToPath(socket, *path);
    asio::error_code error;
    Tcp::resolver resolver(socket.get_executor());
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (error) return error;
    Tcp::socket connected(socket.get_executor());
    error = connectToFirst(connected, {found.begin(), found.end()}, stopped);
    if (!error) socket = std::move(connected);
    return error;
}

asio::error_code connectToPath(StreamSocket& socket, const std::string& path) {
    using Local = asio::local::stream_protocol;
    asio::error_code error;
    Local::socket connected(socket.get_executor());
    connected.open(Local(), error);
    if (!error) connected.non_blocking(true, error);
    if (!error) connected.connect(Local::endpoint(path), error);
    if (!error) socket = std::move(connected);
    return error;
}

bool closeIfConnectedToItself(Tcp::socket& socket) {
    asio::error_code local, remote, ignored;
    const bool same = socket.local_endpoint(local) == socket.remote_endpoint(remote);
    if (!same || local || remote) return false;
    socket.set_option(Tcp::socket::linger(true, 0), ignored);
    socket.close(ignored);
    return true;
}

void keepAlive(int fd) {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepIdleSeconds, sizeof kKeepIdleSeconds);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepIntervalSeconds,
                 sizeof kKeepIntervalSeconds);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepProbes, sizeof kKeepProbes);
}

bool isPeerGone(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    constexpr auto kMillisMax = std::chrono::milliseconds(kPeerSilentMax).count();
    // When nothing is unacknowledged the peer had nothing to answer: how old its last sign is says
    // nothing then.
    return info.tcpi_unacked != 0 && info.tcpi_last_ack_recv > kMillisMax &&
           info.tcpi_last_data_recv > kMillisMax && info.tcpi_retransmits != 0;
}

}  // namespace tidemill::sources
