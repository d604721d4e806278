#include "sources/socket_channel.h"

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <utility>

#include "sources/connect_socket.h"

namespace tidemill::sources {
namespace {

class SocketChannel final : public Channel {
public:
    using Socket = StreamSocket;

    explicit SocketChannel(Socket socket) : socket_(std::move(socket)) {
        asio::error_code ignored;
        socket_.non_blocking(true, ignored);
        keepAlive(socket_.native_handle());
    }

    void waitReadable(std::shared_ptr<User> user) override {
        socket_.async_wait(Socket::wait_read,
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
        return socket_.read_some(asio::buffer(into.data(), into.size()), error);
    }

    std::size_t peek(std::span<char> into, asio::error_code& error) override {
        return socket_.receive(asio::buffer(into.data(), into.size()), Socket::message_peek, error);
    }

    std::size_t write(std::string_view bytes, asio::error_code& error) override {
        return socket_.write_some(asio::buffer(bytes), error);
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
        asio::error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
    }

    void close() override {
        asio::error_code ignored;
        socket_.close(ignored);
    }

    bool peerGone() override { return isPeerGone(socket_.native_handle()); }

private:
    Socket socket_;
};

}  // namespace

std::unique_ptr<Channel> makeSocketChannel(StreamSocket socket) {
    return std::make_unique<SocketChannel>(std::move(socket));
}

}  // namespace tidemill::sources
