// What a listening source lets its peers take: connections, time, memory and descriptors.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <random>
#include <thread>

#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

using Lines = std::vector<std::string>;
using std::string_literals::operator""s;
using test::eventually;

class ListeningLimits : public ListeningFixture {};

TEST_F(ListeningLimits, ConnectionsAboveTheCapAreTold) {
    open({.connectionsMax = 2});
    auto first = client();
    auto second = client();
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == 2; }));
    auto third = client();
    EXPECT_EQ(third.line(), "error too many connections");
    EXPECT_TRUE(third.ended());
    EXPECT_EQ(receiver->statistics().connectionsRefused, 1U);
    first.close();
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == 1; }));
    auto fourth = client();
    fourth.send("hello\n");
    EXPECT_TRUE(arrives(1));
}

TEST_F(ListeningLimits, ALineMustEndInTime) {
    open({}, {.unfinishedLineMax = std::chrono::milliseconds(100)});
    auto quiet = client();
    auto slow = client();
    quiet.send("whole\n");
    slow.send("one\ntw");
    EXPECT_EQ(slow.line(), "error a line took too long to end");
    EXPECT_TRUE(slow.ended());
    EXPECT_EQ(receiver->statistics().connectionsClosed, 1U);
    EXPECT_EQ(receiver->statistics().partialLinesDropped, 1U);
    quiet.send("still here\n");
    ASSERT_TRUE(arrives(3));
}

TEST_F(ListeningLimits, SlowProgressInsideALineIsNoExcuse) {
    open({}, {.unfinishedLineMax = std::chrono::milliseconds(150)});
    auto slow = client();
    bool sent = true;
    for (int i = 0; i < 400 && sent; ++i) {
        sent = slow.send("x");
        test::sleepMillis(5);
        if (receiver->statistics().connectionsClosed == 1) break;
    }
    EXPECT_EQ(receiver->statistics().connectionsClosed, 1U);
}

TEST_F(ListeningLimits, APauseOfOursIsNotThePeersFault) {
    open({}, {.unfinishedLineMax = std::chrono::milliseconds(100)});
    auto peer = client();
    service->pause();
    peer.send("half a");
    test::sleepMillis(300);
    service->resume();
    peer.send(" line\n");
    EXPECT_TRUE(arrives(1));
    EXPECT_EQ(receiver->statistics().connectionsClosed, 0U);
}

TEST_F(ListeningLimits, OverTheSharedBudgetTheOldestUnfinishedLineGoes) {
    open({}, {.unfinishedBytesMax = 10'000});
    auto oldest = client();
    oldest.send("x\n" + std::string(4'000, 'o'));
    ASSERT_TRUE(eventually([&] { return bytesRead() == 4'002; }));
    auto younger = client();
    younger.send(std::string(4'000, 'y'));
    ASSERT_TRUE(eventually([&] { return bytesRead() == 8'002; }));
    auto youngest = client();
    youngest.send(std::string(4'000, 'z'));
    EXPECT_EQ(oldest.line(), "error too many bytes in unfinished lines");
    younger.send("\n");
    youngest.send("\n");
    ASSERT_TRUE(arrives(3));
    EXPECT_EQ(receiver->statistics().connectionsClosed, 1U);
}

TEST_F(ListeningLimits, AnIdleConnectionHoldsNoBuffer) {
    open();
    auto peer = client();
    peer.send("one\n");
    ASSERT_TRUE(arrives(1));
    log->releaseBlocks();
    EXPECT_TRUE(eventually([&] { return pool->usedBytes() == 0; }));
    peer.send("two\nthree");
    ASSERT_TRUE(arrives(2));
    log->releaseBlocks();
    EXPECT_TRUE(eventually([&] { return pool->usedBytes() == 0; }));
}

// One that has lost its power or its network says nothing: the kernel has to ask.
TEST_F(ListeningLimits, AClientThatIsGoneIsNoticed) {
    open();
    auto peer = client();
    peer.send("one\n");
    ASSERT_TRUE(arrives(1));
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    const auto accepted = test::socketsConnectedTo(ntohs(address.sin_port));
    ASSERT_EQ(accepted.size(), 1U);
    const auto option = [&](int level, int name) {
        int value = -1;
        socklen_t length = sizeof value;
        ::getsockopt(accepted[0], level, name, &value, &length);
        return value;
    };
    EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_LE(option(IPPROTO_TCP, TCP_KEEPIDLE) +
                  option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT),
              180);
}

TEST_F(ListeningLimits, WithoutDescriptorsClientsAreToldAndServiceReturns) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer reads memory through a pipe, for which no descriptor is left";
#endif
    open();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const auto port = receiver->port();  // the sanitizers' checks of a call need descriptors
    // Leaves one descriptor, for the client.
    const int probe = ::dup(0);
    ::close(probe);
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(probe) + 1;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    test::TestClient refused(port);
    EXPECT_EQ(refused.line(), "error too many connections");
    refused.close();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    auto peer = client();
    peer.send("one\n");
    EXPECT_TRUE(arrives(1));
}

}  // namespace
}  // namespace tidemill::sources
