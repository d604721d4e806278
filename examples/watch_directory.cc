// Counts the words of the files that are moved into a directory, and keeps the ten most frequent
// ones of each batch in sight.
//
//   watch_directory DIRECTORY [DATA-DIRECTORY]
#include <tidemill/tidemill.h>

#include <algorithm>
#include <iostream>

using namespace tidemill;

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: watch_directory DIRECTORY [DATA-DIRECTORY]\n";
        return 2;
    }
    StreamingContext ssc(argc > 2 ? argv[2] : "./watched.data", 1s);
    using Count = std::pair<std::string_view, std::int64_t>;
    ssc.textFileStream(argv[1])
        .flatMap(splitWords)
        .countByValue()
        .transform([](const Batch<Count>& batch) {
            auto counts = batch.collect();
            std::sort(counts.begin(), counts.end(), [](const Count& a, const Count& b) {
                return a.second != b.second ? a.second > b.second : a.first < b.first;
            });
            return counts;
        })
        .print(10);
    return ssc.runUntilStopped();  // Ctrl-C or SIGTERM: what was received is processed first
}
