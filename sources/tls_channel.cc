#include "sources/tls_channel.h"

#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <utility>

#include "sources/connect_socket.h"
#include "sources/session_errors.h"
#include "sources/tls_stream.h"

namespace tidemill::sources {
namespace {

class TlsChannel final : public Channel {
public:
    using Socket = StreamSocket;

    TlsChannel(Socket socket, const TlsContext& context)
        : socket_(std::move(socket)), tls_(context, socket_.native_handle()) {
        prepare();
    }
    TlsChannel(Socket socket, const TlsContext& context, const std::string& host)
        : socket_(std::move(socket)), tls_(context, socket_.native_handle(), host) {
        prepare();
        answered_ = true;  // a server is told nothing
    }

    bool isOpen(asio::error_code& error) override {
        if (tls_.handshake(error)) return true;
        if (!wouldBlock(error) && !tls_.plain().empty() && !std::exchange(answered_, true)) {
            asio::error_code ignored;
            socket_.write_some(asio::buffer("error " + std::string(kErrorTlsOnly) + "\n"), ignored);
            socket_.shutdown(Socket::shutdown_send, ignored);
            // Closing a socket with unread input resets the connection, and the client would not
            // see the answer.
            std::array<char, 16 << 10> nowhere;
            socket_.read_some(asio::buffer(nowhere), ignored);
        }
        return false;
    }

    std::string trouble() const override {
        return tls_.plain().empty() ? tls_.trouble() : "it does not speak TLS";
    }

    void waitReadable(std::shared_ptr<User> user) override {
        if (tls_.hasPending())
            return asio::post(socket_.get_executor(),
                              [user = std::move(user)] { user->channelReadable({}); });
        socket_.async_wait(tls_.wantsWrite() ? Socket::wait_write : Socket::wait_read,
                           [user = std::move(user)](const asio::error_code& error) {
                               user->channelReadable(error);
                           });
    }

    void waitWritable(std::shared_ptr<User> user) override {
        socket_.async_wait(Socket::wait_write, [user = std::move(user)](const asio::error_code&) {
            user->channelWritable();
        });
    }

    std::size_t read(std::span<char> into, asio::error_code& error) override {
        return tls_.read(into, error);
    }
    std::size_t peek(std::span<char> into, asio::error_code& error) override {
        return tls_.peek(into, error);
    }
    std::size_t write(std::string_view bytes, asio::error_code& error) override {
        return tls_.write(bytes, error);
    }

    void setReadableAt(int bytes) override {
        asio::error_code ignored;
        socket_.set_option(Socket::receive_low_watermark(bytes), ignored);
    }
    void sendAtOnce() override {
        asio::error_code ignored;
        socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    void endOutput() override {
        tls_.end();
        asio::error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
    }
    void close() override {
        tls_.end();
        asio::error_code ignored;
        socket_.close(ignored);
    }
    bool peerGone() override { return isPeerGone(socket_.native_handle()); }

private:
    void prepare() {
        asio::error_code ignored;
        socket_.non_blocking(true, ignored);
        keepAlive(socket_.native_handle());
    }

    Socket socket_;
    TlsStream tls_;
    bool answered_ = false;  // in plain text
};

}  // namespace

std::unique_ptr<Channel> makeTlsChannel(StreamSocket socket, const TlsContext& context) {
    return std::make_unique<TlsChannel>(std::move(socket), context);
}

std::unique_ptr<Channel> makeTlsChannel(StreamSocket socket, const TlsContext& context,
                                        const std::string& host) {
    return std::make_unique<TlsChannel>(std::move(socket), context, host);
}

}  // namespace tidemill::sources
