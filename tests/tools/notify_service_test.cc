// What a service manager hears over a real socket, and that nothing fails where none listens. What
// the program as a whole tells it: service_test.cc.
#include "tools/notify_service.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/secrets.h"

namespace tidemill::tools {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using ::testing::MatchesRegex;

constexpr std::chrono::seconds kLongest{10};

// What a service manager listens on; a name that begins with '@' is an abstract one.
class NotifySocket {
public:
    explicit NotifySocket(std::string name) : name_(std::move(name)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        EXPECT_LT(name_.size(), sizeof address.sun_path);
        name_.copy(address.sun_path, sizeof address.sun_path - 1);
        if (name_[0] == '@') address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
        fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0) << name_;
    }
    ~NotifySocket() {
        ::close(fd_);
        if (name_[0] != '@') ::unlink(name_.c_str());
    }
    // The socket goes, its name in the file system stays.
    void stopListening() { ::close(std::exchange(fd_, -1)); }

    // The next message; empty when none comes in time.
    std::string next() {
        pollfd ready{fd_, POLLIN, 0};
        const auto longest = std::chrono::milliseconds(kLongest).count();
        if (::poll(&ready, 1, static_cast<int>(longest)) != 1) return "";
        char text[4096];
        const auto size = ::recv(fd_, text, sizeof text, 0);
        return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    }

private:
    std::string name_;
    int fd_ = -1;
};

class NotifyService : public ::testing::Test {
protected:
    NotifyService() { forget(); }
    ~NotifyService() override { forget(); }

    static void forget() {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            ::unsetenv(name);
    }
    static void set(const char* name, const std::string& value) {
        ::setenv(name, value.c_str(), 1);
    }
    static std::string own(const std::string& name) { return name + std::to_string(::getpid()); }

    // From now on this is the service manager's socket.
    void listen(const std::string& name) {
        socket_ = std::make_unique<NotifySocket>(name);
        set("NOTIFY_SOCKET", name);
    }
    void listen() { listen(own("@tidemill-notify-")); }

    // Whether nothing has been said so far: what is said now is the next to be heard.
    bool silent() {
        ServiceManager().status("a mark");
        const auto heard = socket_->next();
        EXPECT_EQ(heard, "STATUS=a mark");
        return heard == "STATUS=a mark";
    }
    // All that a manager may be told.
    static void tellAll() {
        ServiceManager manager;
        manager.starting([] { return true; });
        manager.status("starting");
        manager.ready();
        manager.alive(1, 1s);
        manager.stopping();
        manager.failed();
    }

    std::unique_ptr<NotifySocket> socket_;
};

TEST_F(NotifyService, TheManagerIsToldOfStartStatusAndStop) {
    listen(own(::testing::TempDir() + "notify-"));
    ServiceManager manager;
    manager.ready();
    EXPECT_EQ(socket_->next(), "READY=1");
    manager.status("1,000 records/s");
    EXPECT_EQ(socket_->next(), "STATUS=1,000 records/s");
    manager.stopping();
    EXPECT_EQ(socket_->next(), "STOPPING=1");
}

TEST_F(NotifyService, TheSocketMayHaveAnAbstractName) {
    listen();
    ServiceManager manager;
    manager.ready();
    EXPECT_EQ(socket_->next(), "READY=1");
}

