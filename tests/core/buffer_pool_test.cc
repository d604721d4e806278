#include "core/buffer_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

namespace tidemill::core {
namespace {

constexpr std::size_t kKiB = 1024;

TEST(BufferPool, CapacitiesArePowersOfTwoOfAtLeastTheSmallest) {
    const auto pool = BufferPool::make(256 << 20);
    EXPECT_EQ(pool->tryAcquire(0).capacity(), BufferPool::kSmallestBytes);
    EXPECT_EQ(pool->tryAcquire(1).capacity(), BufferPool::kSmallestBytes);
    EXPECT_EQ(pool->tryAcquire(4 * kKiB).capacity(), 4 * kKiB);
    EXPECT_EQ(pool->tryAcquire(4 * kKiB + 1).capacity(), 8 * kKiB);
    EXPECT_EQ(pool->tryAcquire(BufferPool::kLargestBytes).capacity(), BufferPool::kLargestBytes);
}

TEST(BufferPool, WhatIsOutNeverPassesTheBudget) {
    const auto pool = BufferPool::make(64 * kKiB);
    std::vector<Buffer> out;
    for (;;) {
        auto buffer = pool->tryAcquire(16 * kKiB);
        if (!buffer) break;
        out.push_back(std::move(buffer));
    }
    EXPECT_EQ(out.size(), 4U);
    EXPECT_EQ(pool->usedBytes(), 64 * kKiB);
    EXPECT_FALSE(pool->tryAcquire(4 * kKiB));
    out.pop_back();
    EXPECT_EQ(pool->usedBytes(), 48 * kKiB);
    EXPECT_TRUE(pool->tryAcquire(16 * kKiB));
}

TEST(BufferPool, ASizeThatIsNoLongerAskedForMakesWayForOneThatIs) {
    const auto pool = BufferPool::make(64 * kKiB);
    { const auto small = pool->tryAcquire(4 * kKiB); }
    std::vector<Buffer> out(4);
    for (auto& buffer : out) buffer = pool->tryAcquire(16 * kKiB);
    const char* const last = out[3].data();
    out[3] = Buffer();
    out[3] = pool->tryAcquire(16 * kKiB);
    EXPECT_EQ(out[3].data(), last) << "the buffer was not kept";
}

// What is cached and what is out together; seen by the number of pages the process has.
TEST(BufferPool, WhatIsCachedMakesWayForWhatIsTaken) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer keeps shadows of memory that was given back";
#endif
    const auto residentPages = [] {
        std::size_t size = 0, resident = 0;
        std::ifstream("/proc/self/statm") >> size >> resident;
        return resident;
    };
    constexpr std::size_t kBudget = 64 << 20;
    const auto pool = BufferPool::make(kBudget);
    const auto fill = [&](std::size_t capacity) {
        std::vector<Buffer> out;
        while (auto buffer = pool->tryAcquire(capacity)) {
            std::memset(buffer.data(), 'x', buffer.capacity());
            out.push_back(std::move(buffer));
        }
        return out;
    };
    const auto before = residentPages();
    fill(4 << 20);
    const auto out = fill(1 << 20);
    EXPECT_EQ(pool->usedBytes(), kBudget);
    EXPECT_LT(residentPages() - before, kBudget / 4096 * 5 / 4);
}

TEST(BufferPool, ABudgetBelowOneBufferStillGrantsOne) {
    const auto pool = BufferPool::make(1);
    auto one = pool->tryAcquire(1 << 20);
    EXPECT_TRUE(one);
    EXPECT_FALSE(pool->tryAcquire(1));
    one = Buffer();
    EXPECT_EQ(pool->usedBytes(), 0U);
    EXPECT_TRUE(pool->tryAcquire(1));
}

TEST(BufferPool, ARefusalIsAnsweredOnceWhenABufferComesBack) {
    const auto pool = BufferPool::make(8 * kKiB);
    int calls = 0;
    pool->setReleaseListener([&] {
        ++calls;
        EXPECT_LE(pool->usedBytes(), 4 * kKiB);  // may be called from here
    });
    auto first = pool->tryAcquire(4 * kKiB), second = pool->tryAcquire(4 * kKiB);
    first = Buffer();
    EXPECT_EQ(calls, 0);  // nobody was refused
    first = pool->tryAcquire(4 * kKiB);
    EXPECT_FALSE(pool->tryAcquire(4 * kKiB));
    EXPECT_FALSE(pool->tryAcquire(4 * kKiB));
    second = Buffer();
    EXPECT_EQ(calls, 1);
    first = Buffer();
    EXPECT_EQ(calls, 1);
}

TEST(BufferPool, ABufferMayOutliveWhoeverMadeThePool) {
    Buffer kept;
    {
        const auto pool = BufferPool::make(1 << 20);
        kept = pool->tryAcquire(100);
    }
    std::memset(kept.data(), 'x', kept.capacity());
    Buffer moved(std::move(kept));
    EXPECT_FALSE(kept);
    EXPECT_EQ(moved.data()[0], 'x');
}

TEST(BufferPool, BuffersOfManyThreadsAreTheirOwn) {
    const auto pool = BufferPool::make(256 * kKiB);
    std::atomic<int> refused = 0;
    pool->setReleaseListener([] {});
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < 16; ++id)
        threads.emplace_back([&, id] {
            std::mt19937 random(id);
            std::vector<Buffer> mine;
            for (int i = 0; i < 2000; ++i) {
                if (mine.size() == 8 || (!mine.empty() && random() % 3 == 0)) {
                    const auto& oldest = mine.front();
                    for (const std::size_t at : {std::size_t{0}, oldest.capacity() - 1})
                        ASSERT_EQ(oldest.data()[at], static_cast<char>(id));
                    mine.erase(mine.begin());
                }
                auto buffer = pool->tryAcquire(1 + random() % (64 * kKiB));
                EXPECT_LE(pool->usedBytes(), pool->budgetBytes());
                if (!buffer) {
                    ++refused;
                    continue;
                }
                buffer.data()[0] = buffer.data()[buffer.capacity() - 1] = static_cast<char>(id);
                mine.push_back(std::move(buffer));
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(pool->usedBytes(), 0U);
    EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace tidemill::core
