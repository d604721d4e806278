#include "sources/tls_stream.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/error.hpp>
#include <cerrno>

namespace tidemill::sources {
namespace {

// The first byte of what a peer of TLS says: a handshake, or an alert.
constexpr char kAlert = 0x15;
constexpr char kHandshake = 0x16;
// Of what a peer says that does not speak TLS.
constexpr std::size_t kPlainBytesMax = 200;

bool isAddressText(const std::string& host) {
    unsigned char address[16];
    return ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), address) == 1;
}

}  // namespace

// send() says that no signal comes when the peer is gone, which OpenSSL's own does not.
struct WireMethods {
    static int write(BIO* bio, const char* bytes, int size) {
        BIO_clear_retry_flags(bio);
        const auto sent = ::send(wireOf(bio).socket, bytes, static_cast<std::size_t>(size),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && isPassing()) BIO_set_retry_write(bio);
        return static_cast<int>(sent);
    }

    static int read(BIO* bio, char* into, int size) {
        BIO_clear_retry_flags(bio);
        auto& wire = wireOf(bio);
        const auto got = ::recv(wire.socket, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
        if (got < 0 && isPassing()) BIO_set_retry_read(bio);
        if (got > 0 && !wire.begun) {
            wire.begun = true;
            if (*into != kHandshake && *into != kAlert) keepPlain(wire, {into, std::size_t(got)});
        }
        return static_cast<int>(got);
    }

    static long control(BIO*, int command, long, void*) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static const BIO_METHOD* get() {
        static BIO_METHOD* const methods = [] {
            auto* made = ::BIO_meth_new(BIO_TYPE_SOURCE_SINK | ::BIO_get_new_index(), "socket");
            ::BIO_meth_set_write(made, &write);
            ::BIO_meth_set_read(made, &read);
            ::BIO_meth_set_ctrl(made, &control);
            return made;
        }();
        return methods;
    }

private:
    static TlsStream::Wire& wireOf(BIO* bio) {
        return *static_cast<TlsStream::Wire*>(::BIO_get_data(bio));
    }
    static bool isPassing() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }
    // The rest of it lies in the socket, and nobody else will read it.
    static void keepPlain(TlsStream::Wire& wire, std::string_view first) {
        wire.plain = first;
        char more[kPlainBytesMax];
        const auto got = ::recv(wire.socket, more, sizeof more, MSG_DONTWAIT);
        if (got > 0) wire.plain.append(more, static_cast<std::size_t>(got));
        wire.plain.resize(std::min(wire.plain.size(), kPlainBytesMax));
    }
};

TlsStream::TlsStream(const TlsContext& context, int socket)
    : wire_{socket}, tls_(::SSL_new(context.get()), ::SSL_free) {
    open(context);
    if (tls_) ::SSL_set_accept_state(tls_.get());
}

TlsStream::TlsStream(const TlsContext& context, int socket, const std::string& host)
    : wire_{socket}, tls_(::SSL_new(context.get()), ::SSL_free) {
    open(context);
    if (!tls_) return;
    ::SSL_set_connect_state(tls_.get());
    if (isAddressText(host)) {
        ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(tls_.get()), host.c_str());
    } else {
        ::SSL_set1_host(tls_.get(), host.c_str());
        ::SSL_set_tlsext_host_name(tls_.get(), host.c_str());
    }
}

TlsStream::~TlsStream() = default;

void TlsStream::open(const TlsContext&) {
    BIO* const bio = tls_ ? ::BIO_new(WireMethods::get()) : nullptr;
    if (bio == nullptr) {
        tls_.reset();
        broken_ = true;
        trouble_ = "TLS cannot be set up: " + lastTlsError();
        return;
    }
    ::BIO_set_data(bio, &wire_);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(tls_.get(), bio, bio);
}

asio::error_code TlsStream::failed(int result) {
    const int why = ::SSL_get_error(tls_.get(), result);
    wantsWrite_ = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return asio::error::would_block;
    if (why == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
    broken_ = true;
    // Without a goodbye: what came last may be a part of what was sent.
    if (why == SSL_ERROR_SYSCALL ||
        ERR_GET_REASON(::ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ::ERR_clear_error();
        if (!done_) trouble_ = "the connection ended before TLS was agreed on";
        return asio::error::connection_reset;
    }
    const auto verified = ::SSL_get_verify_result(tls_.get());
    const auto reason = lastTlsError();
    untrusted_ = !done_ && verified != X509_V_OK;
    if (!done_)
        trouble_ = untrusted_            ? ::X509_verify_cert_error_string(verified)
                   : wire_.plain.empty() ? reason
                                         : "what came is no TLS";
    return asio::error::connection_aborted;
}

bool TlsStream::handshake(asio::error_code& error) {
    error = {};
    if (done_) return true;
    if (broken_) {
        error = asio::error::connection_aborted;
        return false;
    }
    ::ERR_clear_error();
    wantsWrite_ = false;
    const int result = ::SSL_do_handshake(tls_.get());
    done_ = result == 1;
    if (!done_) error = failed(result);
    return done_;
}

std::size_t TlsStream::take(std::span<char> into, asio::error_code& error, bool keeps) {
    if (!handshake(error)) return 0;
    if (broken_ && !later_) later_ = asio::error::connection_reset;
    if (later_) {
        error = later_;
        return 0;
    }
    // A record holds 16 KiB: several fit.
    std::size_t all = 0;
    while (all < into.size()) {
        ::ERR_clear_error();
        wantsWrite_ = false;
        std::size_t count = 0;
        const auto rest = into.subspan(all);
        const int result = keeps ? ::SSL_peek_ex(tls_.get(), rest.data(), rest.size(), &count)
                                 : ::SSL_read_ex(tls_.get(), rest.data(), rest.size(), &count);
        if (result != 1) {
            error = failed(result);
            if (all == 0) break;
            if (error != asio::error::would_block) later_ = error;
            error = {};
            break;
        }
        all += count;
        if (keeps) break;
    }
    return all;
}

std::size_t TlsStream::read(std::span<char> into, asio::error_code& error) {
    return take(into, error, false);
}

std::size_t TlsStream::peek(std::span<char> into, asio::error_code& error) {
    return take(into, error, true);
}

std::size_t TlsStream::write(std::string_view bytes, asio::error_code& error) {
    if (!handshake(error)) return 0;
    if (broken_) {
        error = asio::error::connection_reset;
        return 0;
    }
    std::size_t all = 0;
    while (all < bytes.size()) {
        ::ERR_clear_error();
        wantsWrite_ = false;
        std::size_t count = 0;
        const auto rest = bytes.substr(all);
        const int result = ::SSL_write_ex(tls_.get(), rest.data(), rest.size(), &count);
        if (result != 1) {
            error = failed(result);
            break;
        }
        all += count;
    }
    if (all != 0) error = {};
    return all;
}

void TlsStream::end() {
    if (!done_ || broken_) return;
    ::ERR_clear_error();
    ::SSL_shutdown(tls_.get());
    ::ERR_clear_error();
}

bool TlsStream::hasPending() const {
    return later_ || (done_ && !broken_ && ::SSL_pending(tls_.get()) > 0);
}

}  // namespace tidemill::sources
