// The connection of a sender, plain or by TLS, for one who waits by poll(2). Private to sources/.
#pragma once

#include <asio/error_code.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sources/acceptor.h"
#include "sources/tls_stream.h"

namespace tidemill::sources {

// Thread safety: externally synchronized.
class SendLink {
public:
    // `socket` is connected, does not block, and outlives this; `host`: whose certificate is
    // expected. `context`: null: without TLS.
    SendLink(StreamSocket& socket, const TlsContext& context, const std::string& host);

    // True: bytes can pass; always without TLS. An error that says wouldBlock(): not yet.
    bool handshake(asio::error_code& error);
    std::size_t read(std::span<char> into, asio::error_code& error);
    std::size_t write(std::string_view bytes, asio::error_code& error);
    // Nothing more will be written; the server hears so.
    void endOutput();

    int fd() const { return socket_.native_handle(); }
    // What poll() waits for, so that reads can go on; and writes, if there is anything `toSend`.
    short events(bool toSend) const;
    // There is something to be read, whatever poll() says.
    bool hasPending() const { return tls_ && tls_->hasPending(); }
    // Why TLS was not agreed on, and nothing will change that: for people. Empty: it may.
    std::string trouble() const;
    // What a server said that does not speak TLS: its first line.
    std::string plainAnswer() const;

private:
    StreamSocket& socket_;
    std::optional<TlsStream> tls_;
};

}  // namespace tidemill::sources
