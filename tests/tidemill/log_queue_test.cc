// Bursts that do not fit into memory: they wait in the log and are read from it when their batch
// runs.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <span>

#include "core/logging.h"
#include "tests/tidemill/burst_rig.h"

namespace tidemill::test {
namespace {

using View = std::string_view;
using Lines = DStream<View>;

constexpr std::size_t kBurstBytes = 24 * kMebi;

// "word17 rare4711 filler…": words of which each tells its own number of times.
std::string lineOf(std::uint64_t number) {
    std::string line = "word" + std::to_string(number % 1000);
    if (number % 5000 == 0) line += " rare" + std::to_string(number);
    line.resize(std::max<std::size_t>(line.size() + 1, 90), number % 7 == 0 ? ' ' : '.');
    line.back() = '\n';
    return line;
}

using Counts = std::map<std::string, std::int64_t>;

// What a job that does little with lines makes of them, over all batches.
struct Case {
    const char* name;
    bool holds;  // all records of a batch
    std::function<DStream<std::pair<std::string, std::int64_t>>(const Lines&)> make;
};

std::pair<std::string, std::int64_t> owned(const View& line) { return {std::string(line), 1}; }

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"words", false,
         [](const Lines& lines) {
             return lines.flatMap(splitWords)
                 .map([](View word) { return std::pair(word, std::int64_t{1}); })
                 .reduceByKey(std::plus<>())
                 .map([](const auto& pair) {
                     return std::pair(std::string(pair.first), pair.second);
                 });
         }},
        {"rareWordsOfManyBlocksInOneChunk", false,
         [](const Lines& lines) {
             return lines
                 .flatMap([](View line, auto& emit) {
                     const auto rare = line.find("rare");
                     if (rare != line.npos) emit(line.substr(rare, 6));
                 })
                 .map([](View word) { return std::pair(word, std::int64_t{1}); })
                 .reduceByKey(std::plus<>())
                 .map([](const auto& pair) {
                     return std::pair(std::string(pair.first), pair.second);
                 });
         }},
        {"filteredLines", false,
         [](const Lines& lines) {
             return lines.filter([](View line) { return line.find("rare") != line.npos; })
                 .unionWith(lines.filter([](View line) { return line.size() % 2 == 0; }))
                 .map(owned)
                 .reduceByKey(std::plus<>());
         }},
        {"viewsAsValues", false,
         [](const Lines& lines) {
             return lines.map([](View line) { return std::pair(line.size(), line); })
                 .reduceByKey([](View a, View b) { return std::min(a, b); })
                 .map([](const auto& pair) { return owned(pair.second); });
         }},
        {"aFunctionThatRemembersLines", false,
         [](const Lines& lines) {
             return lines
                 .map([last = View()](View line) mutable {
                     const bool up = last < line;
                     last = line;
                     return std::pair(std::string(up ? "up" : "down"), std::int64_t{1});
                 })
                 .reduceByKey(std::plus<>());
         }},
        {"persistedLines", true,
         [](const Lines& lines) {
             const auto kept =
                 lines.filter([](View line) { return line.size() % 3 == 2; }).persist();
             return kept.map(owned).unionWith(kept.map(owned)).reduceByKey(std::plus<>());
         }},
        {"groupedLines", true,
         [](const Lines& lines) {
             return lines.map([](View line) { return std::pair(line.size(), line); })
                 .groupByKey()
                 .flatMap([](const auto& pair) {
                     std::vector<std::pair<std::string, std::int64_t>> made;
                     for (const View line : pair.second) made.push_back(owned(line));
                     return made;
                 })
                 .reduceByKey(std::plus<>());
         }},
        {"partitionsAtOnce", true,
         [](const Lines& lines) {
             return lines
                 .mapPartitions([](std::span<View> all) {
                     std::map<std::size_t, View> longest;
                     for (const View line : all) longest[line.size()] = line;
                     std::vector<View> made;
                     for (const auto& [size, line] : longest) made.push_back(line);
                     return made;
                 })
                 .map(owned)
                 .reduceByKey(std::plus<>());
         }},
        {"transformedLines", true,
         [](const Lines& lines) {
             return lines
                 .transform([](Batch<View>& batch) {
                     std::vector<std::string> made;
                     for (const View line : batch.collect()) made.emplace_back(line);
                     return made;
                 })
                 .map([](const std::string& line) { return std::pair(line, std::int64_t{1}); })
                 .reduceByKey(std::plus<>());
         }},
    };
    return all;
}

