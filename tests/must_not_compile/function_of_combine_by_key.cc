// expect: combineByKey takes create(value) -> C, mergeValue(C, value) -> C and mergeCombiners(C, C)
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, std::int64_t>> pairs) {
    pairs.combineByKey([](std::int64_t v) { return std::to_string(v); },
                       [](std::int64_t a, std::int64_t b) { return a + b; },
                       [](std::string a, std::string b) { return a + b; });
}
