// When batches come, and what happens to a context over its life.
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

TEST(Batches, AManualClockAdvancedByThreeIntervalsGivesThreeBatches) {
    std::vector<std::int64_t> times;
    Life life(inMemory(), fromMillis(12'300));
    RecordQueue<int> queue;
    life.context().queueStream(queue).forEachBatch(
        [&](Batch<int>&, BatchTime time) { times.push_back(toMillis(time)); });
    life.start();
    life.clock().advance(Duration(3000));
    for (int i = 0; i < 500 && life.context().status().batches.batches < 3; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    life.context().stop();
    EXPECT_EQ(times, (std::vector<std::int64_t>{13'000, 14'000, 15'000}));
}

TEST(Batches, IdsAreDenseFromOne) {
    std::vector<std::uint64_t> ids;
    Life life(inMemory());
    RecordQueue<int> queue;
    life.context().queueStream(queue).forEachBatch(
        [&](Batch<int>& batch) { ids.push_back(batch.id()); });
    life.start();
    life.run(4);
    life.context().stop();
    EXPECT_EQ(ids, (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST(Queue, TakesOnePushABatchOrAllOfThem) {
    for (const bool oneAtATime : {true, false}) {
        std::map<std::uint64_t, std::vector<std::string>> seen;
        Life life(inMemory());
        RecordQueue<int> queue;
        queue.push({1});
        queue.push({2});
        life.collect(life.context().queueStream(queue, oneAtATime), seen);
        life.start();
        life.run(2);
        life.context().stop();
        if (oneAtATime) EXPECT_EQ(seen[1], (std::vector<std::string>{"1"}));
        else EXPECT_EQ(seen[1], (std::vector<std::string>{"1", "2"}));
    }
}

TEST(Queue, ADefaultFillsBatchesWithoutAPush) {
    std::map<std::uint64_t, std::vector<std::string>> seen;
    Life life(inMemory());
    RecordQueue<int> queue;
    queue.push({1});
    life.collect(life.context().queueStream(queue, true, std::optional(std::vector<int>{9})), seen);
    life.start();
    life.run(2);
    life.context().stop();
    EXPECT_EQ(seen[1], (std::vector<std::string>{"1"}));
    EXPECT_EQ(seen[2], (std::vector<std::string>{"9"}));
}

TEST(Print, IsInSparksFormatAlsoForAnEmptyBatch) {
    std::ostringstream out;
    {
        Life life(inMemory());
        RecordQueue<int> queue;
        queue.push({1, 2, 3});
        queue.push({});
        life.context()
            .queueStream(queue)
            .map([](int x) { return std::pair("n", x); })
            .print(2, out);
        life.start();
        life.run(2);
        life.context().stop();
    }
    const std::string dashes = "-------------------------------------------\n";
    EXPECT_EQ(out.str(), dashes + "Time: 1000 ms\n" + dashes + "(n,1)\n(n,2)\n...\n\n" + dashes +
                             "Time: 2000 ms\n" + dashes + "\n");
}

TEST(Context, WithoutAnOutputItRefusesToStart) {
    StreamingContext context(inMemory());
    RecordQueue<int> queue;
    context.queueStream(queue).map([](int x) { return x; });
    try {
        context.start();
        FAIL() << "started";
    } catch (const StreamingError& error) {
        EXPECT_NE(std::string(error.what()).find("no output operation"), std::string::npos);
    }
}

TEST(Context, StreamsCannotBeAddedAfterStart) {
    Life life(inMemory());
    RecordQueue<int> queue;
    auto stream = life.context().queueStream(queue);
    stream.forEachBatch([](Batch<int>&) {});
    life.start();
    EXPECT_THROW(stream.map([](int x) { return x; }), std::logic_error);
    EXPECT_THROW(life.context().queueStream(queue), std::logic_error);
    life.context().stop(false);
}

TEST(Context, StartTwiceIsAWarningStartAfterStopAnError) {
    Life life(inMemory());
    RecordQueue<int> queue;
    life.context().queueStream(queue).forEachBatch([](Batch<int>&) {});
    life.start();
    EXPECT_NO_THROW(life.context().start());
    life.context().stop();
    life.context().stop();
    EXPECT_THROW(life.context().start(), std::logic_error);
}

TEST(Context, AFunctionThatThrowsEndsTheJobAndIsNamed) {
    Life life(inMemory());
    RecordQueue<int> queue;
    queue.push({1, 0});
    life.context()
        .queueStream(queue)
        .map([](int x) {
            if (x == 0) throw std::runtime_error("division by zero");
            return 10 / x;
        })
        .countByValue()
        .forEachBatch([](Batch<std::pair<int, std::int64_t>>&) {});
    life.start();
    life.clock().advance(Duration(1000));
    try {
        life.context().awaitTermination();
        FAIL() << "went on";
    } catch (const StreamingError& error) {
        EXPECT_EQ(error.kind(), core::ErrorKind::kUserCode);
        EXPECT_NE(std::string(error.what()).find("division by zero"), std::string::npos);
    }
}

}  // namespace
}  // namespace tidemill::test
