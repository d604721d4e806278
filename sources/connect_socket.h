// Connects a socket and waits for it. Private to sources/.
#pragma once

#include <asio/ip/tcp.hpp>
#include <atomic>
#include <cstdint>
#include <string>

namespace tidemill::sources {

bool wouldBlock(const asio::error_code& error);

// Makes `socket` a non-blocking one that is connected to the first address of `host` that answers
// within 5 s. Ends early, with an error, once `stopped` is set; looking up a name cannot be ended.
asio::error_code connectSocket(asio::ip::tcp::socket& socket, const std::string& host,
                               std::uint16_t port, const std::atomic<bool>& stopped);

}  // namespace tidemill::sources
