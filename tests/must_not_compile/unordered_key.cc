// expect: an unordered container has no stable order of bytes
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words
        .map([](const std::string& w) {
            return std::pair(std::unordered_map<int, int>{{1, 2}}, w);
        })
        .groupByKey();
}