TEST_F(NotifyService, TheNameMayBeAsLongAsAnAddressHoldsAndALongerOneIsNotCutShort) {
    std::string longest = own("@tidemill-notify-");
    longest.resize(sizeof(sockaddr_un::sun_path) - 1, 'x');
    listen(longest);
    ServiceManager manager;
    for (const std::size_t more : {1, 2, 1'000}) {
        set("NOTIFY_SOCKET", longest + std::string(more, 'x'));
        manager.status("to somebody else");
    }
    set("NOTIFY_SOCKET", longest);
    EXPECT_TRUE(silent());
}

TEST_F(NotifyService, WithoutASocketNothingIsSaid) {
    listen();
    set("WATCHDOG_USEC", "1");
    for (const bool empty : {false, true}) {
        ::unsetenv("NOTIFY_SOCKET");
        if (empty) set("NOTIFY_SOCKET", "");
        EXPECT_FALSE(ServiceManager().wantsSign()) << empty;
        tellAll();
    }
    listen(own("@tidemill-notify-later-"));
    EXPECT_TRUE(silent());
}

// A manager that restarts is not there for a while; the job does not mind, and tells it again.
TEST_F(NotifyService, NobodyListeningIsNoError) {
    const auto path = own(::testing::TempDir() + "notify-");
    set("WATCHDOG_USEC", "1000000");
    for (const auto& name : {path, own("@tidemill-notify-")}) {
        set("NOTIFY_SOCKET", name);
        tellAll();  // there is no such name
        listen(name);
        socket_->stopListening();
        tellAll();  // a name in the file system, and nobody behind it
        socket_.reset();
        listen(name);
        EXPECT_TRUE(silent()) << name;
        socket_.reset();
    }
}

TEST_F(NotifyService, TheStatusShowsNoSecret) {
    core::keepSecret("open sesame", "${GATE}");
    listen();
    ServiceManager manager;
    manager.status("connecting with open sesame");
    EXPECT_EQ(socket_->next(), "STATUS=connecting with ${GATE}");
}

TEST_F(NotifyService, AQuickStartSaysNothingOfItself) {
    listen();
    ServiceManager manager;
    manager.starting([] { return true; });
    manager.ready();
    EXPECT_EQ(socket_->next(), "READY=1");
    // One that ends in the middle of a start ends that too.
    ServiceManager().starting([] { return true; });
    EXPECT_TRUE(silent());
}

TEST_F(NotifyService, FromItsFirstSecondOnAStartHasMoreTimeAndSaysWhatItDoes) {
    listen();
    ServiceManager manager;
    const auto begun = std::chrono::steady_clock::now();
    manager.starting([] { return true; });
    manager.status("replayed 5 of 10");
    EXPECT_EQ(socket_->next(), "STATUS=replayed 5 of 10");
    EXPECT_THAT(socket_->next(),
                MatchesRegex("EXTEND_TIMEOUT_USEC=[0-9]+\nSTATUS=replayed 5 of 10"));
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s);
    manager.ready();
    EXPECT_EQ(socket_->next(), "READY=1");
}

TEST_F(NotifyService, ALongStopHasMoreTimeToo) {
    listen();
    ServiceManager manager;
    manager.starting([] { return false; });
    manager.stopping();
    EXPECT_EQ(socket_->next(), "STOPPING=1");
    EXPECT_THAT(socket_->next(), MatchesRegex("EXTEND_TIMEOUT_USEC=[0-9]+\nSTATUS=stopping: .*"));
}

// What getsOn() looks at may go as soon as failed() has returned.
TEST_F(NotifyService, AStartThatGetsNowhereHasNoMoreTimeAndIsNotAskedAnyMoreOnceItFailed) {
    listen();
    ServiceManager manager;
    bool firstAsked = false;
    manager.starting([&] { return firstAsked = true; });
    std::promise<void> asked;
    std::atomic<bool> answered = false;
    manager.starting([&] {
        asked.set_value();  // a second time it would throw
        std::this_thread::sleep_for(50ms);
        answered = true;
        return false;
    });
    ASSERT_EQ(asked.get_future().wait_for(kLongest), std::future_status::ready);
    manager.failed();
    EXPECT_TRUE(answered);
    EXPECT_FALSE(firstAsked) << "a new start takes the place of the former";
    EXPECT_TRUE(silent());
}

