// expect: reduceByKeyAndWindow takes f(a, b), of two values of a key, that returns one of the same
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, std::int64_t>> pairs) {
    pairs.reduceByKeyAndWindow([](std::string a, std::string b) { return a + b; }, 10s, 1s);
}
