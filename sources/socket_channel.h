// A channel over a plain connection, of TCP or of a Unix socket. Private to sources/.
#pragma once

#include <memory>

#include "sources/acceptor.h"
#include "sources/channel.h"

namespace tidemill::sources {

// `socket` is connected; it becomes a non-blocking one, with keepalive if it is of TCP.
std::unique_ptr<Channel> makeSocketChannel(StreamSocket socket);

}  // namespace tidemill::sources
