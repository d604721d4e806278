// Text from a server we dial: whatever becomes of the server, we come back.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>

#include "core/buffer_pool.h"
#include "sources/network_service.h"
#include "tests/support/memory_block_log.h"
#include "tests/support/test_client.h"

namespace tidemill::sources {
namespace {

using Lines = std::vector<std::string>;
using test::eventually;

class Heard : public core::SourceObserver {
public:
    void sourceStarted(core::SourceId, const std::string& where) override { add("+" + where); }
    void sourceError(core::SourceId, const std::string& what, Trouble) override { add("!" + what); }
    void sourceRecovered(core::SourceId) override { add("="); }
    void sourceFailed(core::SourceId, core::Error) override {}
    void sourceStopped(core::SourceId, const std::string& why) override { add("-" + why); }
    std::size_t count(char kind) const {
        std::lock_guard lock(mutex_);
        std::size_t found = 0;
        for (const auto& line : heard_) found += line[0] == kind ? 1 : 0;
        return found;
    }

private:
    void add(std::string line) {
        std::lock_guard lock(mutex_);
        heard_.push_back(std::move(line));
    }
    mutable std::mutex mutex_;
    std::vector<std::string> heard_;
};

class DialingText : public ::testing::Test {
protected:
    void dial(std::uint16_t port, const std::string& host = "localhost") {
        auto made =
            NetworkService::make(log, pool, {.unfinishedLineMax = std::chrono::milliseconds(50)});
        ASSERT_TRUE(made);
        service = std::move(*made);
        receiver = service->dialText(
            core::SourceId(0),
            {.host = host, .port = port, .firstRetry = std::chrono::milliseconds(20)}, &heard);
        ASSERT_TRUE(receiver->start());
    }
    bool arrives(std::uint64_t lines) {
        return eventually([&] {
            service->flushOpenBlocks();
            return log.lineCount() >= lines;
        });
    }
    static void send(int fd, std::string_view text) {
        EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }

    test::MemoryBlockLog log;
    std::shared_ptr<core::BufferPool> pool = core::BufferPool::make(64 << 20);
    Heard heard;
    std::unique_ptr<NetworkService> service;
    std::unique_ptr<core::Source> receiver;
};

TEST_F(DialingText, ReadsAndComesBackAfterEveryEnd) {
    test::TestServer server;
    dial(server.port());
    for (int i = 0; i < 3; ++i) {
        const int peer = server.accept();
        ASSERT_GE(peer, 0);
        send(peer, "whole " + std::to_string(i) + "\nlast " + std::to_string(i));
        ::close(peer);
    }
    ASSERT_TRUE(arrives(6));
    EXPECT_EQ(log.lines(), (Lines{"whole 0", "last 0", "whole 1", "last 1", "whole 2", "last 2"}));
    const auto origins = log.origins();
    EXPECT_NE(origins.front().connection, origins.back().connection);
    EXPECT_EQ(origins.back().source, core::SourceId(0));
}

TEST_F(DialingText, AResetDropsTheUnfinishedLine) {
    test::TestServer server;
    dial(server.port());
    const int peer = server.accept();
    send(peer, "whole\nhalf");
    ASSERT_TRUE(eventually([&] { return receiver->statistics().bytes == 10; }));
    const linger hard{1, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(peer);
    const int again = server.accept();
    ASSERT_GE(again, 0);
    send(again, "next\n");
    ASSERT_TRUE(arrives(2));
    EXPECT_EQ(log.lines(), (Lines{"whole", "next"}));
    ::close(again);
}

TEST_F(DialingText, WaitsForAServerThatIsNotThereAndSaysSoOnce) {
    std::uint16_t port = 0;
    {
        test::TestServer gone;
        port = gone.port();
    }
    dial(port);
    test::sleepMillis(200);
    EXPECT_EQ(heard.count('!'), 1U);
    EXPECT_EQ(heard.count('+'), 1U);
    test::TestServer server(port);
    const int peer = server.accept();
    ASSERT_GE(peer, 0);
    send(peer, "here\n");
    ASSERT_TRUE(arrives(1));
    receiver->stop(true);
    EXPECT_EQ(heard.count('-'), 1U);
    ::close(peer);
}

TEST_F(DialingText, ALineOfOurServerMayTakeItsTime) {
    test::TestServer server;
    dial(server.port());
    const int peer = server.accept();
    send(peer, "half");
    test::sleepMillis(200);
    send(peer, " line\n");
    ASSERT_TRUE(arrives(1));
    EXPECT_EQ(log.lines(), Lines{"half line"});
    ::close(peer);
}

TEST_F(DialingText, StopsWhileItWaitsToTryAgain) {
    test::TestServer server;
    dial(server.port());
    ::close(server.accept());
    receiver->stop(true);
    server.close();
    receiver.reset();
    service.reset();
}

TEST_F(DialingText, AnIpv6AddressIsDialledWithAndWithoutBrackets) {
    for (const std::string host : {"[::1]", "::1"}) {
        auto server = test::TestServer::onIpv6();
        if (server.port() == 0) GTEST_SKIP() << "no IPv6 here";
        dial(server.port(), host);
        const int peer = server.accept();
        ASSERT_GE(peer, 0) << host;
        receiver->stop(false);
        ::close(peer);
    }
}

TEST_F(DialingText, AServerThatIsGoneIsNoticed) {
    test::TestServer server;
    dial(server.port());
    const int peer = server.accept();
    ASSERT_GE(peer, 0);
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == 1; }));
    const auto ours = test::socketsConnectedTo(server.port());
    ASSERT_EQ(ours.size(), 1U);
    int on = 0, idle = 0;
    socklen_t size = sizeof on;
    ::getsockopt(ours[0], SOL_SOCKET, SO_KEEPALIVE, &on, &size);
    ::getsockopt(ours[0], IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size);
    EXPECT_EQ(on, 1);
    EXPECT_LE(idle, 60);
    ::close(peer);
}

TEST_F(DialingText, ATargetThatMakesNoSenseIsRefused) {
    test::TestServer server;
    dial(server.port());
    auto nowhere = service->dialText(core::SourceId(1), {.host = "", .port = 1});
    EXPECT_FALSE(nowhere->start());
}

}  // namespace
}  // namespace tidemill::sources
