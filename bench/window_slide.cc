// window.slide: what a window of 60 s that slides by 1 s costs per input record, against one that
// slides by 60 s. Words are counted with an inverse; ten of the result are printed at each slide.
// With 100 thousand and with 1 million different words, the window in memory; `ratio` is the worse
// of the two. And with the budget of changes a job has by default, where 1 million words go to
// RocksDB and come back.
//
// window_slide [--runs=N] [--json]
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>

#include "bench/arguments.h"
#include "bench/report.h"
#include "bench/zipf_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;

using Count = std::pair<std::string_view, std::int64_t>;
using Counts = std::map<std::string, std::int64_t>;

constexpr std::size_t kBatches = 120;
constexpr std::size_t kBatchBytes = 4 << 20;
constexpr std::size_t kInMemory = std::size_t{2} << 30;

struct Run {
    double seconds = 0;
    Counts last;  // the window after the last batch
};

Run runJob(std::string_view text, Duration slide, std::size_t deltaBudgetBytes, bool keep = false) {
    auto clock = std::make_shared<ManualClock>(fromMillis(0));
    StreamingOptions options;
    options.clock = clock;
    options.maxBatchBytes = 2 * kBatchBytes;
    options.deltaBudgetBytes = deltaBudgetBytes;
    StreamingContext ssc(options);
    std::ostringstream printed;
    Run run;
    const auto counts =
        ssc.memoryTextStream(text, kBatchBytes)
            .flatMap(splitWords)
            .map([](std::string_view word) { return Count(word, 1); })
            .reduceByKeyAndWindow(std::plus<std::int64_t>(), std::minus<std::int64_t>(), 60s, slide,
                                  [](const Count& count) { return count.second != 0; });
    counts.print(10, printed);
    if (keep)
        counts.forEachBatch([&](Batch<Count>& batch) {
            if (batch.id() != kBatches) return;
            batch.forEach([&](const Count& count) {
                run.last.emplace(std::string(count.first), count.second);
            });
        });
    ssc.start();
    const auto begun = std::chrono::steady_clock::now();
    for (std::size_t batch = 1; batch <= kBatches; ++batch) {
        clock->advance(1s);
        while (ssc.status().batches.batches < batch) {
            if (ssc.awaitTermination(0ms)) break;
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    }
    run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    ssc.stop();
    return run;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    core::setLogLevel(core::LogLevel::kError);
    Figure worst;
    std::vector<std::pair<std::string, double>> more;
    const auto measure = [&](const std::string& text, std::size_t deltaBudgetBytes) {
        const auto words = static_cast<double>(std::count(text.begin(), text.end(), ' ') +
                                               std::count(text.begin(), text.end(), '\n'));
        std::vector<double> sliding, tumbling, ratio;
        for (int run = 0; run < arguments.runs; ++run) {
            tumbling.push_back(runJob(text, 60s, deltaBudgetBytes).seconds * 1e9 / words);
            sliding.push_back(runJob(text, 1s, deltaBudgetBytes).seconds * 1e9 / words);
            ratio.push_back(sliding.back() / tumbling.back());
        }
        return Figure{"window.slide", median(sliding),  "ns/record",
                      median(ratio),  median(tumbling), {},
                      ratio};
    };
    for (const std::size_t vocabulary : {100'000, 1'000'000}) {
        const auto text = zipfText(kBatches * kBatchBytes, vocabulary, 1.0, 7);
        if (runJob(text, 1s, kInMemory, true).last != runJob(text, 60s, kInMemory, true).last) {
            std::cerr << "window.slide: the two windows differ\n";
            return 1;
        }
        const auto inMemory = measure(text, kInMemory);
        if (inMemory.ratio > worst.ratio) worst = inMemory;
        const auto name = "ratio_" + std::to_string(vocabulary) + "_words";
        more.emplace_back(name, inMemory.ratio);
        more.emplace_back(name + "_default_budget",
                          measure(text, StreamingOptions().deltaBudgetBytes).ratio);
    }
    worst.more = more;
    worst.print(arguments.json);
    return 0;
}
