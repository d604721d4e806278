// expect: mapValues takes f(value) that returns the new value
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, std::int64_t>> pairs) {
    pairs.mapValues([](std::pair<std::string, std::int64_t> pair) { return pair.second; });
}
