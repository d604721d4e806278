// Bytes to and from one peer, whatever carries them: what a text connection knows of its socket,
// plain (socket_channel.h) or encrypted (tls_channel.h). Private to sources/.
#pragma once

#include <asio/error_code.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tidemill::sources {

// Nothing blocks: a call that would says so by its error, see wouldBlock() in connect_socket.h.
// Thread safety: confined to the I/O thread.
class Channel {
public:
    // Told on the I/O thread, also with an error when the channel was closed.
    class User {
    public:
        virtual ~User() = default;
        virtual void channelReadable(const asio::error_code& error) = 0;
        virtual void channelWritable() = 0;
    };

    virtual ~Channel() = default;

    // Whether bytes can pass. False with an error that says wouldBlock(): not yet, ask again when
    // the channel is readable; with another: never, and trouble() says why.
    virtual bool isOpen(asio::error_code& error) {
        error = {};
        return true;
    }
    virtual std::string trouble() const { return {}; }

    // Tell `user`, which lives until then, once.
    virtual void waitReadable(std::shared_ptr<User> user) = 0;
    virtual void waitWritable(std::shared_ptr<User> user) = 0;

    // How many bytes were read or written. The peer's end is the error asio::error::eof.
    virtual std::size_t read(std::span<char> into, asio::error_code& error) = 0;
    // The same, and the bytes are there to be read again.
    virtual std::size_t peek(std::span<char> into, asio::error_code& error) = 0;
    virtual std::size_t write(std::string_view bytes, asio::error_code& error) = 0;

    // waitReadable() may wait until so many bytes are there; 1: does not.
    virtual void setReadableAt(int bytes) = 0;
    // What is written goes out at once, however little it is.
    virtual void sendAtOnce() = 0;
    // Nothing more will be written; the peer hears so.
    virtual void endOutput() = 0;
    virtual void close() = 0;
    // The peer's machine has not answered for long; see isPeerGone() in connect_socket.h.
    virtual bool peerGone() = 0;
};

}  // namespace tidemill::sources