class LogQueue : public ::testing::TestWithParam<Case> {};

// Of each batch, what the job makes of its lines, and the lines themselves, collected at once.
TEST_P(LogQueue, GivesWhatABatchInMemoryWouldGive) {
    const auto burst = Burst::of(kBurstBytes, lineOf);
    const auto run = [&](const StreamingOptions& options, bool withLines) {
        Life life(options);
        std::mutex mutex;
        std::map<std::uint64_t, Counts> made;
        std::uint64_t seen = 0;
        const auto lines = life.context().listenTextStream("127.0.0.1", 0);
        GetParam().make(lines).forEachBatch([&](auto& batch) {
            Counts counts;
            batch.forEach([&](const auto& pair) { counts[pair.first] += pair.second; });
            std::lock_guard lock(mutex);
            made[batch.id()] = std::move(counts);
        });
        if (withLines)
            lines.forEachBatch([&](Batch<View>& batch) {
                std::uint64_t number = seen;
                const auto first = batch.take(2);
                for (const View line : batch.collect()) {
                    EXPECT_EQ(std::string(line) + "\n", lineOf(number)) << "line " << number;
                    if (::testing::Test::HasFailure()) return;
                    ++number;
                }
                if (!first.empty()) {
                    EXPECT_EQ(std::string(first[0]) + "\n", lineOf(seen));
                }
                seen = number;
            });
        life.start();
        receive(life, burst.text);
        if (::testing::Test::HasFatalFailure()) return std::pair(made, std::size_t{0});
        const auto batches = runAll(life, burst.text.size());
        life.context().stop();
        if (withLines) {
            EXPECT_EQ(seen, burst.lines);
        }
        return std::pair(made, batches);
    };
    TemporaryDirectory directory;
    auto small = burstOptions(directory / "small");
    const auto [made, batches] = run(small, false);
    if (HasFailure()) return;
    const std::size_t inMemory = burst.text.size() / small.maxBatchBytes;
    if (GetParam().holds || GetParam().name == std::string("viewsAsValues") ||
        GetParam().name == std::string("aFunctionThatRemembersLines"))
        EXPECT_GE(batches, inMemory) << "more than fits into memory was taken";
    else EXPECT_LE(batches, inMemory / 2 + 1) << "batches are no larger than memory";
    // The same with everything in memory; batches are cut in other places, so that only what adds
    // up over batches can be compared.
    Counts all;
    for (const auto& [id, counts] : made)
        for (const auto& [word, count] : counts) all[word] += count;
    const auto [withLines, ignored] = run(burstOptions(directory / "lines"), true);
    if (HasFailure()) return;
    const std::set<std::string> addsUp{"words",         "rareWordsOfManyBlocksInOneChunk",
                                       "filteredLines", "persistedLines",
                                       "groupedLines",  "transformedLines"};
    if (!addsUp.contains(GetParam().name)) return;
    Counts others, expected;
    for (const auto& [id, counts] : withLines)
        for (const auto& [word, count] : counts) others[word] += count;
    auto large = burstOptions(directory / "large");
    large.maxBatchBytes = 256 * kMebi;
    large.receiveBudgetBytes = 512 * kMebi;
    for (const auto& [id, counts] : run(large, false).first)
        for (const auto& [word, count] : counts) expected[word] += count;
    EXPECT_EQ(all, expected);
    EXPECT_EQ(others, expected);
}

INSTANTIATE_TEST_SUITE_P(Jobs, LogQueue, ::testing::ValuesIn(cases()),
                         [](const auto& job) { return std::string(job.param.name); });

