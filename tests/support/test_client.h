// A blocking TCP client on the loopback, for tests of servers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::test {

// Thread safety: externally synchronized. No wait lasts longer than 10 s.
class TestClient {
public:
    explicit TestClient(std::uint16_t port);
    // Of a Unix socket.
    explicit TestClient(const std::filesystem::path& path);
    ~TestClient();
    TestClient(TestClient&& other) noexcept;
    TestClient(const TestClient&) = delete;
    TestClient& operator=(const TestClient&) = delete;

    bool connected() const { return fd_ >= 0; }
    int fd() const { return fd_; }
    // All of `bytes`; false when the peer is gone.
    bool send(std::string_view bytes);
    // The next line without its '\n'; none when the peer has ended, reset or says nothing.
    std::optional<std::string> line();
    // The next `count` bytes; false when they do not come.
    bool bytes(std::size_t count, std::string& into);
    // Nothing comes within `waitMillis`.
    bool silent(int waitMillis);
    // The peer has ended or reset; what came before is dropped.
    bool ended();
    void finishSending();
    void close();
    void reset();

private:
    bool fill(int waitMillis);
    int fd_ = -1;
    std::string received_;
};

// A listening socket on the loopback that tests accept from.
class TestServer {
public:
    explicit TestServer(std::uint16_t port = 0);
    // On [::1]; port() is 0 when this machine has no such address.
    static TestServer onIpv6();
    ~TestServer();
    std::uint16_t port() const { return port_; }
    int fd() const { return fd_; }
    // The descriptor of the next client; -1 after 10 s.
    int accept();
    void close();

private:
    struct Ipv6 {};
    explicit TestServer(Ipv6);
    int fd_ = -1;
    std::uint16_t port_ = 0;
};

// Sockets of this process that are connected to `port` of some machine.
std::vector<int> socketsConnectedTo(std::uint16_t port);

void sleepMillis(int millis);

// Looks until `condition` holds, for 10 s at most; returns whether it did.
template <class Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 10'000; ++i) {
        if (condition()) return true;
        sleepMillis(1);
    }
    return condition();
}

}  // namespace tidemill::test
