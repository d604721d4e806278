// expect: forEachBatch takes f(Batch<T>& batch) or f(batch, BatchTime)
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::int64_t> numbers) {
    numbers.forEachBatch([](std::int64_t number) { (void)number; });
}
