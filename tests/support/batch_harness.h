// Runs a small job on given batches under a manual clock, in one life or several.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/format.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {

// A directory of its own for one test; removed with it unless the test failed.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tidemill-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryDirectory() {
        if (!::testing::Test::HasFailure()) std::filesystem::remove_all(path_);
    }
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

// What a stream gave: per batch, its elements printed and sorted.
using Batches = std::vector<std::vector<std::string>>;

// One life of a job under a manual clock that stands at `start` when the job begins.
class Life {
public:
    explicit Life(StreamingOptions options, BatchTime start = fromMillis(0))
        : clock_(std::make_shared<ManualClock>(start)),
          context_(with(std::move(options), clock_)) {}

    StreamingContext& context() { return context_; }
    const StreamingContext& context() const { return context_; }
    ManualClock& clock() { return *clock_; }

    // Collects what `stream` gives under `into`, by batch id; a batch that comes twice replaces
    // itself, as a sink that knows batch ids would have it.
    template <class T>
    void collect(DStream<T> stream, std::map<std::uint64_t, std::vector<std::string>>& into) {
        stream.forEachBatch([this, &into](Batch<T>& batch) {
            std::vector<std::string> elements;
            batch.forEach([&](const T& element) {
                elements.emplace_back();
                core::appendElement(elements.back(), element);
            });
            std::sort(elements.begin(), elements.end());
            std::lock_guard lock(mutex_);
            into[batch.id()] = std::move(elements);
        });
    }

    void start() {
        class Counting final : public StreamingListener {
        public:
            explicit Counting(Life& life) : life_(life) {}
            void onBatchCompleted(const BatchInfo& batch) override {
                if (batch.replayed) return;
                std::lock_guard lock(life_.mutex_);
                ++life_.completed_;
                life_.changed_.notify_all();
            }

        private:
            Life& life_;
        };
        context_.addListener(std::make_shared<Counting>(*this));
        context_.start();
    }

    // Waits until so many batches have run since the start, those replayed aside.
    void await(std::size_t batches) {
        std::unique_lock lock(mutex_);
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (completed_ < batches && !ended()) {
            ASSERT_LT(std::chrono::steady_clock::now(), until) << "the batch did not run";
            changed_.wait_for(lock, std::chrono::milliseconds(50));
        }
    }

    // Advances the clock by one interval for each of `count` batches and waits until all have run.
    void run(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::unique_lock lock(mutex_);
            const auto wanted = completed_ + 1;
            lock.unlock();
            clock_->advance(options().interval);
            lock.lock();
            // A job that fails tells nobody.
            const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (completed_ < wanted && !ended()) {
                ASSERT_LT(std::chrono::steady_clock::now(), until) << "the batch did not run";
                changed_.wait_for(lock, std::chrono::milliseconds(50));
            }
            if (completed_ < wanted) return;
        }
    }

    bool ended() const { return context_.state() == StreamingContext::State::kStopped; }

private:
    static StreamingOptions with(StreamingOptions options, std::shared_ptr<core::Clock> clock) {
        options.clock = std::move(clock);
        return options;
    }
    const StreamingOptions& options() const { return context_.options(); }

    std::shared_ptr<ManualClock> clock_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t completed_ = 0;
    StreamingContext context_;
};

inline StreamingOptions inMemory(unsigned workers = 2) {
    StreamingOptions options;
    options.workers = workers;
    return options;
}

// Feeds `inputs`, one per batch, to build(stream of In) and returns what the stream it returns
// gives in each batch.
template <class In, class Build>
Batches runBatches(const std::vector<std::vector<In>>& inputs, Build build,
                   StreamingOptions options = inMemory()) {
    std::map<std::uint64_t, std::vector<std::string>> seen;
    {
        Life life(std::move(options));
        RecordQueue<In> queue;
        for (const auto& input : inputs) queue.push(input);
        life.collect(build(life.context().queueStream(queue)), seen);
        life.start();
        life.run(inputs.size());
        life.context().stop();
    }
    Batches batches(inputs.size());
    for (auto& [id, elements] : seen)
        if (id <= batches.size()) batches[id - 1] = std::move(elements);
    return batches;
}

// What `build` gives over `inputs`: in one life, and in lives of `lifeBatches` batches each that
// end as a crash would end them, on 1, 2 and 7 workers in turn.
template <class Build>
void expectAlsoWithKills(const std::vector<std::vector<std::string>>& inputs,
                         const Batches& expected, Build build) {
    EXPECT_EQ(runBatches(inputs, build), expected);
    for (const std::size_t lifeBatches : {1u, 3u}) {
        TemporaryDirectory directory;
        std::map<std::uint64_t, std::vector<std::string>> seen;
        const unsigned workers[] = {1, 2, 7};
        for (std::size_t begin = 0, life = 0; begin < inputs.size(); begin += lifeBatches, ++life) {
            StreamingOptions options;
            options.directory = directory / "data";
            options.workers = workers[life % 3];
            options.checkpointInterval = Duration(2000);
            Life one(options, fromMillis(static_cast<std::int64_t>(1000 * begin)));
            RecordQueue<std::string> queue;
            const std::size_t end = std::min(inputs.size(), begin + lifeBatches);
            for (std::size_t i = begin; i < end; ++i) queue.push(inputs[i]);
            one.collect(build(one.context().queueStream(queue)), seen);
            one.start();
            one.run(end - begin);
            one.context().stop(life % 4 == 3);
        }
        Batches batches(inputs.size());
        for (auto& [id, elements] : seen) batches[id - 1] = elements;
        EXPECT_EQ(batches, expected) << "lives of " << lifeBatches;
    }
}

}  // namespace tidemill::test
