// expect: transform takes f(Batch<T>& batch) or f(batch, BatchTime) that returns a std::vector
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::int64_t> numbers) {
    numbers.transform([](std::vector<std::int64_t> all) { return all; });
}