TEST_F(NotifyService, TheWatchdogWantsASignFourTimesInItsTime) {
    listen();
    set("WATCHDOG_USEC", "4000");
    ServiceManager manager;
    EXPECT_TRUE(manager.wantsSign()) << "the first one at once";
    const auto before = std::chrono::steady_clock::now();
    manager.alive(1, 1h);
    EXPECT_EQ(socket_->next(), "WATCHDOG=1");
    while (!manager.wantsSign())
        ASSERT_LT(std::chrono::steady_clock::now() - before, kLongest) << "no sign is wanted";
    EXPECT_GE(std::chrono::steady_clock::now() - before, 1ms);

    set("WATCHDOG_USEC", "3600000000");
    ServiceManager patient;
    patient.alive(1, 1ms);
    EXPECT_EQ(socket_->next(), "WATCHDOG=1");
    EXPECT_FALSE(patient.wantsSign()) << "a sign was given just now";
}

TEST_F(NotifyService, NoSignIsWantedOrGivenWithoutAWatchdogOfOurOwn) {
    listen();
    const auto expectNone = [&](const std::string& why) {
        ServiceManager manager;
        EXPECT_FALSE(manager.wantsSign()) << why;
        manager.alive(1, 1h);
        EXPECT_TRUE(silent()) << why;
    };
    expectNone("none is set");
    for (const char* micros : {"", "0", "-5", "soon", "12x", "99999999999999999999"}) {
        set("WATCHDOG_USEC", micros);
        expectNone(micros);
    }
    set("WATCHDOG_USEC", "4000");
    for (const auto& pid : {std::to_string(::getpid() + 1), std::string(), std::string("us")}) {
        set("WATCHDOG_PID", pid);
        expectNone("it is that of process " + pid);
    }
    set("WATCHDOG_PID", std::to_string(::getpid()));
    EXPECT_TRUE(ServiceManager().wantsSign());
}

// A job that is stuck is restarted: its signs end some time behind its last batch.
TEST_F(NotifyService, SignsEndWhenNoBatchCompletesForLongerThanItMayTake) {
    listen();
    set("WATCHDOG_USEC", "1000");
    ServiceManager manager;
    manager.alive(7, 0ms);
    EXPECT_EQ(socket_->next(), "WATCHDOG=1");
    std::this_thread::sleep_for(5ms);
    manager.alive(7, 0ms);
    EXPECT_TRUE(silent()) << "stuck";
    manager.alive(7, 1h);
    EXPECT_EQ(socket_->next(), "WATCHDOG=1") << "a batch may take an hour here";
    manager.alive(8, 0ms);
    EXPECT_EQ(socket_->next(), "WATCHDOG=1") << "one has completed";
}

TEST_F(NotifyService, TheTimeOfTheFirstBatchCountsFromWhenTheJobIsReady) {
    listen();
    set("WATCHDOG_USEC", "1000");
    ServiceManager manager;
    manager.ready();
    EXPECT_EQ(socket_->next(), "READY=1");
    manager.alive(0, 20s);
    EXPECT_EQ(socket_->next(), "WATCHDOG=1");
    std::this_thread::sleep_for(5ms);
    manager.alive(0, 0ms);
    EXPECT_TRUE(silent());
}

// Progress is reported by whichever thread makes it: every line is heard whole, and once.
TEST_F(NotifyService, TheStatusMayComeFromAnyThread) {
    constexpr int kThreads = 4, kLines = 500;
    const auto line = [](int thread, int i) {
        return std::to_string(thread) + ":" + std::to_string(i) + std::string(1'000, '.');
    };
    listen();
    ServiceManager manager;
    manager.starting([] { return false; });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kLines; ++i) manager.status(line(t, i));
        });
    std::multiset<std::string> heard, expected;
    for (int t = 0; t < kThreads; ++t)
        for (int i = 0; i < kLines; ++i) {
            expected.insert("STATUS=" + line(t, i));
            heard.insert(socket_->next());
        }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(heard == expected);
}

}  // namespace
}  // namespace tidemill::tools
