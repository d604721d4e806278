// The log that keeps nothing on disk: one order, each part of a lane once, and durable at once.
#include "core/memory_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace tidemill::core {
namespace {

using Outcome = BlockLog::Outcome;

BlockPtr blockOf(std::string_view bytes, BlockOrigin origin = {}) {
    auto buffer = Buffer::unpooled(bytes.size());
    bytes.copy(buffer.data(), bytes.size());
    return std::make_shared<Block>(std::move(buffer), bytes.size(), std::move(origin));
}

BlockPtr laneBlock(std::string_view bytes, std::string lane, std::uint64_t firstLine) {
    BlockOrigin origin;
    origin.firstLine = firstLine;
    origin.lines = 1;
    setLineLane(origin, std::move(lane));
    return blockOf(bytes, std::move(origin));
}

std::vector<std::string> textsOf(const std::vector<BlockPtr>& blocks) {
    std::vector<std::string> texts;
    for (const auto& block : blocks) texts.emplace_back(block->bytes().value().view());
    return texts;
}

using Texts = std::vector<std::string>;

TEST(MemoryLog, BlocksAndRecordsHaveOneOrderThatBeginsAtOne) {
    MemoryLog log;
    EXPECT_EQ(log.last(), Lsn(0));
    const auto first = blockOf("a\n"), second = blockOf("b\n");
    ASSERT_EQ(log.append(first), Outcome::kQueued);
    EXPECT_EQ(first->lsn(), Lsn(1));
    const auto record = log.appendRecord({});
    ASSERT_TRUE(record);
    EXPECT_EQ(*record, Lsn(2));
    ASSERT_EQ(log.append(second), Outcome::kQueued);
    EXPECT_EQ(second->lsn(), Lsn(3));
    EXPECT_EQ(log.last(), Lsn(3));
}

TEST(MemoryLog, WhatIsAppendedIsDurableAtOnceAndAllWhoListenAreTold) {
    MemoryLog log;
    std::vector<Lsn> one, other;
    log.onDurable([&](const Result<Lsn>& lsn) { one.push_back(lsn.value()); });
    log.onDurable([&](const Result<Lsn>& lsn) {
        EXPECT_EQ(log.durable(), lsn.value()) << "they may look at the log";
        other.push_back(lsn.value());
    });
    ASSERT_EQ(log.append(blockOf("a\n")), Outcome::kQueued);
    EXPECT_EQ(one, (std::vector<Lsn>{Lsn(1)}));
    ASSERT_EQ(log.append(blockOf("b\n")), Outcome::kQueued);
    EXPECT_EQ(one, (std::vector<Lsn>{Lsn(1), Lsn(2)}));
    EXPECT_EQ(other, one);
    ASSERT_TRUE(log.appendRecord({}));
    EXPECT_EQ(log.durable(), Lsn(3));
    EXPECT_TRUE(log.waitDurable(Lsn(3)));
    EXPECT_TRUE(log.idle());
}

TEST(MemoryLog, AHoldDelaysNothing) {
    MemoryLog log;
    int told = 0;
    log.onDurable([&](const Result<Lsn>&) { ++told; });
    const BlockLog::Hold hold(log);
    ASSERT_EQ(log.append(blockOf("a\n")), Outcome::kQueued);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(textsOf(log.take(100)), Texts{"a\n"});
}

TEST(MemoryLog, ALaneIsTakenOnceAndInOrder) {
    MemoryLog log;
    int told = 0;
    log.onDurable([&](const Result<Lsn>&) { ++told; });
    EXPECT_EQ(log.position("s"), "");
    ASSERT_EQ(log.append(laneBlock("a\n", "s", 1)), Outcome::kQueued);
    const auto again = laneBlock("a\n", "s", 1), hole = laneBlock("c\n", "s", 3);
    EXPECT_EQ(log.append(again), Outcome::kStale);
    EXPECT_EQ(log.append(hole), Outcome::kStale);
    // Nothing was appended: no LSN, no bytes, nobody was told.
    EXPECT_EQ(again->lsn(), Lsn(0));
    EXPECT_EQ(log.last(), Lsn(1));
    EXPECT_EQ(log.pendingBlocks(), 1u);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(log.sessionLines("s"), 1u);
    ASSERT_EQ(log.append(laneBlock("b\n", "s", 2)), Outcome::kQueued);
    ASSERT_EQ(log.append(laneBlock("x\n", "other", 1)), Outcome::kQueued);
    EXPECT_EQ(log.sessionLines("s"), 2u);
    EXPECT_EQ(log.sessionLines("other"), 1u);
    EXPECT_EQ(log.laneCount(), 2u);
    EXPECT_EQ(textsOf(log.take(100)), (Texts{"a\n", "b\n", "x\n"}));
    EXPECT_EQ(log.append(laneBlock("b\n", "s", 2)), Outcome::kStale)
        << "also once a batch owns what was there";
}

TEST(MemoryLog, ABatchTakesAsManyBlocksAsFitAndAtLeastOne) {
    MemoryLog log;
    EXPECT_TRUE(log.take(100).empty());
    for (const char* text : {"1234", "56", "78", "9"})
        ASSERT_EQ(log.append(blockOf(text)), Outcome::kQueued);
    EXPECT_EQ(log.pendingBlocks(), 4u);
    EXPECT_EQ(textsOf(log.take(6)), (Texts{"1234", "56"})) << "these fit exactly";
    EXPECT_EQ(log.pendingBlocks(), 2u);
    EXPECT_EQ(textsOf(log.take(0)), Texts{"78"});
    EXPECT_EQ(textsOf(log.take(100)), Texts{"9"});
    EXPECT_EQ(log.pendingBlocks(), 0u);
    EXPECT_TRUE(log.take(100).empty());
}

// It stops at the first block that does not fit: a smaller one behind it must not come before it.
TEST(MemoryLog, NoBlockIsTakenBeforeOneThatWasAppendedEarlier) {
    MemoryLog log;
    for (const char* text : {"12", "345678", "9"})
        ASSERT_EQ(log.append(blockOf(text)), Outcome::kQueued);
    EXPECT_EQ(textsOf(log.take(4)), Texts{"12"});
    EXPECT_EQ(textsOf(log.take(4)), Texts{"345678"}) << "larger than all that may be taken";
    EXPECT_EQ(textsOf(log.take(4)), Texts{"9"});
}

// All of its records were too long and skipped: the numbers that they keep belong to the lane.
TEST(MemoryLog, ABlockWithoutBytesIsTakenToo) {
    MemoryLog log;
    BlockOrigin origin;
    origin.oversize = 3;
    setLineLane(origin, "s");
    ASSERT_EQ(log.append(blockOf("", std::move(origin))), Outcome::kQueued);
    EXPECT_EQ(log.pendingBlocks(), 1u);
    EXPECT_EQ(log.sessionLines("s"), 3u);
    const auto taken = log.take(0);
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken.front()->origin().oversize, 3u);
}

