// Connecting: to every address of a name, never to ourselves, and noticing who is gone.
#include "sources/connect_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/io_context.hpp>

#include "sources/endpoint.h"
#include "tests/support/test_client.h"

namespace tidemill::sources {
namespace {

using Tcp = asio::ip::tcp;

Tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::make_address("127.0.0.1"), port}; }

bool isFree(std::uint16_t port) { return test::TestServer(port).port() == port; }

// Among those that the kernel gives to connections of this machine. It takes the even ones first.
std::uint16_t freeEphemeralPort() {
    std::uint16_t port = test::TestServer().port();
    for (port &= 0xfffe; !isFree(port); port -= 2) continue;
    return port;
}

TEST(ConnectSocket, NeverConnectsToItself) {
    asio::io_context io;
    const std::atomic<bool> stopped{false};
    const auto port = freeEphemeralPort();
    // More often than there are ports to connect from: one attempt comes from the port itself.
    for (int i = 0; i < 40'000; ++i) {
        StreamSocket socket(io);
        const auto error = connectSocket(socket, "127.0.0.1", port, stopped);
        ASSERT_TRUE(error) << "connected to itself at attempt " << i;
    }
    EXPECT_TRUE(isFree(port));
}

TEST(ConnectSocket, ASocketThatIsItsOwnPeerIsClosed) {
    asio::io_context io;
    Tcp::socket socket(io, loopback(0));
    socket.connect(socket.local_endpoint());
    EXPECT_TRUE(closeIfConnectedToItself(socket));
    EXPECT_FALSE(socket.is_open());
    test::TestServer server;
    Tcp::socket other(io);
    other.connect(loopback(server.port()));
    EXPECT_FALSE(closeIfConnectedToItself(other));
    EXPECT_TRUE(other.is_open());
    Tcp::socket unopened(io);
    EXPECT_FALSE(closeIfConnectedToItself(unopened));
}

TEST(ConnectSocket, TriesEveryAddress) {
    asio::io_context io;
    const std::atomic<bool> stopped{false};
    test::TestServer server;
    const auto dead = freeEphemeralPort();
    Tcp::socket socket(io);
    EXPECT_FALSE(connectToFirst(
        socket, {loopback(dead), {asio::ip::make_address("::1"), dead}, loopback(server.port())},
        stopped));
    EXPECT_EQ(socket.remote_endpoint().port(), server.port());
    EXPECT_TRUE(connectToFirst(socket, {loopback(dead), loopback(dead)}, stopped));
    EXPECT_FALSE(socket.is_open());
    EXPECT_TRUE(connectToFirst(socket, {}, stopped));
}

TEST(ConnectSocket, ThePeerIsWatched) {
    asio::io_context io;
    const std::atomic<bool> stopped{false};
    test::TestServer server;
    StreamSocket socket(io);
    ASSERT_FALSE(connectSocket(socket, "127.0.0.1", server.port(), stopped));
    const auto option = [&](int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        ::getsockopt(socket.native_handle(), level, name, &value, &size);
        return value;
    };
    EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    const int seconds = option(IPPROTO_TCP, TCP_KEEPIDLE) +
                        option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT);
    EXPECT_GE(seconds, 60);
    EXPECT_LE(seconds, 180);
    EXPECT_FALSE(isPeerGone(socket.native_handle()));
}

TEST(Endpoint, IsReadInEveryForm) {
    const auto read = [](std::string_view text) {
        const auto endpoint = parseEndpoint(text);
        return endpoint ? endpoint->host + " " + std::to_string(endpoint->port)
                        : "! " + endpoint.error().message;
    };
    EXPECT_EQ(read("9998"), "127.0.0.1 9998");
    EXPECT_EQ(read(":9998"), "127.0.0.1 9998");
    EXPECT_EQ(read("example.org:80"), "example.org 80");
    EXPECT_EQ(read("[::1]:9998"), "::1 9998");
    EXPECT_EQ(read("[fe80::1%eth0]:1"), "fe80::1%eth0 1");
    EXPECT_EQ(read("unix:/run/lines.sock"), "unix:/run/lines.sock 0");
    EXPECT_EQ(read("unix:"), "! unix: needs the path of a socket, unix:/run/lines.sock");
    EXPECT_TRUE(read("unix:/" + std::string(107, 'x'))
                    .starts_with("! the path of a Unix socket has 108 bytes, but at most 107 fit"));
    for (const char* wrong : {"", "x", "x:", "x:0", "x:65536", "x:-1", "x:80 ", "[::1]",
                              "[::1]:", "[::1]80", "[::1:80", "[]:80"})
        EXPECT_TRUE(read(wrong).starts_with("! \"" + std::string(wrong) + "\" ")) << read(wrong);
    EXPECT_EQ(read("::1:9998"),
              "! \"::1:9998\" has several colons: an IPv6 address needs brackets, [::1]:9998");
}

TEST(Endpoint, IsShownAsItIsRead) {
    EXPECT_EQ(hostAndPort("example.org", 80), "example.org:80");
    EXPECT_EQ(hostAndPort("::1", 80), "[::1]:80");
    EXPECT_EQ(hostAndPort("unix:/run/lines.sock", 0), "unix:/run/lines.sock");
    EXPECT_EQ(withoutBrackets("[::1]"), "::1");
    EXPECT_EQ(withoutBrackets("::1"), "::1");
    EXPECT_EQ(withoutBrackets("["), "[");
}

}  // namespace
}  // namespace tidemill::sources
