// The events that a program can listen to, and waiting for batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Lines = std::vector<std::string>;

class Noting final : public StreamingListener {
public:
    void onStarted() override { note("started"); }
    void onReceiverStarted(const ReceiverInfo& info) override { note("receiver started", info); }
    void onReceiverError(const ReceiverInfo& info) override {
        std::lock_guard lock(mutex_);
        errors_.push_back(info.message);
    }
    void onReceiverStopped(const ReceiverInfo& info) override { note("receiver stopped", info); }
    void onBatchSubmitted(const BatchInfo& info) override {
        EXPECT_FALSE(info.schedulingDelay);
        note("submitted", info);
    }
    void onBatchStarted(const BatchInfo& info) override {
        EXPECT_GE(info.schedulingDelay.value().count(), 0);
        EXPECT_FALSE(info.processingDelay);
        note("batch started", info);
    }
    void onBatchCompleted(const BatchInfo& info) override {
        EXPECT_GE(info.processingDelay.value().count(), 0);
        EXPECT_EQ(*info.totalDelay, *info.schedulingDelay + *info.processingDelay);
        note("completed", info);
    }
    void onOutputOperationStarted(const OutputInfo& info) override { note("output started", info); }
    void onOutputOperationCompleted(const OutputInfo& info) override {
        EXPECT_TRUE(info.duration);
        note(info.error ? "output failed: " + *info.error : "output completed", info);
    }

    Lines events() const {
        std::lock_guard lock(mutex_);
        return events_;
    }
    bool sawError() const {
        std::lock_guard lock(mutex_);
        return !errors_.empty();
    }

private:
    void note(const std::string& text) {
        std::lock_guard lock(mutex_);
        events_.push_back(text);
    }
    void note(const std::string& what, const BatchInfo& info) {
        std::string text = what + " " + std::to_string(info.id) + "@" +
                           std::to_string(toMillis(info.time)) + (info.replayed ? " again" : "");
        for (const auto& input : info.inputs)
            text += " " + input.description + ":" + std::to_string(input.records);
        note(text);
    }
    void note(const std::string& what, const OutputInfo& info) {
        note(what + " " + std::to_string(info.batch) + "#" + std::to_string(info.output));
    }
    void note(const std::string& what, const ReceiverInfo& info) {
        note(what + " " + std::to_string(info.source));
    }

    mutable std::mutex mutex_;
    Lines events_, errors_;
};

TEST(Listener, SeesABatchFromItsRecordToItsCompletion) {
    auto noting = std::make_shared<Noting>();
    Life life(inMemory());
    life.context().addListener(noting);
    RecordQueue<int> queue;
    queue.push({1, 2, 3});
    const auto numbers = life.context().queueStream(queue);
    numbers.forEachBatch([](Batch<int>&) {});
    numbers.forEachBatch([](Batch<int>&) {});
    life.start();
    life.run(2);
    life.context().stop();
    EXPECT_EQ(noting->events(),
              (Lines{"started", "submitted 1@1000 queueStream of i32:3",
                     "batch started 1@1000 queueStream of i32:3", "output started 1#0",
                     "output completed 1#0", "output started 1#1", "output completed 1#1",
                     "completed 1@1000 queueStream of i32:3", "submitted 2@2000",
                     "batch started 2@2000", "output started 2#0", "output completed 2#0",
                     "output started 2#1", "output completed 2#1", "completed 2@2000"}));
}

TEST(Listener, SeesAnOutputFail) {
    auto noting = std::make_shared<Noting>();
    Life life(inMemory());
    life.context().addListener(noting);
    RecordQueue<int> queue;
    life.context().queueStream(queue).forEachBatch(
        [](Batch<int>&) { throw std::runtime_error("the pager is broken"); });
    life.start();
    life.run(1);
    EXPECT_THROW(life.context().stop(), StreamingError);
    const auto events = noting->events();
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back(),
              "output failed: a function of the program threw: the pager is broken 1#0");
}

TEST(Listener, WhatItThrowsDoesNotStopTheJob) {
    class Throwing final : public StreamingListener {
        void onBatchStarted(const BatchInfo&) override { throw std::runtime_error("listener"); }
    };
    Life life(inMemory());
    life.context().addListener(std::make_shared<Throwing>());
    RecordQueue<int> queue;
    life.context().queueStream(queue).forEachBatch([](Batch<int>&) {});
    life.start();
    life.run(2);
    EXPECT_EQ(life.context().status().batches.batches, 2u);
    life.context().stop();
}

