// Text over Unix sockets: listened on, dialled, and sent to.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sources/text_sender.h"
#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

namespace fs = std::filesystem;
using test::eventually;
using test::TestClient;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A socket that is bound there, and listened on.
class Bound {
public:
    explicit Bound(const fs::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd_, 10), 0);
    }
    ~Bound() { ::close(fd_); }
    int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }

private:
    const int fd_;
};

class UnixSockets : public ListeningFixture {
protected:
    UnixSockets() {
        char name[] = "/tmp/unix_sockets_XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~UnixSockets() override { fs::remove_all(directory_); }

    fs::path path() const { return directory_ / "lines.sock"; }
    ListenOptions options(const fs::path& at) const { return {.address = "unix:" + at.string()}; }

    // Why a source cannot listen so.
    std::string refusal(const fs::path& at) {
        log = std::make_unique<Log>();
        pool = core::BufferPool::make(64 << 20);
        auto made = NetworkService::make(*log, pool, {});
        EXPECT_TRUE(made);
        service = std::move(*made);
        receiver = service->listenText(core::SourceId(3), options(at));
        const auto started = receiver->start();
        return started ? "" : started.error().message;
    }

    fs::path directory_;
};

TEST_F(UnixSockets, LinesComeOverOneAndItIsGoneAfterTheStop) {
    open(options(path()));
    EXPECT_EQ(receiver->port(), 0);
    struct stat file {};
    ASSERT_EQ(::stat(path().c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, 0660u);
    TestClient one(path()), other(path());
    ASSERT_TRUE(one.send("a\nb\n") && other.send("c\n"));
    other.close();
    EXPECT_TRUE(arrives(3));
    receiver->stop(true);
    EXPECT_FALSE(fs::exists(path()));
}

TEST_F(UnixSockets, OneThatADeadProcessLeftIsReplaced) {
    { const Bound dead(path()); }
    ASSERT_TRUE(fs::exists(path()));
    open(options(path()));
    TestClient client(path());
    ASSERT_TRUE(client.send("a\n"));
    EXPECT_TRUE(arrives(1));
}

TEST_F(UnixSockets, OneThatAnotherProcessListensOnIsRefusedAndSpared) {
    const Bound other(path());
    EXPECT_THAT(refusal(path()), AllOf(HasSubstr("unix:" + path().string()),
                                       HasSubstr("another process listens there")));
    EXPECT_TRUE(TestClient(path()).connected());
}

TEST_F(UnixSockets, AFileThatIsNoSocketIsRefusedAndSpared) {
    std::ofstream(path()) << "precious";
    EXPECT_THAT(refusal(path()), HasSubstr("no socket"));
    EXPECT_EQ(fs::file_size(path()), 8u);
    fs::remove(path());
    fs::create_symlink("elsewhere", path());
    EXPECT_THAT(refusal(path()), HasSubstr("no socket"));
}

TEST_F(UnixSockets, APathThatCannotBeIsNamed) {
    const auto tooLong = directory_ / std::string(100, 'x');
    EXPECT_THAT(refusal(tooLong), AllOf(HasSubstr(std::to_string(tooLong.string().size())),
                                        HasSubstr("at most 107")));
    EXPECT_THAT(refusal(""), HasSubstr("needs the path"));
    EXPECT_THAT(refusal(directory_ / "missing" / "x"), HasSubstr("No such file"));
}

TEST_F(UnixSockets, WhatHasTakenItsPlaceStaysAtTheStop) {
    open(options(path()));
    fs::rename(path(), directory_ / "old");
    const Bound other(path());
    receiver->stop(false);
    EXPECT_TRUE(fs::exists(path()));
}

TEST_F(UnixSockets, ConnectionsHaveALimit) {
    auto few = options(path());
    few.connectionsMax = 1;
    open(few);
    TestClient first(path());
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == 1; }));
    TestClient second(path());
    EXPECT_THAT(second.line().value_or(""), HasSubstr("error"));
    EXPECT_TRUE(second.ended());
}

TEST_F(UnixSockets, ASenderGoesOnOverThemWhereTheLogEnds) {
    auto acknowledged = options(path());
    acknowledged.acknowledged = true;
    open(acknowledged);
    SendOptions send;
    send.host = acknowledged.address;
    send.session = "s";
    send.retryPeriod = std::chrono::milliseconds(1);
    send.giveUpAfter = std::chrono::seconds(10);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::thread feed([&] {
        for (int i = 1; i <= 3000; ++i) {
            const auto line = "line " + std::to_string(i) + "\n";
            ASSERT_EQ(::write(ends[1], line.data(), line.size()),
                      static_cast<ssize_t>(line.size()));
            if (i % 1000 == 0) test::sleepMillis(20);
        }
        ::close(ends[1]);
    });
    std::thread breaks([&] {
        for (int i = 0; i < 3; ++i) {
            test::sleepMillis(10);
            receiver->stop(false);
            receiver = service->listenText(core::SourceId(3), acknowledged);
            ASSERT_TRUE(receiver->start());
        }
    });
    const auto sent = TextSender(send).run(ends[0]);
    feed.join();
    breaks.join();
    ::close(ends[0]);
    ASSERT_TRUE(sent) << sent.error().message;
    const auto text = log->sessionText("s");
    ASSERT_EQ(text.size(), 3000u);
    for (std::size_t i = 0; i < text.size(); ++i)
        ASSERT_EQ(text[i], "line " + std::to_string(i + 1));
}

TEST_F(UnixSockets, OneThatIsDialledIsDialledAgain) {
    log = std::make_unique<Log>();
    pool = core::BufferPool::make(64 << 20);
    auto made = NetworkService::make(*log, pool, {});
    ASSERT_TRUE(made);
    service = std::move(*made);
    const auto dialled = service->dialText(
        core::SourceId(0),
        {.host = "unix:" + path().string(), .firstRetry = std::chrono::milliseconds(20)});
    ASSERT_TRUE(dialled->start());
    for (int round = 0; round < 2; ++round) {
        test::sleepMillis(30);  // nobody is there
        const Bound server(path());
        const int client = server.accept();
        const std::string lines = "a\nb\nunfinished";
        ASSERT_EQ(::write(client, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
        ::close(client);
        fs::remove(path());
        EXPECT_TRUE(eventually([&] {
            service->flushOpenBlocks();
            return log->lineCount() == 3u * static_cast<unsigned>(round + 1);
        }));
    }
    dialled->stop(false);
}

}  // namespace
}  // namespace tidemill::sources
