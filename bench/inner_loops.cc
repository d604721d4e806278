// What the forms of the two inner loops bring, on one core and on Zipf text:
//   split   splitting text at whitespace: byte by byte, with AVX2 and with AVX-512
//   probe   looking words up in a key table: one after another, as KeyTable::find does, then 64
//           at a time, for any processor and with AVX-512
// Each form's ratio is to the first of its group, by turns in the same run; all find the same.
//
// inner_loops [--words=N] [--megabytes=N] [--runs=N] [--json]
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/zipf_text.h"
#include "core/key_probe.h"
#include "core/key_table.h"
#include "core/split_words.h"
#include "core/zeroed_memory.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;
using core::kChunkElements;

using Words = std::vector<std::string_view>;

struct Form {
    std::string name;
    std::function<std::uint64_t()> run;  // returns what all forms must agree in
    std::vector<double> millions = {};   // a second, of each run
};

std::uint64_t splitBy(core::WordSplitter form, std::string_view text) {
    std::array<std::string_view, kChunkElements> words;
    core::WordCursor cursor(text);
    std::uint64_t sum = 0;
    while (const std::size_t count = form(cursor, words)) sum += count;
    return sum;
}

// The words of `distinct` in a table of KeySlots, filled as a KeyTable fills its own.
class Probed {
public:
    explicit Probed(const Words& words) {
        for (const auto word : words) {
            bool fresh = false;
            table_.insert(word, fresh);
        }
        std::size_t slots = 256;
        while (slots < 2 * (table_.size() + kChunkElements)) slots *= 2;
        memory_ = core::ZeroedMemory(slots * sizeof(core::KeySlot));
        probed_ = {static_cast<core::KeySlot*>(memory_.data()),
                   slots - 2,
                   {0x9E3779B97F4A7C15u, 0xD6E8FEB86659FD93u},
                   core::kBothHoldKeys};
        for (std::size_t rank = 0; rank < table_.size(); ++rank) {
            const auto key = core::probeKey(table_.keyOf(table_.slotAt(rank)), probed_.seed);
            std::size_t index = key.hash & probed_.mask;
            while (probed_.slots[index].b != 0) index = (index + 1) & (slots - 1);
            probed_.slots[index].a = key.a;
            probed_.slots[index].b = key.b;
        }
    }

    // Of all `words`: how many lie in the first pair where they are looked for.
    std::uint64_t oneByOne(const Words& words) const {
        std::uint64_t found = 0;
        for (const auto word : words) {
            const auto key = core::probeKey(word, probed_.seed);
            const auto* slot = probed_.slots + (key.hash & probed_.mask);
            found += (slot[0].a == key.a && slot[0].b == key.b) ||
                     (slot[1].a == key.a && slot[1].b == key.b);
        }
        return found;
    }
    std::uint64_t by(core::KeyProbe form, const Words& words) const {
        core::KeyGroupProbe group;
        core::KeySlot* found[core::KeyGroupProbe::kKeys];
        std::uint64_t sum = 0;
        for (std::size_t first = 0; first < words.size(); first += core::KeyGroupProbe::kKeys) {
            const std::size_t count = std::min(core::KeyGroupProbe::kKeys, words.size() - first);
            const auto missed = form(probed_, reinterpret_cast<const char*>(&words[first]),
                                     sizeof words[0], count, group, found);
            sum += count - static_cast<std::size_t>(__builtin_popcountll(missed));
        }
        return sum;
    }

private:
    core::KeyTable table_;
    core::ZeroedMemory memory_;
    core::KeyProbeTable probed_{};
};

void compare(const Arguments& arguments, const std::string& group, double million,
             std::vector<Form> forms) {
    const std::uint64_t expected = forms.front().run();
    for (int run = 0; run < arguments.runs; ++run) {
        for (auto& form : forms) {
            const auto begun = std::chrono::steady_clock::now();
            const std::uint64_t got = form.run();
            const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begun;
            if (got != expected) die("inner_loops: " + group + " " + form.name + " finds others");
            form.millions.push_back(million / time.count());
        }
    }
    const double reference = median(forms.front().millions);
    for (const auto& form : forms) {
        std::vector<double> ratios;
        for (std::size_t run = 0; run < form.millions.size(); ++run)
            ratios.push_back(form.millions[run] / forms.front().millions[run]);
        Figure{group + "." + form.name,
               median(form.millions),
               "million/s",
               median(ratios),
               reference,
               {},
               ratios}
            .print(arguments.json);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    const auto distinct = static_cast<std::size_t>(arguments.number("--words", 100'000));
    const auto bytes = static_cast<std::size_t>(arguments.number("--megabytes", 64)) << 20;
    const std::string text = zipfText(bytes, distinct, 1.0, 1);
    Words words;
    core::splitText(text, [&](std::span<std::string_view> chunk) {
        words.insert(words.end(), chunk.begin(), chunk.end());
    });
    const double million = static_cast<double>(words.size()) / 1e6;

    const auto splitters = core::wordSplitters();
    std::vector<Form> split;
    const auto addSplit = [&](std::string name, core::WordSplitter form) {
        if (form != nullptr) split.push_back({name, [=, &text] { return splitBy(form, text); }});
    };
    addSplit("bytes", splitters.portable);
    addSplit("avx2", splitters.avx2);
    addSplit("avx512", splitters.avx512);
    compare(arguments, "split", million, std::move(split));

    const Probed probed(words);
    const auto probes = core::keyProbes();
    std::vector<Form> probe{{"one_by_one", [&] { return probed.oneByOne(words); }}};
    const auto addProbe = [&](std::string name, core::KeyProbe form) {
        if (form != nullptr)
            probe.push_back({name, [=, &probed, &words] { return probed.by(form, words); }});
    };
    addProbe("portable", probes.portable);
    addProbe("avx512", probes.avx512);
    compare(arguments, "probe", million, std::move(probe));
    return 0;
}
