// What dialling and listening sockets have in common: connecting, and noticing a peer that is gone.
// Private to sources/.
#pragma once

#include <asio/ip/tcp.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "sources/acceptor.h"

namespace tidemill::sources {

// How long one address may take to answer before the next one is tried.
inline constexpr std::chrono::seconds kConnectMax{5};
// How long a peer's machine may leave what was sent to it unconfirmed before it counts as gone.
inline constexpr std::chrono::seconds kPeerSilentMax{90};

bool wouldBlock(const asio::error_code& error);

// Makes `socket` a non-blocking one that is connected to the first of `endpoints` that answers
// within kConnectMax. Ends early, with an error, once `stopped` is set.
asio::error_code connectToFirst(asio::ip::tcp::socket& socket,
                                const std::vector<asio::ip::tcp::endpoint>& endpoints,
                                const std::atomic<bool>& stopped);

// The same with all addresses of `host`, or with a Unix socket "unix:PATH"; looking up a name cannot
// be ended.
asio::error_code connectSocket(StreamSocket& socket, const std::string& host, std::uint16_t port,
                               const std::atomic<bool>& stopped);

// Makes `socket` a non-blocking one that is connected to the Unix socket at `path`, or says at once
// why it cannot be.
asio::error_code connectToPath(StreamSocket& socket, const std::string& path);

// A connection attempt to a port of this machine may be given that same port as its own, and is
// then its own peer (RFC 9293, simultaneous open). Such a socket is closed, without a trace that
// would keep a server from the port. Returns whether it was one.
bool closeIfConnectedToItself(asio::ip::tcp::socket& socket);

// A peer that was cut off or has lost its power says nothing: the kernel asks a silent one, and
// ends the connection after about 90 s without an answer. Other sockets than those of TCP are left as
// they are.
void keepAlive(int socket);

// Whether the peer's machine has left what was sent for longer than kPeerSilentMax without any
// sign. Keepalive does not see that: it asks only when nothing is on its way. A peer that reads
// nothing, but whose machine answers, is not gone, and nobody on this machine is.
bool isPeerGone(int socket);

}  // namespace tidemill::sources
