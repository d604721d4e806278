// What a test or demo queues goes through the log, batch by batch.
#include "sources/queue_source.h"

#include <gtest/gtest.h>

#include "tests/support/memory_block_log.h"

namespace tidemill::sources {
namespace {

constexpr BatchTime kTime{};

QueuedRecords records(std::initializer_list<std::string_view> list) {
    QueuedRecords queued;
    for (auto record : list) queued.add(record);
    return queued;
}

TEST(QueueSource, TakesOneElementAtEachBatchTime) {
    test::MemoryBlockLog log;
    QueueSource source(core::SourceId(2));
    source.connect(log);
    source.push(records({"a", "b"}));
    source.push(records({"c"}));
    source.atBatchTime(kTime);
    EXPECT_EQ(log.last(), core::Lsn(0)) << "not started";
    ASSERT_TRUE(source.start());
    source.atBatchTime(kTime);
    source.atBatchTime(kTime);
    source.atBatchTime(kTime);
    const auto origins = log.origins();
    ASSERT_EQ(origins.size(), 2U);
    EXPECT_EQ(origins[0].lines, 2U);
    EXPECT_EQ(origins[0].firstLine, 1U);
    EXPECT_EQ(origins[1].lines, 1U);
    EXPECT_EQ(origins[1].firstLine, 3U);
    EXPECT_EQ(origins[1].source, core::SourceId(2));
    EXPECT_EQ(source.statistics().records, 3U);
}

TEST(QueueSource, TakesAllAtOnceWhenAsked) {
    test::MemoryBlockLog log;
    QueueSource source(core::SourceId(0), false);
    source.connect(log);
    ASSERT_TRUE(source.start());
    for (int i = 0; i < 3; ++i) source.push(records({"x"}));
    source.atBatchTime(kTime);
    EXPECT_EQ(log.lineCount(), 3U);
    EXPECT_EQ(source.queued(), 0U);
}

TEST(QueueSource, AnEmptyQueueGivesTheDefault) {
    test::MemoryBlockLog log;
    QueueSource source(core::SourceId(0), true, records({"d", "d"}));
    source.connect(log);
    ASSERT_TRUE(source.start());
    source.push(records({}));
    source.atBatchTime(kTime);
    EXPECT_EQ(log.lineCount(), 0U) << "an empty element is an empty batch";
    source.atBatchTime(kTime);
    EXPECT_EQ(log.lineCount(), 2U);
    source.stop(true);
    source.atBatchTime(kTime);
    EXPECT_EQ(log.lineCount(), 2U);
}

TEST(QueueSource, RecordsArePrefixedByTheirLength) {
    QueuedRecords queued = records({"ab", "", std::string_view("\0\n", 2)});
    EXPECT_EQ(queued.records(), 3U);
    EXPECT_EQ(queued.bytes(), std::string_view("\2\0\0\0ab\0\0\0\0\2\0\0\0\0\n", 16));
}

TEST(QueueSource, ALargeElementBecomesSeveralBlocks) {
    test::MemoryBlockLog log;
    QueueSource source(core::SourceId(0));
    source.connect(log);
    ASSERT_TRUE(source.start());
    QueuedRecords queued;
    for (int i = 0; i < 20; ++i) queued.add(std::string(1 << 20, 'x'));
    queued.add(std::string(9 << 20, 'y'));
    source.push(std::move(queued));
    source.atBatchTime(kTime);
    EXPECT_EQ(log.lineCount(), 21U);
    std::uint64_t next = 1;
    for (const auto& origin : log.origins()) {
        EXPECT_EQ(origin.firstLine, next);
        next = origin.nextLine();
    }
    EXPECT_GT(log.origins().size(), 4U);
}

}  // namespace
}  // namespace tidemill::sources