Counts wordsOf(std::uint64_t from, std::uint64_t to) {
    Counts counts;
    for (std::uint64_t i = from; i < to; ++i) {
        const auto line = lineOf(i);
        for (std::size_t begin = 0; begin < line.size();) {
            const auto end = std::min(line.find_first_of(" \n", begin), line.size());
            if (end != begin) ++counts[line.substr(begin, end - begin)];
            begin = end + 1;
        }
    }
    return counts;
}

// Killed while a burst waits, and while the batches behind it are recorded and not in a checkpoint.
TEST(LogQueueLives, WhatWaitsInTheLogIsThereAfterAKill) {
    TemporaryDirectory directory;
    const auto burst = Burst::of(kBurstBytes, lineOf);
    Counts totals;
    std::mutex mutex;
    for (int life = 0; life < 4; ++life) {
        Life one(burstOptions(directory / "data"), fromMillis(100'000 * life));
        one.context()
            .listenTextStream("127.0.0.1", 0)
            .flatMap(splitWords)
            .map([](View word) { return std::pair(word, std::int64_t{1}); })
            .runningTotals("totals")
            .forEachBatch([&](auto& batch) {
                std::lock_guard lock(mutex);
                batch.forEach(
                    [&](const auto& pair) { totals[std::string(pair.first)] = pair.second; });
            });
        one.start();
        if (life == 0) receive(one, burst.text);
        if (HasFatalFailure()) return;
        if (life < 3) one.run(2);
        one.context().stop(life == 3);
    }
    EXPECT_EQ(totals, wordsOf(0, burst.lines));
}

std::size_t peakResidentBytes() {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
    return 0;
}

// A burst of so many bytes, in a process of its own, which sends to itself: its peak of resident
// memory; 0: it failed.
std::size_t peakOfBurst(std::size_t burstBytes) {
    TemporaryDirectory directory;
    int result[2];
    EXPECT_EQ(::pipe(result), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        core::setLogLevel(core::LogLevel::kError);
        auto opened = burstOptions(directory / "data");
        opened.stateCacheBytes = 8 * kMebi;
        opened.receiveBudgetBytes = 8 * kMebi;
        std::uint64_t words = 0;
        Life life(opened);
        life.context()
            .listenTextStream("127.0.0.1", 0)
            .flatMap(splitWords)
            .map([](View word) { return std::pair(word, std::int64_t{1}); })
            .reduceByKey(std::plus<>())
            .forEachBatch([&](auto& batch) {
                batch.forEach([&](const auto& pair) {
                    if (std::string_view(pair.first).starts_with("word"))
                        words += static_cast<std::uint64_t>(pair.second);
                });
            });
        life.start();
        TestClient client(life.context().boundPorts().front());
        std::uint64_t lines = 0, sent = 0;
        for (std::string text; sent < burstBytes; text.clear()) {
            while (text.size() < kMebi / 4) text += lineOf(lines++);
            if (!client.send(text)) ::_exit(2);
            sent += text.size();
        }
        client.finishSending();
        const bool all = within(kBurstTimeMax, [&] { return isReceived(life, sent); });
        if (!all) ::_exit(3);
        runAll(life, sent);
        life.context().stop();
        if (words != lines) ::_exit(4);
        const std::size_t peak = peakResidentBytes();
        if (::write(result[1], &peak, sizeof peak) != sizeof peak) ::_exit(5);
        ::_exit(0);
    }
    ::close(result[1]);
    std::size_t peak = 0;
    if (::read(result[0], &peak, sizeof peak) != sizeof peak) peak = 0;
    ::close(result[0]);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0)
        << "2: sending failed, 3: not all was taken in, 4: counted wrongly";
    return peak;
}

TEST(LogQueueMemory, IsFlatHoweverLongTheBurst) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer keeps freed memory and shadows of it";
#endif
    const auto small = peakOfBurst(32 * kMebi);
    const auto large = peakOfBurst(256 * kMebi);
    std::printf("peak of 32 MiB: %zu MiB, of 256 MiB: %zu MiB\n", small >> 20, large >> 20);
    EXPECT_LE(large, small + 16 * kMebi);
    // Budgets of receiving, of a batch, of changed state and cache; and the program itself.
    EXPECT_LE(large, (8 + 4 + 16 + 8 + 80) * kMebi);
}

}  // namespace
}  // namespace tidemill::test
