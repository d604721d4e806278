// A job on one source of records inside a test's process, over several lives of one data directory.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/batch_harness.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {

// What batches brought, each once: a batch that is run again replaces itself.
template <class Record>
class SourceJob {
public:
    virtual ~SourceJob() { crash(); }

    StreamingOptions streaming;  // the directory is the job's own
    std::function<std::string(const Record&)> textOf;

    // Throws StreamingError.
    void start() {
        auto options = streaming;
        options.directory = directory_ / "data";
        options.interval = std::chrono::milliseconds(50);
        options.workers = 2;
        context_ = std::make_unique<StreamingContext>(options);
        auto records = open(*context_);
        records.forEachBatch([this](Batch<Record>& batch) {
            std::vector<std::string> lines;
            batch.forEach([&](const Record& record) { lines.push_back(textOf(record)); });
            const std::lock_guard lock(mutex_);
            batches_[batch.id()] = std::move(lines);
        });
        keepTotals(records);
        context_->start();
    }
    void stop() {
        if (context_) context_->stop(true);
        context_.reset();
    }
    // As far as that can be had inside a process: nothing is done that an end would do.
    void crash() {
        try {
            if (context_) context_->stop(false);
        } catch (const StreamingError&) {  // it had failed before
        }
        context_.reset();
    }

    StreamingContext& context() { return *context_; }
    SourceStatus status() const { return context_->status().sources.at(0); }

    // What came so far, in the order of batches and within each in that of the stream.
    std::vector<std::string> inOrder() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> all;
        for (const auto& [id, lines] : batches_) all.insert(all.end(), lines.begin(), lines.end());
        return all;
    }
    std::vector<std::string> seen() const {
        auto all = inOrder();
        std::sort(all.begin(), all.end());
        return all;
    }

    // False when that does not come true within half a minute.
    static bool await(const std::function<bool()>& condition) {
        for (int i = 0; i < 3'000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return condition();
    }
    bool awaitSeen(std::size_t records) const {
        return await([&] { return seen().size() >= records; });
    }
    // What the job ended with; empty when it did not end.
    std::string awaitFailure() {
        try {
            if (!context_->awaitTermination(std::chrono::seconds(30))) return "";
        } catch (const StreamingError& error) {
            return error.what();
        }
        return "no error";
    }

protected:
    explicit SourceJob(std::function<std::string(const Record&)> text) : textOf(std::move(text)) {}

private:
    virtual DStream<Record> open(StreamingContext& context) = 0;
    // A state beside the output, which a re-run must not count again.
    virtual void keepTotals(DStream<Record>& records) = 0;

    TemporaryDirectory directory_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::vector<std::string>> batches_;
    std::unique_ptr<StreamingContext> context_;
};

}  // namespace tidemill::test
