// What the state costs: merges into the delta, freeze and ingest of what changed, reads.
// Usage: state_bench [DIRECTORY]; prints one line a figure, in CPU time of the calling thread.
#include <time.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/chunk.h"
#include "core/key_group.h"
#include "state/state_store.h"

namespace {

using namespace tidemill;

template <class T>
T must(core::Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// CPU time of this thread: other load does not count, nor does waiting for the disk.
double millis(const std::function<void()>& work) {
    const auto now = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
    };
    const double start = now();
    work();
    return now() - start;
}

// Keys of 24 bytes, or words of about 8, cut by range.
struct Keys {
    Keys(std::size_t from, std::size_t count, bool words) : ranges(core::kKeyRanges) {
        char text[32];
        for (std::size_t i = from; i < from + count; ++i) {
            std::snprintf(text, sizeof text, words ? "w%zu" : "key-%020zu", (i * 7919) % 1000003);
            const auto range = core::keyRangeOf(core::keyGroup(text));
            ranges[range].emplace_back(text);
        }
    }
    void merge(state::StateTable& table) const {
        std::vector<std::string_view> views(core::kChunkElements);
        const std::vector<std::uint64_t> ones(core::kChunkElements, 1);
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
            const auto& keys = ranges[range];
            for (std::size_t begin = 0; begin < keys.size(); begin += core::kChunkElements) {
                const std::size_t n = std::min(core::kChunkElements, keys.size() - begin);
                for (std::size_t i = 0; i < n; ++i) views[i] = keys[begin + i];
                must(table.range(range).merge({reinterpret_cast<const char*>(views.data())}, n,
                                              ones.data()));
            }
        }
    }
    void get(state::StateTable& table) const {
        std::vector<std::string_view> views(core::kChunkElements);
        state::Lookup lookup;
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
            const auto& keys = ranges[range];
            for (std::size_t begin = 0; begin < keys.size(); begin += core::kChunkElements) {
                const std::size_t n = std::min(core::kChunkElements, keys.size() - begin);
                for (std::size_t i = 0; i < n; ++i) views[i] = keys[begin + i];
                must(table.range(range).get({reinterpret_cast<const char*>(views.data())}, n,
                                            lookup));
            }
        }
    }
    std::vector<std::vector<std::string>> ranges;
};

void run(const core::Path& directory, bool words) {
    auto& files = core::posixFileSystem();
    must(files.removeTree(directory));
    must(files.createDirectory(directory));
    must(files.createDirectory(directory / "work"));
    state::StateStoreOptions options;
    options.workDirectory = directory / "work";
    auto store = must(state::StateStore::open(options));
    auto& table = store->table(core::OperatorId(1), 0, state::ValueKind::kSum);
    int generation = 0;
    const auto checkpoint = [&](const char* what) {
        state::FrozenDelta frozen;
        const double freeze = millis([&] { frozen = store->freeze({}); });
        std::uint64_t bytes = 0;
        const double ingest = millis([&] { bytes = must(store->ingest(std::move(frozen))); });
        const auto into = directory / std::to_string(++generation);
        must(files.createDirectory(into));
        const double link = millis([&] { must(store->linkInto(into)); });
        std::printf("%-38s freeze %7.2f ms, ingest %7.1f ms, link %5.1f ms, %zu bytes\n", what,
                    freeze, ingest, link, static_cast<std::size_t>(bytes));
    };
    std::printf("keys of %s\n", words ? "2 to 8 bytes" : "24 bytes");
    const Keys dirty(0, 100000, words);
    std::printf("%-38s %7.1f ms\n", "merge 100k fresh keys", millis([&] { dirty.merge(table); }));
    std::printf("%-38s %7.1f ms\n", "merge 100k known keys", millis([&] { dirty.merge(table); }));
    checkpoint("100k dirty into none");
    std::printf("%-38s %7.1f ms\n", "get 100k, operands ingested",
                millis([&] { dirty.get(table); }));
    Keys(0, 1000000, words).merge(table);
    checkpoint("1M dirty");
    for (int i = 0; i < 6; ++i) {
        Keys(static_cast<std::size_t>(i) * 100000, 100000, words).merge(table);
        checkpoint("100k dirty into 1M");
    }
    std::printf("%-38s %7.1f ms\n", "get 100k of 1M cold-ish", millis([&] { dirty.get(table); }));
    const Keys some(500000, 100000, words);
    some.merge(table);
    std::printf("%-38s %7.1f ms\n", "get 100k, operand over rows",
                millis([&] { some.get(table); }));
    std::size_t rows = 0;
    std::printf("%-38s %7.1f ms\n", "walk 1M rows", millis([&] {
                    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
                        for (auto walker = table.range(range).walk(); must(walker.next());) ++rows;
                }));
    std::printf("%-38s %7.2f ms\n", "first 10 rows", millis([&] {
                    auto walker = table.range(0).walk();
                    for (int i = 0; i < 10; ++i) must(walker.next());
                }));
    store.reset();
    must(files.removeTree(directory));
}

}  // namespace

int main(int count, char** arguments) {
    const core::Path directory = count > 1 ? arguments[1] : "./state_bench.data";
    run(directory, true);
    run(directory, false);
}
