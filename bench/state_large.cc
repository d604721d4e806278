// state.large: running totals of 10 million keys within 64 MB, updated by Zipf's law in batches of
// 200 thousand, next to RocksDB used plainly with the same cache and memtable: each batch summed up
// in a hash map, then MultiGet, then a WriteBatch. The totals of both are compared key for key.
//
// The job also logs and syncs what it reads and makes checkpoints; the reference does neither.
//
// state_large DIRECTORY [--keys=N] [--updates=N] [--runs=N] [--json]
#include <malloc.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <numeric>
#include <thread>
#include <unordered_map>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/report.h"
#include "bench/zipf_text.h"
#include "core/file_system.h"
#include "core/key_codec.h"
#include "core/logging.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;
using Keys = std::vector<std::int64_t>;

constexpr std::size_t kBatchKeys = 200'000;
constexpr std::size_t kCacheBytes = 32 << 20, kChangesBytes = 32 << 20;

struct Work {
    fs::path directory;
    std::int64_t keys;
    std::int64_t updates;
    fs::path updatesFile() const { return directory / "updates"; }
};

// All keys once, or the updates; in batches.
void forEachBatchOf(const Work& work, bool updates, const std::function<void(const Keys&)>& take) {
    std::ifstream file(work.updatesFile(), std::ios::binary);
    const auto total = updates ? work.updates : work.keys;
    for (std::int64_t first = 0; first < total; first += static_cast<std::int64_t>(kBatchKeys)) {
        Keys batch(std::min(kBatchKeys, static_cast<std::size_t>(total - first)));
        if (updates)
            file.read(reinterpret_cast<char*>(batch.data()),
                      static_cast<std::streamsize>(batch.size() * sizeof batch[0]));
        else std::iota(batch.begin(), batch.end(), first);
        take(batch);
    }
}

// Frequent keys lie anywhere among the others.
void writeUpdates(const Work& work) {
    const ZipfRanks ranks(static_cast<std::size_t>(work.keys), 1.0);
    std::mt19937_64 random(5);
    std::ofstream file(work.updatesFile(), std::ios::binary);
    for (std::int64_t i = 0; i < work.updates; ++i) {
        const auto key = static_cast<std::int64_t>((ranks.pick(random) * 7'919'317 + 12'345) %
                                                   static_cast<std::size_t>(work.keys));
        file.write(reinterpret_cast<const char*>(&key), sizeof key);
    }
}

struct Run {
    double seconds = 0;
    double peakMebibytes = 0;
};
Run inChild(const std::string& what, const std::function<double()>& work) {
    Forked<double> child(what, work);
    const double seconds = child.await();
    return {seconds, child.usage().peakMebibytes};
}

double runEngine(const Work& work) {
    StreamingOptions options;
    options.directory = work.directory / "data";
    options.interval = Duration(1);
    options.deltaBudgetBytes = kChangesBytes;
    options.stateCacheBytes = kCacheBytes;
    options.maxBatchBytes = 4 << 20;
    options.checkpointInterval = Duration(2000);
    StreamingContext ssc(options);
    RecordQueue<std::int64_t> queue;
    ssc.queueStream(queue)
        .map([](std::int64_t key) { return std::pair<std::int64_t, std::int64_t>(key, 1); })
        .reduceByKey(std::plus<>())
        .runningTotals("totals");
    ssc.start();
    double seconds = 0;
    for (const bool updates : {false, true}) {
        const auto begun = Clock::now();
        std::uint64_t fed = ssc.status().receivedRecords;
        forEachBatchOf(work, updates, [&](const Keys& batch) {
            queue.push(batch);
            fed += batch.size();
            while (queue.queued() > 2) std::this_thread::sleep_for(std::chrono::microseconds(100));
        });
        while (ssc.status().batches.records < fed)
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    }
    ssc.stop();
    return seconds;
}

void must(const rocksdb::Status& status) {
    if (!status.ok()) die(status.ToString());
}

std::unique_ptr<rocksdb::DB> openPlain(const Work& work) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    rocksdb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = kChangesBytes / 2;
    options.compression = rocksdb::kLZ4Compression;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    must(rocksdb::DB::Open(options, (work.directory / "plain").string(), &db));
    return std::unique_ptr<rocksdb::DB>(db);
}

