// A channel that is encrypted by TLS. Private to sources/.
#pragma once

#include <memory>
#include <string>

#include "sources/acceptor.h"
#include "sources/channel.h"
#include "sources/tls_context.h"

namespace tidemill::sources {

// Of a client that has connected: `socket` becomes a non-blocking one, with keepalive if it is of
// TCP.
std::unique_ptr<Channel> makeTlsChannel(StreamSocket socket, const TlsContext& context);
// The same to a server that we have connected to; `host`: as TlsStream has it.
std::unique_ptr<Channel> makeTlsChannel(StreamSocket socket, const TlsContext& context,
                                        const std::string& host);

}  // namespace tidemill::sources
