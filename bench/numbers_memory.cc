// numbers.memory: 64-bit integers in memory -> minimum, maximum, sum and count of readings by key
// (combineByKey) on one core, next to the same by hand (hand_numbers.h), by turns. Keys come up as
// the words of the other benchmarks do: key k in proportion to 1 / k.
//
// The numbers lie where they are, as the text of words.memory does; a flatMap emits them.
// `ratio_reduce`: summaries of single readings, reduced by reduceByKey.
// `ratio_from_queue`: from a RecordQueue, whose records the job copies, logs and decodes.
//
// numbers_memory [--millions=N] [--keys=N] [--runs=N] [--json]
#include <sched.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <string>

#include "bench/arguments.h"
#include "bench/hand_numbers.h"
#include "bench/process.h"
#include "bench/report.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;

using Numbers = std::vector<std::int64_t>;
using Summaries = std::map<std::int64_t, Summary>;

// Of them, one line of text stands for.
constexpr std::size_t kNumbersPerLine = 1024;

double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

Numbers makeNumbers(std::size_t count, std::size_t keys) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> uniform(0, std::log(static_cast<double>(keys)));
    Numbers numbers(count);
    for (auto& number : numbers) {
        const auto k = static_cast<std::uint64_t>(std::exp(uniform(random)));
        const std::uint64_t key = k * 0xD6E8FEB86659FD93u >> 16;
        number = static_cast<std::int64_t>(key << 16 | (random() & 0xFFFF));
    }
    return numbers;
}

StreamingOptions optionsFor(const Numbers& numbers) {
    StreamingOptions options;
    options.interval = Duration(1);
    options.workers = 1;
    options.maxBatchBytes = 4 * sizeof(std::int64_t) * numbers.size() + (1 << 20);
    return options;
}

Summary with(Summary summary, std::int64_t reading) {
    summary.add(reading);
    return summary;
}
constexpr auto kMerge = [](const Summary& a, const Summary& b) {
    return Summary{std::min(a.min, b.min), std::max(a.max, b.max), a.sum + b.sum,
                   a.count + b.count};
};

// By key, the readings combined one after another.
constexpr auto kCombine = [](const DStream<std::int64_t>& numbers) {
    return numbers
        .map([](std::int64_t number) { return std::pair(keyOf(number), readingOf(number)); })
        .combineByKey([](std::int64_t reading) { return with(Summary(), reading); },
                      [](Summary summary, std::int64_t reading) { return with(summary, reading); },
                      kMerge);
};

// By key, a summary of each reading, reduced.
constexpr auto kReduce = [](const DStream<std::int64_t>& numbers) {
    return numbers
        .map([](std::int64_t number) {
            return std::pair(keyOf(number), with(Summary(), readingOf(number)));
        })
        .reduceByKey(kMerge);
};

// Runs one batch; with `kept`, the result is copied there, which takes time of its own.
double runBatch(StreamingContext& ssc, const DStream<std::pair<std::int64_t, Summary>>& summaries,
                Summaries* kept) {
    summaries.forEachBatch([kept](Batch<std::pair<std::int64_t, Summary>>& batch) {
        if (kept == nullptr) (void)batch.take(1);
        else batch.forEach([&](const auto& pair) { kept->insert(pair); });
    });
    ssc.start();
    while (ssc.status().batches.batches == 0) std::this_thread::sleep_for(1ms);
    ssc.stop();
    return seconds(ssc.status().batches.processingTotal);
}

double runFromQueue(const Numbers& numbers, Summaries* kept = nullptr) {
    RecordQueue<std::int64_t> queue;
    queue.push(numbers);
    StreamingContext ssc(optionsFor(numbers));
    return runBatch(ssc, kCombine(ssc.queueStream(queue)), kept);
}

// Line k of `lines` stands for the k-th part of the numbers.
template <class Summarize>
double runFromMemory(const Numbers& numbers, std::string_view lines, Summarize summarize,
                     Summaries* kept = nullptr) {
    StreamingContext ssc(optionsFor(numbers));
    const auto emitPart = [&numbers](std::string_view line, Emit<std::int64_t>& emit) {
        std::size_t part = 0;
        std::from_chars(line.data(), line.data() + line.size(), part);
        const std::size_t begin = part * kNumbersPerLine;
        const std::size_t end = std::min(begin + kNumbersPerLine, numbers.size());
        for (std::size_t i = begin; i < end; ++i) emit(numbers[i]);
    };
    const auto stream = ssc.memoryTextStream(lines).flatMap<std::int64_t>(emitPart);
    return runBatch(ssc, summarize(stream), kept);
}

double runHand(const Numbers& numbers, Summaries* kept = nullptr) {
    HandNumbers hand;
    const auto begun = std::chrono::steady_clock::now();
    hand.add(numbers);
    const auto time = seconds(std::chrono::steady_clock::now() - begun);
    if (kept != nullptr)
        hand.forEach(
            [&](std::int64_t key, const Summary& summary) { kept->emplace(key, summary); });
    return time;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    core::setLogLevel(core::LogLevel::kError);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);

    const auto count = static_cast<std::size_t>(arguments.number("--millions", 64)) * 1'000'000;
    const auto keys = static_cast<std::size_t>(arguments.number("--keys", 100'000));
    const Numbers numbers = makeNumbers(count, keys);
    std::string lines;
    for (std::size_t begin = 0; begin < numbers.size(); begin += kNumbersPerLine)
        lines += std::to_string(begin / kNumbersPerLine) + '\n';

    Summaries hand, queued, combined, reduced;
    runHand(numbers, &hand);
    runFromQueue(numbers, &queued);
    runFromMemory(numbers, lines, kCombine, &combined);
    runFromMemory(numbers, lines, kReduce, &reduced);
    if (hand.empty() || queued != hand || combined != hand || reduced != hand)
        die("numbers.memory: the results differ");

    std::vector<double> byHand, ours, ratio, fromQueue, byReduce;
    for (int run = 0; run < arguments.runs; ++run) {
        byHand.push_back(runHand(numbers));
        ours.push_back(runFromMemory(numbers, lines, kCombine));
        ratio.push_back(byHand.back() / ours.back());
        byReduce.push_back(byHand.back() / runFromMemory(numbers, lines, kReduce));
        fromQueue.push_back(byHand.back() / runFromQueue(numbers));
    }
    const double million = static_cast<double>(numbers.size()) / 1e6;
    Figure{"numbers.memory",
           million / median(ours),
           "million/s",
           median(ratio),
           million / median(byHand),
           {{"ratio_reduce", median(byReduce)},
            {"ratio_from_queue", median(fromQueue)},
            {"keys", static_cast<double>(hand.size())},
            {"seconds", median(ours)},
            {"runs", static_cast<double>(arguments.runs)}},
           ratio}
        .print(arguments.json);
    return 0;
}
