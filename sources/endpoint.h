// Addresses as people write them: HOST:PORT, [IPV6]:PORT, unix:PATH.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::sources {

struct Endpoint {
    std::string host;  // a name or an address, without brackets; or "unix:PATH", without a port
    std::uint16_t port = 0;
};

// "[::1]" -> "::1"; anything else as it is.
std::string withoutBrackets(std::string host);

// "example.org:80"; an IPv6 address gets brackets, "[::1]:80"; "unix:PATH" has no port.
std::string hostAndPort(const std::string& host, std::uint16_t port);

// Reads "HOST:PORT", "[IPV6]:PORT", "unix:PATH", or "PORT", which is a port of this machine. Errors
// (kInvalid): no port from 1 to 65535, brackets without their other half, an IPv6 address without
// brackets, a path that cannot be one of a socket.
core::Result<Endpoint> parseEndpoint(std::string_view text);

}  // namespace tidemill::sources