TEST(Listener, SaysWhichBatchesRunAgain) {
    TemporaryDirectory directory;
    StreamingOptions options;
    options.directory = directory / "data";
    const auto live = [&](std::int64_t start, std::size_t batches, bool graceful) {
        auto noting = std::make_shared<Noting>();
        Life life(options, fromMillis(start));
        life.context().addListener(noting);
        RecordQueue<int> queue;
        for (std::size_t i = 0; i < batches; ++i) queue.push({1});
        life.context().queueStream(queue).forEachBatch([](Batch<int>&) {});
        life.start();
        life.run(batches);
        life.context().stop(graceful);
        return noting->events();
    };
    live(0, 2, false);
    EXPECT_EQ(
        live(2000, 0, true),
        (Lines{"submitted 1@1000 again queueStream of i32:1",
               "batch started 1@1000 again queueStream of i32:1",
               "completed 1@1000 again queueStream of i32:1",
               "submitted 2@2000 again queueStream of i32:1",
               "batch started 2@2000 again queueStream of i32:1", "output started 2#0",
               "output completed 2#0", "completed 2@2000 again queueStream of i32:1", "started"}));
}

TEST(Listener, SeesReceiversComeFailAndGo) {
    auto noting = std::make_shared<Noting>();
    StreamingContext context(Duration(50));
    context.addListener(noting);
    context.socketTextStream("127.0.0.1", 1).forEachBatch([](Batch<std::string_view>&) {});
    context.start();
    for (int i = 0; i < 500 && !noting->sawError(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    context.stop();
    EXPECT_TRUE(noting->sawError());
    const auto events = noting->events();
    EXPECT_EQ(std::count(events.begin(), events.end(), "receiver stopped 0"), 1);
    EXPECT_THROW(context.addListener(noting), std::logic_error);
}

// A job of ints from a queue, moved by hand.
class ByHand : public testing::Test {
protected:
    StreamingOptions options() const {
        StreamingOptions options;
        options.clock = clock_;
        return options;
    }
    std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
    RecordQueue<int> queue_;
};

TEST_F(ByHand, AwaitBatchReturnsWhenOutputsHaveRun) {
    auto ssc = StreamingContext::getOrCreate(options(), [](StreamingContext&) {});
    std::vector<int> seen;
    ssc.queueStream(queue_).forEachBatch([&](Batch<int>& batch) {
        for (const int value : batch.collect()) seen.push_back(value);
    });
    EXPECT_THROW(ssc.awaitBatch(1), std::logic_error);
    ssc.start();
    queue_.push({1, 2});
    queue_.push({3});
    EXPECT_FALSE(ssc.awaitBatch(1, 1ms));
    clock_->advance(2s);
    EXPECT_TRUE(ssc.awaitBatch(2));
    std::sort(seen.begin(), seen.end());
    EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3));
    EXPECT_TRUE(ssc.awaitBatch(1));  // behind us
    ssc.stop(false);
    EXPECT_FALSE(ssc.awaitBatch(3));  // will never be
}

TEST_F(ByHand, AwaitBatchThrowsWhatEndsTheJob) {
    StreamingContext ssc(options());
    ssc.queueStream(queue_).forEachBatch(
        [](Batch<int>&) { throw std::runtime_error("no more paper"); });
    ssc.start();
    clock_->advance(1s);
    EXPECT_THROW(ssc.awaitBatch(1), StreamingError);
}

TEST_F(ByHand, OnBatchCompletedTakesBothForms) {
    StreamingContext ssc(options());
    ssc.queueStream(queue_).print();
    std::atomic<std::uint64_t> records = 0;
    std::promise<std::uint64_t> id;
    ssc.onBatchCompleted([&](const BatchInfo& batch) { records += batch.records(); });
    ssc.onBatchCompleted([&](std::uint64_t batch, BatchTime) { id.set_value(batch); });
    ssc.start();
    queue_.push({1, 2});
    clock_->advance(1s);
    EXPECT_EQ(id.get_future().get(), 1u);
    EXPECT_EQ(records, 2u);
    ssc.stop(false);
}

}  // namespace
}  // namespace tidemill::test
