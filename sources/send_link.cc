#include "sources/send_link.h"

#include <poll.h>

#include <asio/buffer.hpp>

#include "core/logging.h"

namespace tidemill::sources {

SendLink::SendLink(StreamSocket& socket, const TlsContext& context, const std::string& host)
    : socket_(socket) {
    if (context) tls_.emplace(context, socket.native_handle(), host);
}

bool SendLink::handshake(asio::error_code& error) {
    if (tls_) return tls_->handshake(error);
    error = {};
    return true;
}

std::size_t SendLink::read(std::span<char> into, asio::error_code& error) {
    if (tls_) return tls_->read(into, error);
    return socket_.read_some(asio::buffer(into.data(), into.size()), error);
}

std::size_t SendLink::write(std::string_view bytes, asio::error_code& error) {
    if (tls_) return tls_->write(bytes, error);
    return socket_.write_some(asio::buffer(bytes), error);
}

void SendLink::endOutput() {
    if (tls_) tls_->end();
    asio::error_code ignored;
    socket_.shutdown(StreamSocket::shutdown_send, ignored);
}

short SendLink::events(bool toSend) const {
    return toSend || (tls_ && tls_->wantsWrite()) ? POLLIN | POLLOUT : POLLIN;
}

std::string SendLink::trouble() const {
    if (!tls_) return {};
    if (tls_->isUntrusted())
        return "its certificate is not trusted: " + tls_->trouble() +
               "; --ca names a file with the certificate of who vouches for it";
    if (const auto answer = plainAnswer(); !answer.empty())
        return "it does not speak TLS, it says: " + core::escaped(answer, 100);
    return {};
}

std::string SendLink::plainAnswer() const {
    if (!tls_) return {};
    const auto& plain = tls_->plain();
    return plain.substr(0, plain.find_first_of("\r\n"));
}

}  // namespace tidemill::sources
