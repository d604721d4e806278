// Ten thousand connections, a line of a gigabyte, and how fast lines pass.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <thread>
#include <unistd.h>

#include "sources/text_sender.h"
#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

using test::eventually;

std::size_t residentBytes() {
    std::ifstream status("/proc/self/statm");
    std::size_t pages = 0, resident = 0;
    status >> pages >> resident;
    return resident * 4096;
}

class ReceiverLoad : public ListeningFixture {};

TEST_F(ReceiverLoad, TenThousandConnectionsAreServed) {
    constexpr std::size_t kConnections = 10'000;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    // Both ends are in this process.
    if (limit.rlim_cur < 2 * kConnections + 100)
        GTEST_SKIP() << "RLIMIT_NOFILE is " << limit.rlim_cur << ", needed are "
                     << 2 * kConnections + 100;
    open({.connectionsMax = kConnections}, {}, 256 << 20);
    std::vector<test::TestClient> peers;
    for (std::size_t i = 0; i < kConnections; ++i) {
        peers.push_back(client());
        ASSERT_TRUE(peers.back().connected()) << i;
    }
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == kConnections; }));
    const std::size_t idle = pool->usedBytes();
    EXPECT_EQ(idle, 0U);
    for (auto& peer : peers) ASSERT_TRUE(peer.send("a line\nand half of "));
    ASSERT_TRUE(arrives(kConnections));
    log->releaseBlocks();
    EXPECT_TRUE(eventually([&] { return pool->usedBytes() == 0; }));
    for (auto& peer : peers) ASSERT_TRUE(peer.send("another\n"));
    ASSERT_TRUE(arrives(2 * kConnections));
    EXPECT_EQ(log->lines().size(), kConnections);
    EXPECT_EQ(log->lines().front(), "and half of another");
    const auto begin = std::chrono::steady_clock::now();
    service->sealOpenBlocks();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
    auto refused = client();
    EXPECT_EQ(refused.line(), "error too many connections");
}

TEST_F(ReceiverLoad, AGigabyteLineIsSkippedInConstantMemory) {
    open({}, {.recordBytesMax = 1 << 20}, 64 << 20);
    const std::size_t before = residentBytes();
    std::size_t most = 0;
    auto peer = client();
    peer.send("before\n");
    const std::string piece(4 << 20, 'x');
    for (int i = 0; i < 256; ++i) {
        ASSERT_TRUE(peer.send(piece));
        most = std::max(most, residentBytes());
    }
    peer.send("\nafter\n");
    ASSERT_TRUE(arrives(3));
    EXPECT_EQ(log->lines(), (std::vector<std::string>{"before", "after"}));
    EXPECT_EQ(log->oversizeCount(), 1U);
    EXPECT_LT(most, before + (32 << 20));
}

TEST_F(ReceiverLoad, ASenderAndItsServerPassLinesQuickly) {
    open({.acknowledged = true}, {}, 256 << 20);
    char path[] = "/tmp/receiver_load_XXXXXX";
    const int file = ::mkstemp(path);
    ::unlink(path);
    std::string piece;
    while (piece.size() < (8 << 20)) piece += "a line of text with some words in it " +
                                              std::to_string(piece.size()) + "\n";
    std::size_t size = 0;
    for (int i = 0; i < 64; ++i) {
        ASSERT_EQ(::write(file, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
        size += piece.size();
    }
    ::lseek(file, 0, SEEK_SET);
    std::atomic<bool> done{false};
    std::thread batches([&] {
        while (!done) {
            service->sealOpenBlocks();
            log->releaseBlocks();
            test::sleepMillis(20);
        }
    });
    SendOptions options;
    options.port = receiver->port();
    options.session = "fast";
    const auto begin = std::chrono::steady_clock::now();
    const auto sent = TextSender(options).run(file);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    done = true;
    batches.join();
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(log->lineCount(), *sent);
    ::close(file);
    RecordProperty("megabytesPerSecond", static_cast<int>(static_cast<double>(size) / 1e6 / took.count()));
    std::printf("%.0f MB in %.2f s: %.0f MB/s\n", static_cast<double>(size) / 1e6, took.count(),
                static_cast<double>(size) / 1e6 / took.count());
}

}  // namespace
}  // namespace tidemill::sources
