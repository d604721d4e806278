#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace tidemill::test {
namespace {

// What one connection brings, request by request.
class Requests {
public:
    explicit Requests(int connection) : connection_(connection) {}

    std::optional<HttpAsked> next() {
        std::size_t end = 0;
        while ((end = bytes_.find("\r\n\r\n")) == bytes_.npos)
            if (!more()) return std::nullopt;
        HttpAsked asked;
        const std::string head = bytes_.substr(0, end + 2);
        bytes_.erase(0, end + 4);
        const auto first = head.substr(0, head.find("\r\n"));
        const auto space = first.find(' ');
        asked.method = first.substr(0, space);
        asked.path = first.substr(space + 1, first.rfind(' ') - space - 1);
        for (auto at = first.size() + 2; at < head.size();) {
            const auto line = head.substr(at, head.find("\r\n", at) - at);
            at += line.size() + 2;
            const auto colon = line.find(':');
            if (colon == line.npos) continue;
            auto name = line.substr(0, colon);
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            asked.headers[name] = line.substr(std::min(line.size(), colon + 2));
        }
        const auto length = asked.headers.find("content-length");
        const std::size_t size = length == asked.headers.end() ? 0 : std::stoul(length->second);
        while (bytes_.size() < size)
            if (!more()) return std::nullopt;
        asked.body = bytes_.substr(0, size);
        bytes_.erase(0, size);
        return asked;
    }

private:
    bool more() {
        char buffer[64 << 10];
        const auto size = ::recv(connection_, buffer, sizeof buffer, 0);
        if (size <= 0) return false;
        bytes_.append(buffer, static_cast<std::size_t>(size));
        return true;
    }

    const int connection_;
    std::string bytes_;
};

bool sendAll(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace

HttpServer::HttpServer(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no address to listen on");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
}

HttpServer::~HttpServer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
}

void HttpServer::accept() {
    while (true) {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            ::close(connection);
            return;
        }
        connections_.push_back(connection);
        threads_.emplace_back([this, connection] { serve(connection); });
    }
}

void HttpServer::serve(int connection) {
    Requests requests(connection);
    while (const auto asked = requests.next()) {
        const auto reply = answer_(*asked);
        std::string text = "HTTP/1.1 " + std::to_string(reply.code) + " -\r\nContent-Length: " +
                           std::to_string(reply.body.size() + (reply.cuts ? 10 : 0)) + "\r\n\r\n" +
                           reply.body;
        if (!sendAll(connection, text) || reply.cuts) break;
    }
    const std::lock_guard lock(mutex_);
    connections_.remove(connection);
    ::close(connection);
}

}  // namespace tidemill::test