double runPlain(const Work& work) {
    const auto db = openPlain(work);
    double seconds = 0;
    for (const bool updates : {false, true}) {
        const auto begun = Clock::now();
        forEachBatchOf(work, updates, [&](const Keys& batch) {
            std::unordered_map<std::int64_t, std::int64_t> sums;
            for (const auto key : batch) ++sums[key];
            std::vector<std::string> names;
            std::vector<std::int64_t> added;
            for (const auto& [key, sum] : sums) {
                names.emplace_back();
                core::KeyCodec<std::int64_t>::encode(key, names.back());
                added.push_back(sum);
            }
            const std::vector<rocksdb::Slice> keys(names.begin(), names.end());
            std::vector<std::string> values;
            const auto found = db->MultiGet(rocksdb::ReadOptions(), keys, &values);
            rocksdb::WriteBatch changes;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                std::int64_t total = 0;
                if (found[i].ok()) std::memcpy(&total, values[i].data(), sizeof total);
                total += added[i];
                must(changes.Put(keys[i], {reinterpret_cast<const char*>(&total), sizeof total}));
            }
            must(db->Write(rocksdb::WriteOptions(), &changes));
        });
        seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    }
    return seconds;
}

void compare(const Work& work) {
    const auto generations =
        recovery::inspectGenerations(core::posixFileSystem(), work.directory / "data");
    if (!generations || generations->empty()) die("the job left no checkpoint");
    const auto reader = state::StateReader::open(generations->front().path);
    if (!reader) die(reader.error().message);
    const auto db = openPlain(work);
    const std::unique_ptr<rocksdb::Iterator> plain(db->NewIterator(rocksdb::ReadOptions()));
    plain->SeekToFirst();
    bool equal = true;
    const auto read = (*reader)->scan(
        (*reader)->mark().operators.front().id, 0, {},
        [&](std::string_view key, std::string_view value) {
            equal = plain->Valid() && plain->key() == rocksdb::Slice(key.data(), key.size()) &&
                    plain->value() == rocksdb::Slice(value.data(), value.size());
            plain->Next();
            return equal;
        });
    if (!read) die(read.error().message);
    if (!equal || plain->Valid()) die("state.large: the totals differ");
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    if (arguments.plain.empty()) {
        std::cerr << "usage: state_large DIRECTORY [--keys=N] [--updates=N] [--runs=N] [--json]\n";
        return 2;
    }
    core::setLogLevel(core::LogLevel::kError);
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);  // as the tidemill program does
    const Work work{fs::path(arguments.plain.front()) / "state_large.work",
                    arguments.number("--keys", 10'000'000),
                    arguments.number("--updates", 10'000'000)};
    fs::remove_all(work.directory);
    fs::create_directories(work.directory);
    inChild("the updates", [&] {
        writeUpdates(work);
        return 0.0;
    });
    std::vector<double> ours, theirs, ratio;
    Run engine, plain;
    const double million = static_cast<double>(work.updates) / 1e6;
    for (int run = 0; run < arguments.runs; ++run) {
        plain = inChild("RocksDB used plainly", [&] { return runPlain(work); });
        engine = inChild("the job", [&] { return runEngine(work); });
        inChild("the comparison", [&] {
            compare(work);
            return 0.0;
        });
        fs::remove_all(work.directory / "data");
        fs::remove_all(work.directory / "plain");
        theirs.push_back(million / plain.seconds);
        ours.push_back(million / engine.seconds);
        ratio.push_back(ours.back() / theirs.back());
        std::cerr << "  run " << run + 1 << " of " << arguments.runs << ": " << ours.back()
                  << " against " << theirs.back() << " million updates/s\n";
    }
    Figure{"state.large",
           median(ours),
           "million updates/s",
           median(ratio),
           median(theirs),
           {{"peak_rss_mib", engine.peakMebibytes},
            {"budget_mib", static_cast<double>((kCacheBytes + kChangesBytes) >> 20)},
            {"reference_peak_rss_mib", plain.peakMebibytes}},
           ratio}
        .print(arguments.json);
    fs::remove_all(work.directory);
    return 0;
}
