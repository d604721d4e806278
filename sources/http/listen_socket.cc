#include "sources/http/listen_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/logging.h"
#include "sources/endpoint.h"

namespace tidemill::sources::http {
namespace {

using core::ErrorKind;
using core::Result;

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
    bool isLoopback = false;
};

Result<Address> parse(const std::string& text, std::uint16_t port) {
    Address address;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        std::memcpy(&address.bytes, &v4, sizeof v4);
        address.size = sizeof v4;
        address.isLoopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
        return address;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        std::memcpy(&address.bytes, &v6, sizeof v6);
        address.size = sizeof v6;
        address.isLoopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
        return address;
    }
    return core::fail(ErrorKind::kInvalid,
                      "not an address to listen on: \"" + core::escaped(text, 60) + "\"");
}

}  // namespace

Result<ListenSocket> ListenSocket::open(const std::string& text, std::uint16_t port,
                                        bool remoteIsMeant) {
    const std::string host = text == "localhost" ? "127.0.0.1" : withoutBrackets(text);
    TM_ASSIGN(const auto address, parse(host, port));
    if (!address.isLoopback && !remoteIsMeant)
        return core::fail(ErrorKind::kInvalid,
                          "refusing to listen on " + text +
                              ", which other machines can reach, without a token; give a file "
                              "with one, or allow it in so many words if that is meant");
    ListenSocket socket;
    socket.isIpv6_ = address.bytes.ss_family == AF_INET6;
    socket.fd_ = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (socket.fd_ < 0 || ::setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 ||
        ::listen(socket.fd_, SOMAXCONN) != 0 ||
        ::getsockname(socket.fd_, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
        const int why = errno;
        return core::fail(
            why == EADDRINUSE ? ErrorKind::kConflict : ErrorKind::kIo,
            "cannot listen on " + hostAndPort(host, port) + ": " + std::strerror(why));
    }
    // Both families have it at one place.
    socket.port_ = ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
    return socket;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_), isIpv6_(other.isIpv6_) {}

ListenSocket::~ListenSocket() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace tidemill::sources::http
