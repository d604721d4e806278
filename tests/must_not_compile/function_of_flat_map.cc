// expect: flatMap takes f(x), of an element of the stream, that returns a range
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::int64_t> numbers) {
    numbers.flatMap([](std::string text) { return std::vector{text}; });
}