TEST(MemoryLog, WaitingBlocksOutliveATrimAndTakeNoDisk) {
    MemoryLog log;
    ASSERT_EQ(log.append(blockOf("a\n")), Outcome::kQueued);
    EXPECT_TRUE(log.trim(Lsn(1)));
    EXPECT_EQ(log.sizeBytes(), 0u);
    EXPECT_EQ(log.writtenBytes(), 0u);
    EXPECT_FALSE(log.storesBlocks()) << "their memory is all there is";
    EXPECT_EQ(textsOf(log.take(100)), Texts{"a\n"});
}

TEST(MemoryLog, ThreadsAppendWhileOneTakesAndEveryBlockIsTakenOnceInOrder) {
    constexpr std::uint64_t kThreads = 6, kBlocks = 2000;
    MemoryLog log;
    std::atomic<std::uint64_t> told = 0;
    log.onDurable([&](const Result<Lsn>& lsn) { told += lsn.has_value(); });
    std::atomic<std::uint64_t> running = kThreads, records = 0;
    std::vector<std::thread> threads;
    for (std::uint64_t id = 0; id < kThreads; ++id)
        threads.emplace_back([&, id] {
            for (std::uint64_t i = 1; i <= kBlocks; ++i) {
                EXPECT_EQ(log.append(laneBlock(std::to_string(i), "s" + std::to_string(id), i)),
                          Outcome::kQueued);
                if (i % 100 == 0 && log.appendRecord({})) ++records;
            }
            --running;
        });
    std::vector<BlockPtr> taken;
    for (bool more = true; more;) {
        more = running > 0;
        for (const auto& block : log.take(64)) taken.push_back(block);
    }
    for (auto& thread : threads) thread.join();
    for (const auto& block : log.take(~std::size_t{0})) taken.push_back(block);

    ASSERT_EQ(taken.size(), kThreads * kBlocks);
    EXPECT_EQ(told, taken.size());
    EXPECT_EQ(log.pendingBlocks(), 0u);
    EXPECT_EQ(log.last(), Lsn(taken.size() + records)) << "no LSN twice, none left out";
    for (std::size_t i = 1; i < taken.size(); ++i)
        ASSERT_LT(taken[i - 1]->lsn(), taken[i]->lsn()) << i;
    for (std::uint64_t id = 0; id < kThreads; ++id)
        EXPECT_EQ(log.sessionLines("s" + std::to_string(id)), kBlocks);
}

// Two connections of one session, as after a takeover: a part goes in once, whoever comes first.
TEST(MemoryLog, ThreadsThatSendTheSameLaneAppendEachPartOnce) {
    constexpr std::uint64_t kBlocks = 2000;
    MemoryLog log;
    std::atomic<std::uint64_t> queued = 0;
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id)
        threads.emplace_back([&] {
            for (std::uint64_t line; (line = log.sessionLines("s") + 1) <= kBlocks;)
                queued +=
                    log.append(laneBlock(std::to_string(line), "s", line)) == Outcome::kQueued;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(queued, kBlocks);
    const auto texts = textsOf(log.take(~std::size_t{0}));
    ASSERT_EQ(texts.size(), kBlocks);
    for (std::uint64_t i = 0; i < kBlocks; ++i) ASSERT_EQ(texts[i], std::to_string(i + 1));
}

}  // namespace
}  // namespace tidemill::core
