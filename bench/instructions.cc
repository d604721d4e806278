// The instruction guard's programs: small jobs whose instructions do not depend on the machine's
// load. check_instructions.sh counts those of their batches under valgrind.
//
// instructions NAME
#include <valgrind/callgrind.h>

#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>

#include "bench/zipf_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

using namespace tidemill;

constexpr std::size_t kBatches = 8;
constexpr std::size_t kBatchBytes = 512 << 10;

using Word = std::pair<std::string_view, std::int64_t>;
using Lines = DStream<std::string_view>;
using Build = std::function<void(Lines)>;

// Runs what `build` makes of a context's text, all batches of it, on one worker.
void runJob(const Build& build) {
    const auto clock = std::make_shared<ManualClock>(fromMillis(0));
    StreamingOptions options;
    options.clock = clock;
    options.workers = 1;
    const auto text = bench::zipfText(kBatches * kBatchBytes, 20'000, 1.0, 3);
    StreamingContext ssc(options);
    build(ssc.memoryTextStream(text, kBatchBytes));
    ssc.start();
    CALLGRIND_START_INSTRUMENTATION;
    for (std::size_t batch = 1; batch <= kBatches; ++batch) {
        clock->advance(1s);
        while (ssc.status().batches.batches < batch) ssc.awaitTermination(5ms);
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    ssc.stop();
}

DStream<Word> ones(Lines lines) {
    return lines.flatMap(splitWords).map([](std::string_view word) { return Word(word, 1); });
}

template <class Stream>
void lookAtOne(const Stream& counts) {
    counts.forEachBatch([](auto& batch) { (void)batch.take(1); });
}

const std::map<std::string, Build> kJobs{
    {"words", [](Lines lines) { lookAtOne(ones(lines).reduceByKey(std::plus<>())); }},
    {"words_by_lambda",
     [](Lines lines) {
         lookAtOne(lines
                       .flatMap([](std::string_view line, auto& emit) {
                           std::size_t begin = 0;
                           for (std::size_t i = 0; i <= line.size(); ++i) {
                               if (i != line.size() && line[i] != ' ') continue;
                               if (i > begin) emit(line.substr(begin, i - begin));
                               begin = i + 1;
                           }
                       })
                       .map([](std::string_view word) { return Word(word, 1); })
                       .reduceByKey(std::plus<>()));
     }},
    {"totals", [](Lines lines) { ones(lines).reduceByKey(std::plus<>()).runningTotals("totals"); }},
    {"window",
     [](Lines lines) {
         lookAtOne(ones(lines).reduceByKeyAndWindow(std::plus<>(), std::minus<>(), 3s, 1s));
     }},
    {"state",
     [](Lines lines) {
         lookAtOne(ones(lines).updateStateByKey<std::int64_t>(
             [](std::span<const std::int64_t> values, std::optional<std::int64_t> before) {
                 return std::optional(
                     std::accumulate(values.begin(), values.end(), before.value_or(0)));
             },
             Visit::kTouchedKeys));
     }},
};

}  // namespace

int main(int argc, char** argv) {
    const auto job = kJobs.find(argc == 2 ? argv[1] : "");
    if (job == kJobs.end()) {
        std::cerr << "usage: instructions NAME\nnames:";
        for (const auto& [name, build] : kJobs) std::cerr << " " << name;
        std::cerr << "\n";
        return 2;
    }
    core::setLogLevel(core::LogLevel::kError);
    runJob(job->second);
    return 0;
}
