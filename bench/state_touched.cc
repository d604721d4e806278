// state.touched: what a batch that touches 10 thousand keys costs mapWithState and updateStateByKey
// (only touched keys) when 1 million keys have state, next to the same when only these 10 thousand
// have, by turns. `ratio` is of costs, the worse of the two operators', in memory. The figures with
// a data directory have the log's fsync in them, and a checkpoint every 100 batches.
//
// state_touched [--runs=N] [--json]
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;
namespace fs = std::filesystem;

using Counts = std::map<std::string, std::int64_t, std::less<>>;

constexpr std::size_t kTouched = 10'000;
constexpr std::size_t kManyKeys = 1'000'000;
constexpr std::size_t kLineBytes = 9;
constexpr std::size_t kWarmBatches = 20;
constexpr std::size_t kMeasuredBatches = 200;

enum class Operator { kMapWithState, kUpdateTouched };

// Lines of equal length, one key each: first every key once, then the batches to be measured, each
// with kTouched different keys.
std::string makeText(std::size_t keys) {
    std::vector<std::uint32_t> order(keys);
    for (std::size_t i = 0; i < keys; ++i) order[i] = static_cast<std::uint32_t>(i);
    std::mt19937 random(1);
    std::string text;
    const auto append = [&](std::size_t from, std::size_t count) {
        for (std::size_t i = from; i < from + count; ++i)
            text += std::to_string(10'000'000 + order[i]) + '\n';
    };
    append(0, keys);
    for (std::size_t batch = 0; batch < kWarmBatches + kMeasuredBatches; ++batch) {
        if (batch * kTouched % keys == 0) std::shuffle(order.begin(), order.end(), random);
        append(batch * kTouched % keys, kTouched);
    }
    return text;
}

// With `kept`, the states after the last batch are copied there.
template <class Touched, class All>
void addOutputs(const Touched& touched, const All& all, std::size_t lastBatch, Counts* kept) {
    touched.forEachBatch([](auto& batch) { (void)batch.count(); });
    if (kept == nullptr) return;
    all().forEachBatch([=](auto& batch) {
        if (batch.id() == lastBatch)
            batch.forEach(
                [&](const auto& state) { kept->emplace(std::string(state.first), state.second); });
    });
}

void addOperator(const DStream<std::string_view>& keys, Operator which, std::size_t lastBatch,
                 Counts* kept) {
    const auto ones =
        keys.map([](std::string_view key) { return std::pair(key, std::int64_t{1}); });
    if (which == Operator::kMapWithState) {
        const auto counted = ones.mapWithState<std::int64_t>(
            [](std::string_view, std::optional<std::int64_t> one, State<std::int64_t>& state) {
                state.update(state.getOption().value_or(0) + one.value_or(0));
                return state.get();
            });
        addOutputs(
            counted, [&] { return counted.stateSnapshots(); }, lastBatch, kept);
    } else {
        const auto counted = ones.updateStateByKey<std::int64_t>(
            [](std::span<const std::int64_t> values, std::optional<std::int64_t> state) {
                auto count = state.value_or(0);
                for (const auto value : values) count += value;
                return std::optional(count);
            },
            Visit::kTouchedKeys);
        addOutputs(
            counted, [&] { return counted.all(); }, lastBatch, kept);
    }
}

// Milliseconds per measured batch.
double runJob(std::string_view text, Operator which, const fs::path& directory,
              Counts* kept = nullptr) {
    fs::remove_all(directory);
    const std::size_t batches = text.size() / (kTouched * kLineBytes);
    auto clock = std::make_shared<ManualClock>(fromMillis(0));
    StreamingOptions options;
    options.clock = clock;
    options.directory = directory;
    options.checkpointInterval = 100s;
    StreamingContext ssc(options);
    addOperator(ssc.memoryTextStream(text, kTouched * kLineBytes), which, batches, kept);
    ssc.start();
    std::chrono::steady_clock::time_point begun;
    for (std::size_t batch = 1; batch <= batches; ++batch) {
        clock->advance(1s);
        while (ssc.status().batches.batches < batch) {
            if (ssc.awaitTermination(0ms)) die("state.touched: the job ended early");
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
        if (batch == batches - kMeasuredBatches) begun = std::chrono::steady_clock::now();
    }
    const auto time = std::chrono::steady_clock::now() - begun;
    ssc.stop();
    return std::chrono::duration<double, std::milli>(time).count() / kMeasuredBatches;
}

void check(std::string_view text, Operator which, const fs::path& directory) {
    Counts expected, ours;
    for (std::size_t at = 0; at < text.size(); at += kLineBytes)
        ++expected[std::string(text.substr(at, kLineBytes - 1))];
    runJob(text, which, directory, &ours);
    if (ours != expected) die("state.touched: the states differ from the counts of the text");
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    core::setLogLevel(core::LogLevel::kError);
    std::string pattern = (fs::temp_directory_path() / "state_touched.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) die("no directory " + pattern);
    const fs::path data = fs::path(pattern) / "data";

    const std::string many = makeText(kManyKeys), few = makeText(kTouched);
    Figure worst;
    std::vector<std::pair<std::string, double>> more;
    for (const auto which : {Operator::kMapWithState, Operator::kUpdateTouched})
        for (const bool durable : {false, true}) {
            const fs::path directory = durable ? data : fs::path();
            check(many, which, directory);
            check(few, which, directory);
            std::vector<double> ours, reference, ratio;
            for (int run = 0; run < arguments.runs; ++run) {
                reference.push_back(runJob(few, which, directory));
                ours.push_back(runJob(many, which, directory));
                ratio.push_back(ours.back() / reference.back());
            }
            const std::string name =
                std::string(which == Operator::kMapWithState ? "mapWithState"
                                                             : "updateStateByKey") +
                (durable ? "_directory" : "");
            more.emplace_back("ratio_" + name, median(ratio));
            more.emplace_back("ms_" + name, median(ours));
            more.emplace_back("reference_ms_" + name, median(reference));
            if (!durable && median(ratio) > worst.ratio)
                worst = {"state.touched",   median(ours), "ms/batch", median(ratio),
                         median(reference), {},           ratio};
        }
    worst.more = more;
    worst.print(arguments.json);
    fs::remove_all(pattern);
    return 0;
}
