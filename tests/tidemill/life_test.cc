// A context's life from several sides: stopped before it starts, by its own functions, by several
// threads at once, and after a start that failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "tidemill/tidemill.h"

namespace tidemill {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto kLongest = 30s;

class Life : public ::testing::Test {
protected:
    Life() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tidemill-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Life() override { std::filesystem::remove_all(path_); }

    // A batch every 10 ms; what is pushed ends up in totals_.
    StreamingOptions options() const {
        StreamingOptions options;
        options.directory = path_ / "data";
        options.interval = Duration(10);
        options.workers = 2;
        return options;
    }
    template <class Output>
    void build(StreamingContext& context, Output output) {
        context.queueStream(queue_).forEachBatch([this, output](Batch<std::int64_t>& batch) {
            for (const auto number : batch.take(1000)) sum_ += number;
            output();
        });
    }

    std::filesystem::path path_;
    RecordQueue<std::int64_t> queue_;
    std::atomic<std::int64_t> sum_ = 0;
};

TEST_F(Life, StoppedBeforeItStartsItDoesNotRun) {
    StreamingContext context(options());
    build(context, [] {});
    queue_.push({1, 2, 3});
    context.stop();
    EXPECT_EQ(context.state(), StreamingContext::State::kStopped);
    context.start();
    EXPECT_EQ(context.state(), StreamingContext::State::kStopped);
    EXPECT_TRUE(context.awaitTermination(0ms));
    context.awaitTermination();
    context.stop();
    EXPECT_EQ(sum_, 0);
    EXPECT_FALSE(std::filesystem::exists(path_ / "data"));
    EXPECT_THROW(context.start(), std::logic_error);
}

TEST_F(Life, TheDirectoryMayBeSetUntilTheStart) {
    auto none = options();
    none.directory.clear();
    StreamingContext context(none);
    build(context, [] {});
    context.setDirectory(path_ / "data");
    queue_.push({1, 2, 3});
    context.start();
    EXPECT_TRUE(context.awaitBatch(1, kLongest));
    EXPECT_TRUE(std::filesystem::exists(path_ / "data"));
    EXPECT_THROW(context.setDirectory(path_ / "other"), std::logic_error);
    context.stop();
    EXPECT_EQ(sum_, 6);
}

TEST_F(Life, ABatchMayBeWaitedForWhileAStartRunsItAgain) {
    queue_.push({1, 2, 3});
    {
        StreamingContext context(options());
        build(context, [] { throw std::runtime_error("no more paper"); });
        context.start();
        EXPECT_THROW(context.awaitTermination(), StreamingError);
    }
    std::promise<void> runsAgain, goOn;
    StreamingContext context(options());
    build(context, [&] {
        if (context.state() != StreamingContext::State::kInitialized) return;
        runsAgain.set_value();
        goOn.get_future().wait();
    });
    std::thread starts([&] { context.start(); });
    runsAgain.get_future().wait();
    EXPECT_FALSE(context.awaitBatch(1, 1ms));
    EXPECT_FALSE(context.awaitTermination(1ms));
    auto waits = std::async(std::launch::async, [&] { return context.awaitBatch(1, kLongest); });
    EXPECT_EQ(waits.wait_for(50ms), std::future_status::timeout);
    goOn.set_value();
    EXPECT_TRUE(waits.get());
    starts.join();
    context.stop();
    EXPECT_EQ(sum_, 12);
}

TEST_F(Life, AfterAStartThatFailedEveryoneIsToldWhy) {
    auto wrong = options();
    wrong.directory = path_ / "none" / "data";
    StreamingContext context(wrong);
    build(context, [] {});
    EXPECT_THROW(context.start(), StreamingError);
    EXPECT_EQ(context.state(), StreamingContext::State::kStopped);
    EXPECT_EQ(context.status().batches.batches, 0u);
    EXPECT_TRUE(context.boundPorts().empty());
    for (int i = 0; i < 2; ++i) {
        try {
            context.awaitTermination();
            ADD_FAILURE() << "nothing is said";
        } catch (const StreamingError& error) {
            EXPECT_THAT(error.what(), HasSubstr("none"));
        }
        EXPECT_THROW(context.awaitTermination(1ms), StreamingError);
        context.stop(i == 0);
    }
}

TEST_F(Life, AnOutputOperationMayStopTheJob) {
    StreamingContext context(options());
    build(context, [&] {
        if (sum_ >= 6) context.stop();
    });
    queue_.push({1, 2, 3});
    queue_.push({10});
    context.start();
    ASSERT_TRUE(context.awaitTermination(kLongest));
    EXPECT_EQ(context.state(), StreamingContext::State::kStopped);
    EXPECT_GE(sum_, 6);
    // What the stop was to do is done: the newest checkpoint is of the last batch.
    const auto status = context.status();
    EXPECT_EQ(status.checkpointBatch, status.batches.batch.value);
}

TEST_F(Life, AListenerMayStopTheJob) {
    StreamingContext context(options());
    build(context, [] {});
    std::atomic<int> completed = 0;
    context.onBatchCompleted([&](std::uint64_t, BatchTime) {
        if (++completed == 3) context.stop(false);
    });
    context.start();
    ASSERT_TRUE(context.awaitTermination(kLongest));
    EXPECT_GE(completed, 3);
}

TEST_F(Life, AFunctionOfARecordMayStopTheJob) {
    StreamingContext context(options());
    context.queueStream(queue_)
        .map([&](std::int64_t number) {
            context.stop();
            return number;
        })
        .forEachBatch([&](Batch<std::int64_t>& batch) {
            for (const auto number : batch.take(1000)) sum_ += number;
        });
    queue_.push({1, 2, 3});
    context.start();
    ASSERT_TRUE(context.awaitTermination(kLongest));
    EXPECT_EQ(sum_, 6);
}

TEST_F(Life, WhatTheJobRunsCannotWaitForIt) {
    StreamingContext context(options());
    std::promise<std::string> said;
    std::atomic<bool> first = true;
    build(context, [&] {
        if (!first.exchange(false)) return;
        try {
            context.awaitTermination();
            said.set_value("");
        } catch (const std::logic_error& error) {
            said.set_value(error.what());
        }
    });
    context.start();
    auto text = said.get_future();
    ASSERT_EQ(text.wait_for(kLongest), std::future_status::ready);
    EXPECT_THAT(text.get(), HasSubstr("would wait for itself"));
    context.stop();
}

TEST_F(Life, NobodyWaitsForAStopToSeeTheStatus) {
    StreamingContext context(options());
    std::promise<void> inside;
    std::promise<void> goOn;
    auto mayGoOn = goOn.get_future().share();
    std::atomic<bool> first = true;
    build(context, [&] {
        if (!first.exchange(false)) return;
        inside.set_value();
        mayGoOn.wait();
    });
    context.start();
    inside.get_future().wait();
    auto stopping = std::async(std::launch::async, [&] { context.stop(); });
    EXPECT_EQ(stopping.wait_for(50ms), std::future_status::timeout);
    auto status = std::async(std::launch::async, [&] {
        (void)context.status();
        return context.state();
    });
    ASSERT_EQ(status.wait_for(kLongest), std::future_status::ready) << "status() waits";
    EXPECT_EQ(status.get(), StreamingContext::State::kActive);
    EXPECT_FALSE(context.awaitTermination(1ms));
    goOn.set_value();
    stopping.get();
    context.awaitTermination();
}

TEST_F(Life, ManyThreadsMayStopAndWaitAtOnce) {
    for (int round = 0; round < 5; ++round) {
        StreamingContext context(options());
        build(context, [] {});
        queue_ = {};
        std::vector<std::thread> threads;
        std::atomic<bool> done = false;
        auto starting = std::async(std::launch::async, [&] { context.start(); });
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([&] {
                while (!done) {
                    (void)context.status();
                    (void)context.state();
                    (void)context.boundPorts();
                }
            });
        std::this_thread::sleep_for(std::chrono::milliseconds(round * 5));
        for (int i = 0; i < 3; ++i) threads.emplace_back([&, i] { context.stop(i != 0); });
        starting.get();
        EXPECT_TRUE(context.awaitTermination(kLongest));
        done = true;
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(context.state(), StreamingContext::State::kStopped);
    }
}

// 64 MiB is what a block can hold.
TEST_F(Life, AnElementThatFitsIntoNoBlockIsRefusedWhereItIsPushed) {
    StreamingContext context(options());
    RecordQueue<std::string> texts;
    std::atomic<std::size_t> largest = 0;
    context.queueStream(texts).forEachBatch([&](Batch<std::string>& batch) {
        for (const auto& text : batch.take(10)) largest = std::max(largest.load(), text.size());
    });
    context.start();
    EXPECT_THROW(texts.push({std::string(65 << 20, 'x')}), std::invalid_argument);
    texts.push({std::string(63 << 20, 'x')});
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (largest == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(5ms);
    EXPECT_EQ(largest, std::size_t{63} << 20);
    context.stop();
}

}  // namespace
}  // namespace tidemill
