// Requests of bytes as they are, and what is answered.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/raw_client.h"

namespace tidemill::test {

struct Answer {
    int code = 0;
    std::string head;
    std::string body;
};

inline RawClient connectedTo(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return RawClient(address);
}

inline Answer asked(std::uint16_t port, const std::string& request) {
    auto connection = connectedTo(port);
    if (!connection.connected()) return {};
    connection.send(request);
    const auto all = connection.receive();
    const auto end = all.find("\r\n\r\n");
    if (end == all.npos) return {};
    return {std::atoi(all.c_str() + all.find(' ')), all.substr(0, end), all.substr(end + 4)};
}

}  // namespace tidemill::test
