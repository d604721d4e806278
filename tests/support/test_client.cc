#include "tests/support/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace tidemill::test {
namespace {

constexpr int kWaitMillis = 10'000;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

}  // namespace

void sleepMillis(int millis) { std::this_thread::sleep_for(std::chrono::milliseconds(millis)); }

TestClient::TestClient(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
}

TestClient::TestClient(const std::filesystem::path& path) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
}

TestClient::TestClient(TestClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}

TestClient::~TestClient() { close(); }

bool TestClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool TestClient::fill(int waitMillis) {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, waitMillis) != 1) return false;
    char buffer[4096];
    const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(count));
    return true;
}

std::optional<std::string> TestClient::line() {
    for (;;) {
        if (const auto end = received_.find('\n'); end != std::string::npos) {
            std::string found = received_.substr(0, end);
            received_.erase(0, end + 1);
            return found;
        }
        if (!fill(kWaitMillis)) return std::nullopt;
    }
}

bool TestClient::bytes(std::size_t count, std::string& into) {
    while (received_.size() < count)
        if (!fill(kWaitMillis)) return false;
    into = received_.substr(0, count);
    received_.erase(0, count);
    return true;
}

bool TestClient::silent(int waitMillis) {
    if (!received_.empty()) return false;
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, waitMillis) == 0;
}

bool TestClient::ended() {
    for (;;) {
        received_.clear();
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, kWaitMillis) != 1) return false;
        if (!fill(0)) return true;
    }
}

void TestClient::finishSending() { ::shutdown(fd_, SHUT_WR); }

void TestClient::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void TestClient::reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

TestServer::TestServer(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto address = loopback(port);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 16) != 0) {
        close();
        return;
    }
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
}

TestServer TestServer::onIpv6() { return TestServer(Ipv6{}); }

TestServer::TestServer(Ipv6) {
    fd_ = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 16) != 0) {
        close();
        return;
    }
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin6_port);
}

std::vector<int> socketsConnectedTo(std::uint16_t port) {
    std::vector<int> found;
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        // Ports stand at the same place in both kinds of addresses.
        if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) continue;
        if (ntohs(reinterpret_cast<const sockaddr_in*>(&peer)->sin_port) == port)
            found.push_back(fd);
    }
    return found;
}

TestServer::~TestServer() { close(); }

int TestServer::accept() {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, kWaitMillis) != 1) return -1;
    return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
}

void TestServer::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace tidemill::test
