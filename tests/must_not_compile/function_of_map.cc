// expect: map takes f(x), of an element of the stream, that returns the new element
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::int64_t> numbers) {
    numbers.map([](std::string text) { return text; });
}
