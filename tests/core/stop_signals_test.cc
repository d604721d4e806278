#include "core/stop_signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/logging.h"

namespace tidemill::core {
namespace {

using namespace std::chrono_literals;
using Request = StopSignals::Request;
constexpr StopSignals::Options kDaemon{.reportsSecond = true, .logsHangUp = true};

// How a child ends that runs `body`: its exit code, or 128 and the signal.
template <class Body>
int endOf(Body body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(StopSignals, TheFirstIsAStopAndTheOtherOneIsAtOnce) {
    StopSignals signals(kDaemon);
    EXPECT_EQ(signals.wait(0ms), Request::kNone);
    ::raise(SIGTERM);
    EXPECT_EQ(signals.wait(10s), Request::kStop);
    ::raise(SIGTERM);
    EXPECT_EQ(signals.wait(0ms, Request::kStop), Request::kStop) << "the same within a second";
    ::raise(SIGINT);
    EXPECT_EQ(signals.wait(10s, Request::kStop), Request::kStopAtOnce);
}

TEST(StopSignals, TheSameASecondLaterIsAtOnce) {
    StopSignals signals(kDaemon);
    ::raise(SIGINT);
    while (signals.wait(50ms, Request::kStop) != Request::kStopAtOnce) ::raise(SIGINT);
}

TEST(StopSignals, ASecondEndsTheProcessWhenNobodyIsTold) {
    EXPECT_EQ(endOf([] {
                  StopSignals signals;
                  ::raise(SIGTERM);
                  ::raise(SIGTERM);
                  ::raise(SIGINT);
              }),
              128 + SIGINT);
    EXPECT_EQ(endOf([] {
                  StopSignals signals, reported(kDaemon);
                  ::raise(SIGTERM);
                  ::raise(SIGINT);
                  ::_exit(signals.wait(0ms, Request::kStop) == Request::kStopAtOnce ? 7 : 8);
              }),
              7);
}

TEST(StopSignals, HangUpIsTakenByThoseWhoLogItOnly) {
    EXPECT_EQ(endOf([] {
                  StopSignals signals;
                  ::raise(SIGHUP);
              }),
              128 + SIGHUP);
    EXPECT_EQ(endOf([] {
                  StopSignals signals(kDaemon);
                  ::raise(SIGHUP);
                  ::_exit(signals.wait(0ms) == Request::kNone ? 7 : 8);
              }),
              7);
}

TEST(StopSignals, SignalsThatWereHeldBackAreSeen) {
    EXPECT_EQ(endOf([] {
                  StopSignals::holdBack();
                  ::raise(SIGTERM);
                  StopSignals signals;
                  ::_exit(signals.wait(10s) == Request::kStop ? 7 : 8);
              }),
              7);
    EXPECT_EQ(endOf([] {
                  StopSignals::holdBack();
                  ::raise(SIGTERM);
                  StopSignals::letThrough();
              }),
              128 + SIGTERM);
}

TEST(StopSignals, InterruptEndsAWaitWithoutARequest) {
    StopSignals signals;
    auto waits = std::async(std::launch::async, [&] { return signals.wait(-1ms); });
    signals.interrupt();
    ASSERT_EQ(waits.wait_for(20s), std::future_status::ready);
    EXPECT_EQ(waits.get(), Request::kNone);
}

TEST(StopSignals, EveryoneWhoWaitsIsWoken) {
    StopSignals one, two;
    auto first = std::async(std::launch::async, [&] { return one.wait(-1ms); });
    auto second = std::async(std::launch::async, [&] { return two.wait(-1ms); });
    ::raise(SIGINT);
    EXPECT_EQ(first.get(), Request::kStop);
    EXPECT_EQ(second.get(), Request::kStop);
}

TEST(StopSignals, WhatWasDoneBeforeComesBackWithTheLast) {
    struct sigaction before {
    }, during{}, after{};
    ::sigaction(SIGTERM, nullptr, &before);
    {
        auto first = std::make_unique<StopSignals>();
        StopSignals second;
        first.reset();
        ::sigaction(SIGTERM, nullptr, &during);
    }
    ::sigaction(SIGTERM, nullptr, &after);
    EXPECT_NE(during.sa_handler, before.sa_handler);
    EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST(StopSignals, ANewLifeKnowsNothingOfOldSignals) {
    {
        StopSignals signals;
        ::raise(SIGTERM);
    }
    EXPECT_EQ(StopSignals().wait(0ms), Request::kNone);
}

TEST(StopSignals, SixteenAtATime) {
    std::vector<std::unique_ptr<StopSignals>> all;
    for (int i = 0; i < 16; ++i) all.push_back(std::make_unique<StopSignals>());
    EXPECT_THROW(StopSignals(), std::logic_error);
    all.pop_back();
    StopSignals once;
}

}  // namespace
}  // namespace tidemill::core
