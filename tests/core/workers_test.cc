#include "core/workers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tidemill::core {
namespace {

TEST(Workers, EveryTaskRunsOnce) {
    for (unsigned threads : {1u, 2u, 7u}) {
        Workers workers(threads);
        for (std::size_t tasks : {0u, 1u, 2u, 16u, 1000u}) {
            std::vector<std::atomic<int>> ran(tasks);
            ASSERT_TRUE(workers.run(tasks, [&](std::size_t i) { ++ran[i]; }));
            for (const auto& count : ran) ASSERT_EQ(count, 1);
        }
    }
}

TEST(Workers, AnExceptionComesBackAsAnErrorThatNamesIt) {
    Workers workers(2);
    const auto result = workers.run(10, [](std::size_t i) {
        if (i == 3) throw std::runtime_error("no such thing");
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kUserCode);
    EXPECT_NE(result.error().message.find("no such thing"), std::string::npos);
}

TEST(Workers, AnErrorOfTheEngineKeepsItsKind) {
    Workers workers(2);
    const auto result = workers.run(4, [](std::size_t) {
        throw TaskFailure(Error{ErrorKind::kCorrupt, "block checksum"});
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kCorrupt);
}

TEST(Workers, RunAgainAfterAnErrorForgetsIt) {
    Workers workers(2);
    EXPECT_FALSE(workers.run(4, [](std::size_t) { throw 1; }));
    EXPECT_TRUE(workers.run(4, [](std::size_t) {}));
}

TEST(Workers, ManyThreadsShareTasksOfEverySizeAgainAndAgain) {
    for (const unsigned threads : {16U, 20U, 64U}) {
        Workers workers(threads);
        ASSERT_EQ(workers.count(), threads);
        for (int round = 0; round < 200; ++round) {
            const std::size_t tasks = static_cast<std::size_t>(round) % 70;
            std::vector<std::atomic<int>> ran(tasks);
            ASSERT_TRUE(workers.run(tasks, [&](std::size_t i) { ++ran[i]; }));
            for (const auto& count : ran) ASSERT_EQ(count, 1);
        }
    }
}

TEST(Workers, TheFirstErrorIsReportedOnceAllThatRanHaveReturned) {
    Workers workers(20);
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> running = 0, begun = 0;
        const auto result = workers.run(1000, [&](std::size_t i) {
            ++running;
            ++begun;
            struct Ended {
                std::atomic<int>& running;
                ~Ended() { --running; }
            } ended{running};
            if (i % 3 == 2) throw std::runtime_error("task " + std::to_string(i));
        });
        ASSERT_FALSE(result);
        EXPECT_EQ(running, 0);
        EXPECT_LT(begun, 1000);  // the rest is left out
        EXPECT_EQ(result.error().message.find("task"), result.error().message.rfind("task"));
    }
}

TEST(Workers, MoreThanTheMostAreRefusedWithTheNumber) {
    Workers workers;
    const auto started = workers.start(Workers::kMost + 1);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(started.error().message.find("workers=1025 maximum=1024"), std::string::npos)
        << started.error().message;
    EXPECT_EQ(workers.count(), 0U);
}

// In a process of its own, whose user may have no more threads.
TEST(WorkersDeathTest, ThreadsThatTheSystemDoesNotGiveAreAnErrorAndNoneIsLeft) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer needs the address space";
#endif
    const auto startFewer = [] {
        // Room for some stacks only: threads are refused also to root.
        rlimit room{};
        room.rlim_cur = room.rlim_max = 1 << 30;
        if (setrlimit(RLIMIT_AS, &room) != 0) std::exit(3);
        Workers workers;
        const auto started = workers.start(Workers::kMost);
        if (started || started.error().kind != ErrorKind::kIo || workers.count() != 0) std::exit(1);
        std::fputs(started.error().message.c_str(), stderr);
        std::exit(0);
    };
    EXPECT_EXIT(startFewer(), ::testing::ExitedWithCode(0),
                "worker thread [0-9]+ of 1024 cannot be started");
}

}  // namespace
}  // namespace tidemill::core
