// Ten thousand connections, a line of a gigabyte, and how fast lines pass.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

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

// Clients in a process of their own, so that each side has all descriptors for itself. Make it
// before any thread.
class ClientProcess {
public:
    explicit ClientProcess(std::size_t connections) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0);
        child_ = ::fork();
        if (child_ == 0) serve(connections);
        ::close(ends_[1]);
    }
    ~ClientProcess() {
        ::close(ends_[0]);
        ::waitpid(child_, nullptr, 0);
    }
    void connectTo(std::uint16_t port) { EXPECT_EQ(::write(ends_[0], &port, sizeof port), 2); }
    // Every client does its next step: sends a line and a half, then the rest.
    void next() { EXPECT_EQ(::write(ends_[0], "x", 1), 1); }
    // Whether all could do what they were told.
    bool done() {
        char answer = 'n';
        return ::read(ends_[0], &answer, 1) == 1 && answer == 'y';
    }

private:
    [[noreturn]] void serve(std::size_t connections) {
        ::close(ends_[0]);
        std::uint16_t port = 0;
        if (::read(ends_[1], &port, sizeof port) != sizeof port) ::_exit(1);
        std::vector<test::TestClient> peers;
        bool good = true;
        const auto answer = [&] { good = ::write(ends_[1], good ? "y" : "n", 1) == 1 && good; };
        for (std::size_t i = 0; i < connections; ++i) {
            peers.emplace_back(port);
            good = good && peers.back().connected();
        }
        answer();
        for (const std::string_view text : {"a line\nand half of ", "another\n"}) {
            char go = 0;
            if (::read(ends_[1], &go, 1) != 1) ::_exit(1);
            for (auto& peer : peers) good = peer.send(text) && good;
            answer();
        }
        char end = 0;
        while (::read(ends_[1], &end, 1) > 0) {
        }
        ::_exit(0);
    }
    int ends_[2] = {-1, -1};
    pid_t child_ = -1;
};

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
    if (limit.rlim_cur < kConnections + 100)
        GTEST_SKIP() << "RLIMIT_NOFILE is " << limit.rlim_cur << ", needed are "
                     << kConnections + 100;
    ClientProcess clients(kConnections);
    open({.connectionsMax = kConnections}, {}, 256 << 20);
    clients.connectTo(receiver->port());
    ASSERT_TRUE(clients.done());
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == kConnections; }));
    EXPECT_EQ(pool->usedBytes(), 0U);
    clients.next();
    ASSERT_TRUE(clients.done());
    ASSERT_TRUE(arrives(kConnections));
    log->releaseBlocks();
    EXPECT_TRUE(eventually([&] {
        service->flushOpenBlocks();
        return pool->usedBytes() == 0;
    })) << "an unfinished line holds no buffer behind a batch time";
    clients.next();
    ASSERT_TRUE(clients.done());
    ASSERT_TRUE(arrives(2 * kConnections));
    EXPECT_EQ(log->lines().size(), kConnections);
    EXPECT_EQ(log->lines().front(), "and half of another");
    const auto begin = std::chrono::steady_clock::now();
    service->flushOpenBlocks();
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
    while (piece.size() < (8 << 20))
        piece += "a line of text with some words in it " + std::to_string(piece.size()) + "\n";
    std::size_t size = 0;
    for (int i = 0; i < 64; ++i) {
        ASSERT_EQ(::write(file, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
        size += piece.size();
    }
    ::lseek(file, 0, SEEK_SET);
    std::atomic<bool> done{false};
    std::thread batches([&] {
        while (!done) {
            service->flushOpenBlocks();
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
    RecordProperty("megabytesPerSecond",
                   static_cast<int>(static_cast<double>(size) / 1e6 / took.count()));
    std::printf("%.0f MB in %.2f s: %.0f MB/s\n", static_cast<double>(size) / 1e6, took.count(),
                static_cast<double>(size) / 1e6 / took.count());
}

}  // namespace
}  // namespace tidemill::sources
