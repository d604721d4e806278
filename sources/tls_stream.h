// TLS over a socket that does not block. Private to sources/.
#pragma once

#include <asio/error_code.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sources/tls_context.h"

struct ssl_st;

namespace tidemill::sources {

// Every function does what can be done at once; what cannot says so by its error, see wouldBlock()
// in connect_socket.h, and is called again when the socket is ready: to be read, unless
// wantsWrite().
// Thread safety: externally synchronized.
class TlsStream {
public:
    // `socket` stays its owner's. A server.
    TlsStream(const TlsContext& context, int socket);
    // A client; `host`: the name or the address that the server's certificate must be for.
    TlsStream(const TlsContext& context, int socket, const std::string& host);
    ~TlsStream();

    // True: it is done, and bytes can pass.
    bool handshake(asio::error_code& error);
    // The peer's end, said by TLS, is the error asio::error::eof; one that was cut off is
    // asio::error::connection_reset.
    std::size_t read(std::span<char> into, asio::error_code& error);
    std::size_t peek(std::span<char> into, asio::error_code& error);
    std::size_t write(std::string_view bytes, asio::error_code& error);
    // Tells the peer that nothing more will be written, if that goes out at once.
    void end();

    // Bytes have come that were not read: the socket need not become readable for them.
    bool hasPending() const;
    // The last call waits until the socket can be written to.
    bool wantsWrite() const { return wantsWrite_; }

    // Why the handshake failed, in words; empty: it has not.
    const std::string& trouble() const { return trouble_; }
    // What the peer said first, when that was no TLS: its first bytes.
    const std::string& plain() const { return wire_.plain; }
    // The peer's certificate is not one that we trust for this host.
    bool isUntrusted() const { return untrusted_; }

private:
    // What OpenSSL reads and writes through.
    struct Wire {
        int socket = -1;
        bool begun = false;
        std::string plain{};
    };
    friend struct WireMethods;

    void open(const TlsContext& context);
    // Of a call that returned `result`, which was no success.
    asio::error_code failed(int result);
    std::size_t take(std::span<char> into, asio::error_code& error, bool keeps);

    Wire wire_;
    std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
    bool wantsWrite_ = false;
    bool done_ = false;  // the handshake
    bool broken_ = false;
    asio::error_code later_;  // came behind bytes that were read
    bool untrusted_ = false;
    std::string trouble_;
};

}  // namespace tidemill::sources
