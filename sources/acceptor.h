// Where clients connect to: a port of this machine, or a Unix socket. Private to sources/.
#pragma once

#include <asio/error_code.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/error.h"

namespace tidemill::sources {

using StreamSocket = asio::generic::stream_protocol::socket;

// Thread safety: confined to the I/O thread.
class Acceptor {
public:
    struct Client {
        StreamSocket socket;
        std::string host;  // its address; empty: this machine
    };
    // None: nobody, or the client is gone again.
    using Accepted = std::function<void(const asio::error_code&, std::optional<Client>)>;

    virtual ~Acceptor() = default;

    // Calls `accepted` once, also with an error when this is closed.
    virtual void accept(Accepted accepted) = 0;
    // Who waits already.
    virtual std::optional<Client> acceptNow() = 0;
    virtual bool isOpen() const = 0;
    // A Unix socket's file goes.
    virtual void close() = 0;
    // 0: it has none.
    virtual std::uint16_t port() const = 0;
    // For people: "127.0.0.1:9998", "unix:/run/lines.sock".
    virtual std::string where() const = 0;
};

// `address`: "127.0.0.1", "::1", "localhost", or "unix:PATH". Port 0: any free one. Errors: kInvalid
// (no address, a path that cannot be, or one that other machines can reach unless `allowRemote`),
// kIo.
core::Result<std::unique_ptr<Acceptor>> makeAcceptor(asio::io_context& io,
                                                     const std::string& address, std::uint16_t port,
                                                     bool allowRemote);

}  // namespace tidemill::sources
