// A RecordQueue feeds one stream, and nothing that is pushed into it is lost or ends the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

using Seen = std::map<std::uint64_t, std::vector<std::string>>;

TEST(RecordQueue, ASecondStreamOfItIsRefused) {
    Life life(inMemory());
    const RecordQueue<int> queue;
    life.context().queueStream(queue);
    EXPECT_THAT([&] { life.context().queueStream(queue); },
                ThrowsMessage<std::invalid_argument>(AllOf(
                    HasSubstr("source 1 (queueStream of i32)"),
                    HasSubstr("feeds another stream already, source 0 (queueStream of i32),"))));
}

TEST(RecordQueue, ASecondContextIsRefusedWhileTheFirstLives) {
    RecordQueue<int> queue;
    Life second(inMemory());
    {
        Life first(inMemory());
        first.context().queueStream(queue);
        EXPECT_THAT([&] { second.context().queueStream(queue); },
                    ThrowsMessage<std::invalid_argument>(
                        AllOf(HasSubstr("source 0 (queueStream of i32) of another "
                                        "StreamingContext"),
                              HasSubstr("a queue of its own"))));
    }
    EXPECT_NO_THROW(second.context().queueStream(queue));
}

TEST(RecordQueue, WhatAStoppedContextHasNotTakenIsThereForTheNext) {
    RecordQueue<int> queue;
    queue.push({1});
    queue.push({2});
    Life first(inMemory());
    Seen seen;
    first.collect(first.context().queueStream(queue), seen);
    first.start();
    first.run(1);
    EXPECT_THROW(Life(inMemory()).context().queueStream(queue), std::invalid_argument) << "it runs";
    first.context().stop(false);
    queue.push({3});
    EXPECT_EQ(queue.queued(), 2U);

    Life second(inMemory());
    Seen later;
    second.collect(second.context().queueStream(queue), later);
    second.start();
    second.run(2);
    EXPECT_EQ(seen, (Seen{{1, {"1"}}}));
    EXPECT_EQ(later, (Seen{{1, {"2"}}, {2, {"3"}}}));
}

// Each push its batch, as before.
TEST(RecordQueue, AGracefulStopTakesWhatWasPushedBefore) {
    for (const bool oneAtATime : {true, false}) {
        Life life(inMemory());
        RecordQueue<int> queue;
        queue.push({1});
        Seen seen;
        life.collect(life.context().queueStream(queue, oneAtATime, std::vector{7}), seen);
        life.start();
        life.run(1);
        queue.push({2, 3});
        queue.push({4});
        life.context().stop();
        EXPECT_EQ(queue.queued(), 0U);
        if (oneAtATime) EXPECT_EQ(seen, (Seen{{1, {"1"}}, {2, {"2", "3"}}, {3, {"4"}}}));
        else EXPECT_EQ(seen, (Seen{{1, {"1"}}, {2, {"2", "3", "4"}}}));
        queue.push({5});
        EXPECT_EQ(queue.queued(), 1U);
        Life next(inMemory());
        Seen later;
        next.collect(next.context().queueStream(queue), later);
        next.start();
        next.run(1);
        EXPECT_EQ(later, (Seen{{1, {"5"}}}));
    }
}

TEST(RecordQueue, AnEmptyQueueGivesTheDefault) {
    Life life(inMemory());
    RecordQueue<int> queue;
    Seen seen;
    life.collect(life.context().queueStream(queue, true, std::vector{7, 8}), seen);
    life.start();
    life.run(1);
    EXPECT_EQ(seen[1], (std::vector<std::string>{"7", "8"}));
}

TEST(RecordQueue, AnElementTooLargeForTheLogIsRefusedWhenItIsPushed) {
    RecordQueue<std::string> queue;
    EXPECT_THAT(
        [&] {
            queue.push({"small", std::string(65 << 20, 'x')});
        },
        ThrowsMessage<std::invalid_argument>(
            AllOf(HasSubstr("element 2 of 2"), HasSubstr("68157440"), HasSubstr("67108860"))));
    EXPECT_EQ(queue.queued(), 0U);
    Life life(inMemory());
    EXPECT_THROW(
        life.context().queueStream(queue, true, std::vector{std::string((64 << 20) - 3, 'x')}),
        std::invalid_argument);
}

// The largest element, and one push of more than a block, a frame and a batch may hold.
TEST(RecordQueue, WhatFitsTheLogArrivesHoweverMuchItIs) {
    TemporaryDirectory directory;
    StreamingOptions options;
    options.directory = directory / "data";
    options.workers = 2;
    options.maxBatchBytes = 32 << 20;
    RecordQueue<std::string> queue;
    queue.push({std::string((64 << 20) - 4, 'l')});
    queue.push(std::vector<std::string>(70, std::string(1 << 20, 'm')));
    Life life(options);
    Seen seen;
    life.collect(life.context()
                     .queueStream(queue, false)
                     .map([](const std::string& x) { return x.size(); })
                     .countByValue(),
                 seen);
    life.start();
    life.run(6);
    ASSERT_FALSE(life.ended());
    std::uint64_t small = 0;
    for (const auto& [batch, counts] : seen)
        for (const auto& count : counts)
            if (count.starts_with("(1048576,")) small += std::stoull(count.substr(9));
    EXPECT_EQ(seen[1], std::vector<std::string>{"(67108860,1)"});
    EXPECT_EQ(small, 70U);
}

// What was logged as integers is never read as floats.
TEST(RecordQueue, AnotherElementTypeIsRefusedWhileBatchesWaitToBeReplayed) {
    TemporaryDirectory directory;
    StreamingOptions options;
    options.directory = directory / "data";
    {
        Life life(options);
        RecordQueue<int> queue;
        Seen seen;
        queue.push({1, 2});
        life.collect(life.context().queueStream(queue), seen);
        life.start();
        life.run(1);
        life.context().stop(false);
    }
    Life life(options);
    RecordQueue<float> queue;
    life.context().queueStream(queue).print();
    EXPECT_THAT([&] { life.start(); },
                ThrowsMessage<StreamingError>(
                    AllOf(HasSubstr("queueStream of i32"), HasSubstr("queueStream of f32"))));
}

}  // namespace
}  // namespace tidemill::test
