// course_words PORT DIRECTORY LINES [COUNTS]: the word count that courses begin with, as a C++
// program, for python_words.py: dials PORT, and ends when LINES lines are counted. Prints the
// seconds from the start on; with COUNTS writes "word<tab>count" of all batches to that file.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <string>

#include "tidemill/tidemill.h"

using namespace tidemill;

int main(int count, char** arguments) {
    if (count < 4) {
        std::fprintf(stderr, "usage: course_words PORT DIRECTORY LINES [COUNTS]\n");
        return 2;
    }
    const std::uint64_t wanted = std::strtoull(arguments[3], nullptr, 10);
    StreamingContext ssc(arguments[2], 1s);
    const auto counts =
        ssc.socketTextStream("localhost", static_cast<std::uint16_t>(std::atoi(arguments[1])))
            .flatMap(splitWords)
            .map([](std::string_view word) { return std::pair(word, 1L); })
            .reduceByKey(std::plus<>());
    std::map<std::string, long> all;
    if (count > 4)
        counts.forEachBatch([&all](Batch<std::pair<std::string_view, long>>& batch) {
            batch.forEach([&](const auto& pair) { all[std::string(pair.first)] += pair.second; });
        });
    else counts.print();

    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t lines = 0;
    ssc.onBatchCompleted([&](const BatchInfo& batch) {
        const std::lock_guard lock(mutex);
        lines += batch.records();
        changed.notify_all();
    });
    const auto begin = std::chrono::steady_clock::now();
    ssc.start();
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return lines >= wanted; });
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    ssc.stop(false);
    std::fprintf(stderr, "seconds %.6f\n", took.count());
    if (count > 4) {
        std::ofstream out(arguments[4]);
        for (const auto& [word, number] : all) out << word << '\t' << number << '\n';
    }
    return 0;
}
