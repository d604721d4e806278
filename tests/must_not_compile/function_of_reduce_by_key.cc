// expect: reduceByKey takes f(a, b), of two values of a key, that returns one of the same type
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, std::int64_t>> pairs) {
    pairs.reduceByKey([](std::int64_t a) { return a; });
}
