// checkpoint.pause: what checkpoints put into batch processing. 10 million keys of running totals,
// batches of 10 ms with 2,000 random ones each, a checkpoint every 500 ms: 100 thousand changed
// keys each. A checkpoint's pause is the longest delay of a batch from its due time to its
// completion around it, beyond the median batch's. And the bytes that a checkpoint writes, next to
// a tenth of the changed keys.
//
// checkpoint_pause DIRECTORY [--keys=N] [--checkpoints=N] [--json]
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>

#include "bench/arguments.h"
#include "bench/report.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;

constexpr int kBatchesPerCheckpoint = 50;
constexpr std::size_t kLoadedPerBatch = 500'000;

using Milliseconds = std::chrono::duration<double, std::milli>;

// Where a batch's time went, in ms. All three are a delay from its due time to its completion; what
// is missing is the time it began late, mostly because the batch before it was not done.
struct Delay {
    double all = 0;
    double log = 0;   // until its record was durable
    double work = 0;  // from there on
};

class Delays final : public StreamingListener {
public:
    void onBatchSubmitted(const BatchInfo&) override { submitted_ = Clock::now(); }
    void onBatchStarted(const BatchInfo&) override { log_ = Clock::now() - submitted_; }
    void onBatchCompleted(const BatchInfo& batch) override {
        std::lock_guard lock(mutex_);
        delays_.push_back({Milliseconds(*batch.totalDelay).count(), log_.count(),
                           Milliseconds(*batch.processingDelay).count()});
    }
    std::vector<Delay> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(delays_, {});
    }

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point submitted_;
    Milliseconds log_{};
    std::mutex mutex_;
    std::vector<Delay> delays_;
};

std::vector<double> column(const std::vector<Delay>& delays, double Delay::*member) {
    std::vector<double> values;
    for (const auto& delay : delays) values.push_back(delay.*member);
    return values;
}

// The longest of each checkpoint's batches, beyond the median of all.
std::vector<double> pauses(const std::vector<double>& delays) {
    std::vector<double> longest;
    for (auto begin = delays.begin(); delays.end() - begin >= kBatchesPerCheckpoint;
         begin += kBatchesPerCheckpoint)
        longest.push_back(*std::max_element(begin, begin + kBatchesPerCheckpoint) - median(delays));
    return longest;
}

// One job over two loads; the keys of both are the same.
class PausedJob {
public:
    PausedJob(const fs::path& directory, std::int64_t keys)
        : keys_(keys), ssc_(options(directory)) {
        ssc_.queueStream(queue_)
            .map([](std::int64_t key) { return std::pair<std::int64_t, std::int64_t>(key, 1); })
            .reduceByKey(std::plus<>())
            .runningTotals("totals");
        ssc_.addListener(delays_);
        ssc_.start();
    }

    void load() {
        for (std::int64_t first = 0; first < keys_; first += kLoadedPerBatch) {
            std::vector<std::int64_t> part(
                std::min<std::size_t>(kLoadedPerBatch, static_cast<std::size_t>(keys_ - first)));
            std::iota(part.begin(), part.end(), first);
            queue_.push(part);
            drain();
        }
        const auto before = ssc_.status().checkpoints;
        while (ssc_.status().checkpoints < before + 3) std::this_thread::sleep_for(10ms);
        delays_->take();
    }

    struct Result {
        std::vector<Delay> delays;
        double bytesPerCheckpoint = 0;
    };
    // `changed` random keys between two checkpoints.
    Result run(std::size_t checkpoints, std::size_t changed) {
        const auto before = ssc_.status();
        for (std::size_t i = 0; i < checkpoints * kBatchesPerCheckpoint; ++i) {
            std::vector<std::int64_t> part(changed / kBatchesPerCheckpoint);
            for (auto& key : part)
                key = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(keys_));
            queue_.push(part);
            while (queue_.queued() > 20) std::this_thread::sleep_for(5ms);
        }
        drain();
        const auto after = ssc_.status();
        return {delays_->take(),
                static_cast<double>(after.checkpointBytes - before.checkpointBytes) /
                    static_cast<double>(after.checkpoints - before.checkpoints)};
    }

private:
    static StreamingOptions options(const fs::path& directory) {
        StreamingOptions options;
        options.directory = directory;
        options.interval = Duration(10);
        options.checkpointInterval = Duration(10 * kBatchesPerCheckpoint);
        options.checkpointBytes = 0;
        return options;
    }
    void drain() {
        while (queue_.queued() > 0) std::this_thread::sleep_for(1ms);
    }

    const std::int64_t keys_;
    RecordQueue<std::int64_t> queue_;
    std::mt19937_64 random_{1};
    std::shared_ptr<Delays> delays_ = std::make_shared<Delays>();
    StreamingContext ssc_;
};

double quantile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 1);
    if (arguments.plain.empty()) {
        std::cerr << "usage: checkpoint_pause DIRECTORY [--keys=N] [--checkpoints=N] [--json]\n";
        return 2;
    }
    core::setLogLevel(core::LogLevel::kError);
    const fs::path work = fs::path(arguments.plain.front()) / "checkpoint_pause.work";
    fs::remove_all(work);
    fs::create_directories(work);
    const auto checkpoints = static_cast<std::size_t>(arguments.number("--checkpoints", 100));
    PausedJob::Result large, small;
    {
        PausedJob job(work / "data", arguments.number("--keys", 10'000'000));
        std::cerr << "  loading keys\n";
        job.load();
        large = job.run(checkpoints, 100'000);
        small = job.run(10, 10'000);
    }
    const auto delays = column(large.delays, &Delay::all);
    const auto all = pauses(delays);
    Figure{"checkpoint.pause",
           quantile(all, 0.99),
           "ms",
           0,
           0,
           {{"p50_ms", median(all)},
            {"max_ms", quantile(all, 1)},
            {"log_p99_ms", quantile(pauses(column(large.delays, &Delay::log)), 0.99)},
            {"work_p99_ms", quantile(pauses(column(large.delays, &Delay::work)), 0.99)},
            {"median_batch_ms", median(delays)},
            {"checkpoint_bytes", large.bytesPerCheckpoint},
            {"checkpoint_bytes_of_a_tenth", small.bytesPerCheckpoint}}}
        .print(arguments.json);
    fs::remove_all(work);
    return 0;
}
