// The socket that an HTTP source listens on. Private to sources/http/.
#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"

namespace tidemill::sources::http {

// A socket that is closed with its owner. Thread safety: externally synchronized.
class ListenSocket {
public:
    // `address`: IPv4, IPv6 or "localhost"; port 0: any free one. Errors: kInvalid for another
    // address, and for one that other machines can reach unless `remoteIsMeant`; kConflict, kIo.
    static core::Result<ListenSocket> open(const std::string& address, std::uint16_t port,
                                           bool remoteIsMeant);
    ListenSocket(ListenSocket&& other) noexcept;
    ~ListenSocket();
    ListenSocket& operator=(ListenSocket&&) = delete;

    int fd() const { return fd_; }
    std::uint16_t port() const { return port_; }
    bool isIpv6() const { return isIpv6_; }

private:
    ListenSocket() = default;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    bool isIpv6_ = false;
};

}  // namespace tidemill::sources::http
