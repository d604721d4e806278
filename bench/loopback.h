// TCP on this machine, for senders in benchmarks. What fails ends the benchmark.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "bench/process.h"

namespace tidemill::bench {

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// -1 when nobody listens there.
inline int tryDial(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    if (fd < 0) die("no socket");
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd);
        return -1;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

inline int dial(std::uint16_t port) {
    const int fd = tryDial(port);
    if (fd < 0) die("nobody listens on port " + std::to_string(port));
    return fd;
}

// A port nobody listens on at this moment.
inline std::uint16_t freePort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t length = sizeof address;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        die("no free port");
    ::close(fd);
    return ntohs(address.sin_port);
}

inline void sendAll(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) die("the job does not take what is sent");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// Ends a connection properly: the last byte has arrived when this returns.
inline void finishSending(int fd) {
    ::shutdown(fd, SHUT_WR);
    char ignored[256];
    while (::recv(fd, ignored, sizeof ignored, 0) > 0) {
    }
    ::close(fd);
}

}  // namespace tidemill::bench
