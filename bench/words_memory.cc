// Words of a text in memory -> flatMap -> map -> reduceByKey, next to the count by hand
// (hand_count.h) on the same text, by turns, with the results compared word for word first:
//
// words_memory TEXT              words.memory: flatMap(splitWords), on one core
// words_memory TEXT --lambda     words.lambda: a function of the user's own that splits a line
//                                char by char, next to the count by hand with that function
// words_memory --growth          words.growth: words.memory on texts of a thousand, 100 thousand
//                                and 10 million different words; `ratio` is the worst
// words_memory TEXT --cores      words.cores: two workers next to one, by reduceByKey over all
// Common: [--runs=N] [--json]; --growth also [--megabytes=N]
#include <sched.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include "bench/arguments.h"
#include "bench/hand_count.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/word_counts.h"
#include "bench/zipf_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;

constexpr std::size_t kSlackBytes = 64;

double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

enum class Split { kWords, kLambda };

// What the output does with the result: looks at one element, goes through all of them (which
// merges what several workers counted), or keeps it, which takes time of its own.
enum class Output { kOne, kAll, kKeep };

// The job on the whole text as one batch.
double runEngine(std::string_view text, Split split, unsigned workers, Output output = Output::kOne,
                 WordCounts* into = nullptr) {
    StreamingOptions options;
    options.interval = Duration(1);
    options.workers = workers;
    options.maxBatchBytes = text.size() + 1;
    StreamingContext ssc(options);
    const auto lines = ssc.memoryTextStream(text);
    const auto words =
        split == Split::kWords
            ? lines.flatMap(splitWords)
            : lines.flatMap([](std::string_view line, auto& emit) { splitCharByChar(line, emit); });
    words.map([](std::string_view word) { return std::pair(word, 1L); })
        .reduceByKey(std::plus<>())
        .forEachBatch([=](Batch<std::pair<std::string_view, long>>& batch) {
            if (output == Output::kOne) {
                (void)batch.take(1);
                return;
            }
            batch.forEach([&](const auto& pair) {
                if (output == Output::kKeep)
                    (*into)[std::string(pair.first)] += static_cast<std::uint64_t>(pair.second);
            });
        });
    ssc.start();
    while (ssc.status().batches.batches == 0) std::this_thread::sleep_for(1ms);
    ssc.stop();
    return seconds(ssc.status().batches.processingTotal);
}

double runHand(std::string& text, Split split, HandCount& count) {
    const std::size_t size = text.size();
    text.append(kSlackBytes, ' ');  // which the reference writes to
    const auto begun = std::chrono::steady_clock::now();
    if (split == Split::kWords) count.add(text.data(), size);
    else count.addCharByChar(text.data(), size);
    const auto ended = std::chrono::steady_clock::now();
    text.resize(size);
    return seconds(ended - begun);
}

// One core for everything, so that neither side is helped by another.
void pinToOneCore() {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
}

// Returns the number of words.
double compare(std::string& text, Split split, const char* name) {
    HandCount hand;
    runHand(text, split, hand);
    WordCounts ours, reference;
    runEngine(text, split, 1, Output::kKeep, &ours);
    hand.forEach(
        [&](std::string_view word, std::uint64_t count) { reference[std::string(word)] += count; });
    requireEqual(ours, reference, name);
    return static_cast<double>(hand.words());
}

Figure besideHand(const char* name, std::string& text, Split split, int runs) {
    const double words = compare(text, split, name);
    std::vector<double> engine, hand, ratio;
    for (int run = 0; run < runs; ++run) {
        {
            // Gone before the engine's turn: its memory is there for whoever comes next.
            HandCount count;
            hand.push_back(runHand(text, split, count));
        }
        engine.push_back(runEngine(text, split, 1));
        ratio.push_back(hand.back() / engine.back());
    }
    return {name,
            words / 1e6 / median(engine),
            "million words/s",
            median(ratio),
            words / 1e6 / median(hand),
            {{"mb_per_s", static_cast<double>(text.size()) / 1e6 / median(engine)}},
            ratio};
}

Figure growth(std::size_t bytes, int runs) {
    Figure worst;
    std::vector<std::pair<std::string, double>> all;
    for (const std::size_t vocabulary : {1'000, 100'000, 10'000'000}) {
        std::cerr << "  text of " << vocabulary << " words\n";
        auto text = zipfText(bytes, vocabulary, 1.0, 7);
        text.reserve(text.size() + kSlackBytes);
        const auto figure = besideHand("words.growth", text, Split::kWords, runs);
        all.emplace_back("ratio_" + std::to_string(vocabulary), figure.ratio);
        all.emplace_back("million_words_per_s_" + std::to_string(vocabulary), figure.value);
        if (worst.ratio == 0 || figure.ratio < worst.ratio) worst = figure;
    }
    worst.more = all;
    return worst;
}

// How much faster two counts by hand that share nothing are, side by side, than one after another:
// what this machine gives to two busy cores.
double handSpeedup(std::string& text, std::string& copy) {
    HandCount first, second, third;
    const double one = runHand(text, Split::kWords, first);
    double side = 0;
    std::thread other([&] { side = runHand(copy, Split::kWords, second); });
    const double both = runHand(text, Split::kWords, third);
    other.join();
    return 2 * one / std::max(both, side);
}

Figure cores(std::string& text, int runs) {
    const double words = compare(text, Split::kWords, "words.cores");
    std::string copy;
    copy.reserve(text.size() + kSlackBytes);
    copy = text;
    std::vector<double> one, two, ratio, byHand;
    for (int run = 0; run < runs; ++run) {
        byHand.push_back(handSpeedup(text, copy));
        one.push_back(runEngine(text, Split::kWords, 1, Output::kAll));
        two.push_back(runEngine(text, Split::kWords, 2, Output::kAll));
        ratio.push_back(one.back() / two.back());
    }
    return {"words.cores",
            words / 1e6 / median(two),
            "million words/s",
            median(ratio),
            words / 1e6 / median(one),
            {{"speedup_of_two_counts_by_hand", median(byHand)}},
            ratio};
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    core::setLogLevel(core::LogLevel::kError);
    if (!arguments.has("--cores")) pinToOneCore();
    if (arguments.has("--growth")) {
        const auto megabytes = static_cast<std::size_t>(arguments.number("--megabytes", 512));
        growth(megabytes << 20, arguments.runs).print(arguments.json);
        return 0;
    }
    auto text = arguments.plain.empty() ? std::string() : contentsOf(arguments.plain.front());
    if (text.empty()) {
        std::cerr << "usage: words_memory TEXT [--lambda | --cores] [--runs=N] [--json]\n"
                     "       words_memory --growth [--megabytes=N] [--runs=N] [--json]\n";
        return 2;
    }
    text.reserve(text.size() + kSlackBytes);
    const auto figure = arguments.has("--cores") ? cores(text, arguments.runs)
                        : arguments.has("--lambda")
                            ? besideHand("words.lambda", text, Split::kLambda, arguments.runs)
                            : besideHand("words.memory", text, Split::kWords, arguments.runs);
    figure.print(arguments.json);
    return 0;
}
