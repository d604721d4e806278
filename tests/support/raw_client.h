// A connection that sends and receives bytes as they are, for tests of what servers make of them.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace tidemill::test {

// Thread safety: externally synchronized.
class RawClient {
public:
    // Connects to `address`, a sockaddr of any family.
    template <class Address>
    explicit RawClient(const Address& address)
        : fd_(::socket(reinterpret_cast<const sockaddr&>(address).sa_family, SOCK_STREAM, 0)) {
        connected_ =
            ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        const timeval time{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    }
    RawClient(RawClient&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
    ~RawClient() {
        if (fd_ >= 0) ::close(fd_);
    }
    bool connected() const { return connected_; }

    void send(const std::string& bytes) {
        for (std::size_t sent = 0; sent < bytes.size();) {
            const auto got = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (got <= 0) return;
            sent += static_cast<std::size_t>(got);
        }
    }

    // Until it has brought `text`, or ends.
    std::string receiveUntil(const std::string& text) {
        std::string all;
        char piece[16384];
        while (all.find(text) == all.npos) {
            const auto got = ::recv(fd_, piece, sizeof piece, 0);
            if (got <= 0) break;
            all.append(piece, static_cast<std::size_t>(got));
        }
        return all;
    }

    // Until the server ends the connection.
    std::string receive() {
        std::string all;
        char piece[16384];
        for (ssize_t got; (got = ::recv(fd_, piece, sizeof piece, 0)) > 0;)
            all.append(piece, static_cast<std::size_t>(got));
        return all;
    }

private:
    int fd_;
    bool connected_ = false;
};

}  // namespace tidemill::test
