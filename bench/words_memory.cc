// words.memory: text in memory -> flatMap(splitWords) -> map -> reduceByKey on one core, next to
// the count by hand (hand_count.h), by turns.
//
// words_memory TEXT [--runs=N] [--json]
#include <sched.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>

#include "bench/hand_count.h"
#include "bench/report.h"
#include "bench/word_counts.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;

constexpr std::size_t kSlackBytes = 64;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// The job, run on the whole text as one batch. With `into`, its result is kept there, which takes
// time of its own; without, an output looks at one element.
double runEngine(std::string_view text, WordCounts* into) {
    StreamingOptions options;
    options.interval = Duration(1);
    options.workers = 1;
    options.maxBatchBytes = text.size() + 1;
    StreamingContext ssc(options);
    ssc.memoryTextStream(text)
        .flatMap(splitWords)
        .map([](std::string_view word) { return std::pair(word, 1L); })
        .reduceByKey(std::plus<>())
        .forEachBatch([into](Batch<std::pair<std::string_view, long>>& batch) {
            if (into == nullptr) {
                (void)batch.take(1);
                return;
            }
            batch.forEach([&](const auto& pair) {
                (*into)[std::string(pair.first)] += static_cast<std::uint64_t>(pair.second);
            });
        });
    ssc.start();
    while (ssc.status().batches.batches == 0) std::this_thread::sleep_for(1ms);
    ssc.stop();
    return seconds(ssc.status().batches.processingTotal);
}

double runHand(char* text, std::size_t size, HandCount& count) {
    const auto begun = std::chrono::steady_clock::now();
    count.add(text, size);
    return seconds(std::chrono::steady_clock::now() - begun);
}

}  // namespace

int main(int argc, char** argv) {
    std::string path;
    int runs = 5;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        if (!std::strcmp(argv[i], "--json")) json = true;
        else if (!std::strcmp(argv[i], "--runs") && i + 1 < argc) runs = std::atoi(argv[++i]);
        else path = argv[i];
    }
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    if (text.empty()) {
        std::cerr << "usage: words_memory TEXT [--runs=N] [--json]\n";
        return 2;
    }
    const std::size_t size = text.size();
    text.append(kSlackBytes, ' ');

    // One core for everything, so that neither side is helped by another.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    core::setLogLevel(core::LogLevel::kError);

    const std::string_view view(text.data(), size);
    std::uint64_t words = 0;
    {
        HandCount hand;
        runHand(text.data(), size, hand);
        words = hand.words();
        WordCounts ours, reference;
        runEngine(view, &ours);
        hand.forEach([&](std::string_view word, std::uint64_t count) {
            reference[std::string(word)] += count;
        });
        requireEqual(ours, reference, "words.memory");
    }
    std::vector<double> engine, hand, ratio;
    for (int run = 0; run < runs; ++run) {
        HandCount count;
        hand.push_back(runHand(text.data(), size, count));
        engine.push_back(runEngine(view, nullptr));
        ratio.push_back(hand.back() / engine.back());
    }
    const double million = static_cast<double>(words) / 1e6;
    Figure{"words.memory", million / median(engine), "million words/s", median(ratio),
           million / median(hand),
           {{"mb_per_s", static_cast<double>(size) / 1e6 / median(engine)},
            {"runs", static_cast<double>(runs)}}}
        .print(json);
    return 0;
}
