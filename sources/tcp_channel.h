// A channel over a plain TCP connection. Private to sources/.
#pragma once

#include <asio/ip/tcp.hpp>
#include <memory>

#include "sources/channel.h"

namespace tidemill::sources {

// `socket` is connected; it becomes a non-blocking one with keepalive.
std::unique_ptr<Channel> makeTcpChannel(asio::ip::tcp::socket socket);

}  // namespace tidemill::sources
