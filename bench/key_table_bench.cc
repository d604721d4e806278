// key_table_bench [MEGABYTES=256] [ROUNDS=5] [WORDS...=1000 100000 10000000]
//
// What the generic hot path costs: text split into words, words mapped to pairs, the pairs' keys
// located in a KeyTable and their values added, chunk by chunk, as the operators do it; next to the
// count written by hand, on the same Zipf text, by turns. Every round's counts are compared word
// for word. Prints for each number of distinct words the medians and the median of the ratios.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/hand_count.h"
#include "bench/zipf_text.h"
#include "core/key_table.h"
#include "core/slot_values.h"
#include "core/split_words.h"

namespace {

using namespace tidemill;
using core::kChunkElements;
using Pair = std::pair<std::string_view, long>;

constexpr std::size_t kSlackBytes = 64;
constexpr std::size_t kPieceBytes = 256 << 10;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

struct PairSink {
    virtual ~PairSink() = default;
    virtual void take(std::span<Pair> chunk) = 0;
};

class SumByKey final : public PairSink {
public:
    void take(std::span<Pair> chunk) override {
        table.locate(reinterpret_cast<const char*>(&chunk.front().first), sizeof(Pair),
                     chunk.size(), slots_.data(), fresh_.data());
        for (std::size_t begin = 0; begin < chunk.size(); begin += 64) {
            const std::size_t end = std::min(chunk.size(), begin + 64);
            std::uint64_t fresh = fresh_[begin / 64];
            if (fresh == 0) {
                for (std::size_t i = begin; i < end; ++i) add(*slots_[i], chunk[i].second);
                continue;
            }
            for (std::size_t i = begin; i < end; ++i, fresh >>= 1) {
                if (fresh & 1)
                    values.create(*slots_[i], std::move(chunk[i].second));
                else
                    add(*slots_[i], chunk[i].second);
            }
        }
    }
    core::KeyTable table;
    core::SlotValues<long> values;

private:
    void add(core::KeyTable::Slot& slot, long more) {
        values.update(slot, [&](long& value) { value += more; });
    }
    std::array<core::KeyTable::Slot*, kChunkElements> slots_;
    std::array<std::uint64_t, kChunkElements / 64> fresh_;
};

// One piece of text after another, as blocks are handed to the operators.
std::uint64_t pipeline(std::string_view text, PairSink& sink) {
    std::uint64_t words = 0;
    std::vector<Pair> pairs;
    pairs.reserve(kChunkElements);
    while (!text.empty()) {
        std::size_t size = text.size();
        if (size > kPieceBytes) size = text.find('\n', kPieceBytes - 1) + 1;
        core::splitText(text.substr(0, size), [&](std::span<std::string_view> chunk) {
            pairs.clear();
            for (const auto word : chunk) pairs.push_back(Pair(word, 1));
            words += chunk.size();
            sink.take(pairs);
        });
        text.remove_prefix(size);
    }
    return words;
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

void check(bool equal, const char* what) {
    if (equal) return;
    std::fprintf(stderr, "key_table_bench: results differ: %s\n", what);
    std::exit(1);
}

void compare(const bench::HandCount& hand, const SumByKey& ours, std::uint64_t words) {
    check(hand.words() == words, "number of words");
    check(hand.distinct() == ours.table.size(), "number of distinct words");
    hand.forEach([&](std::string_view word, std::uint64_t count) {
        const auto* slot = ours.table.find(word);
        check(slot != nullptr && slot->value == count, std::string(word).c_str());
    });
}

void run(std::size_t megabytes, int rounds, std::size_t vocabulary) {
    std::string text = bench::zipfText(megabytes << 20, vocabulary, 1.0, 1);
    const std::size_t size = text.size();
    text.resize(size + kSlackBytes, ' ');
    std::vector<double> handSpeed, ourSpeed, ratio;
    std::size_t distinct = 0;
    for (int round = 0; round < rounds; ++round) {
        auto hand = std::make_unique<bench::HandCount>();
        auto ours = std::make_unique<SumByKey>();
        double handSeconds = 0, ourSeconds = 0;
        std::uint64_t words = 0;
        const auto runHand = [&] {
            handSeconds = now();
            hand->add(text.data(), size);
            handSeconds = now() - handSeconds;
        };
        const auto runOurs = [&] {
            ourSeconds = now();
            words = pipeline(std::string_view(text).substr(0, size), *ours);
            ourSeconds = now() - ourSeconds;
        };
        if (round % 2 == 0) runHand();
        runOurs();
        if (round % 2 != 0) runHand();
        compare(*hand, *ours, words);
        distinct = ours->table.size();
        handSpeed.push_back(static_cast<double>(words) / handSeconds / 1e6);
        ourSpeed.push_back(static_cast<double>(words) / ourSeconds / 1e6);
        ratio.push_back(handSeconds / ourSeconds);
    }
    std::printf(
        "%9zu words (%8zu met)  by hand %6.1f  here %6.1f million/s  ratio %.2f (%.2f-%.2f)\n",
        vocabulary, distinct, median(handSpeed), median(ourSpeed), median(ratio),
        *std::min_element(ratio.begin(), ratio.end()),
        *std::max_element(ratio.begin(), ratio.end()));
    std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
    const std::size_t megabytes = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 256;
    const int rounds = count > 2 ? std::atoi(arguments[2]) : 5;
    std::vector<std::size_t> vocabularies;
    for (int i = 3; i < count; ++i)
        vocabularies.push_back(std::strtoull(arguments[i], nullptr, 10));
    if (vocabularies.empty()) vocabularies = {1000, 100'000, 10'000'000};
    for (const auto vocabulary : vocabularies) run(megabytes, rounds, vocabulary);
}
