// expect: the function takes its element by value, and what it makes may hold views into it
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return std::pair(w.size(), w); })
        .groupByKey()
        .flatMapValues([](auto values) {
            return std::vector<std::string_view>(values.begin(), values.end());
        });
}
