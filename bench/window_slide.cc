// window.slide: what a window of 60 s that slides by 1 s costs per input record, against one that
// slides by 60 s. Words are counted with an inverse; ten of the result are printed at each slide.
// With 100 thousand and with 1 million different words. `ratio` is the worse of the two.
//
// window_slide [--runs N] [--json]
#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>

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

struct Run {
    double seconds = 0;
    Counts last;  // the window after the last batch
};

Run runJob(std::string_view text, Duration slide, bool keep) {
    auto clock = std::make_shared<ManualClock>(fromMillis(0));
    StreamingOptions options;
    options.clock = clock;
    options.maxBatchBytes = 2 * kBatchBytes;
    StreamingContext ssc(options);
    std::ostringstream printed;
    Run run;
    const auto counts = ssc.memoryTextStream(text, kBatchBytes)
                            .flatMap(splitWords)
                            .map([](std::string_view word) { return Count(word, 1); })
                            .reduceByKeyAndWindow(
                                std::plus<std::int64_t>(), std::minus<std::int64_t>(), 60s, slide,
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
    run.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    ssc.stop();
    return run;
}

}  // namespace

int main(int argc, char** argv) {
    int runs = 3;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        if (!std::strcmp(argv[i], "--json")) json = true;
        else if (!std::strcmp(argv[i], "--runs") && i + 1 < argc) runs = std::atoi(argv[++i]);
    }
    core::setLogLevel(core::LogLevel::kError);
    Figure worst;
    std::vector<std::pair<std::string, double>> more;
    for (const std::size_t vocabulary : {100'000, 1'000'000}) {
        const auto text = zipfText(kBatches * kBatchBytes, vocabulary, 1.0, 7);
        const auto words = static_cast<double>(std::count(text.begin(), text.end(), ' ') +
                                               std::count(text.begin(), text.end(), '\n'));
        if (runJob(text, 1s, true).last != runJob(text, 60s, true).last) {
            std::cerr << "window.slide: the two windows differ\n";
            return 1;
        }
        std::vector<double> sliding, tumbling, ratio;
        for (int run = 0; run < runs; ++run) {
            tumbling.push_back(runJob(text, 60s, false).seconds * 1e9 / words);
            sliding.push_back(runJob(text, 1s, false).seconds * 1e9 / words);
            ratio.push_back(sliding.back() / tumbling.back());
        }
        more.emplace_back("ratio_" + std::to_string(vocabulary) + "_words", median(ratio));
        if (median(ratio) > worst.ratio)
            worst = {"window.slide", median(sliding), "ns/record", median(ratio), median(tumbling),
                     {}};
    }
    worst.more = more;
    worst.print(json);
    return 0;
}
