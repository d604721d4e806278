// expect: filter takes f(x), of an element of the stream, that returns a bool
// lines: 12
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::int64_t> numbers) {
    numbers.filter([](std::string text) { return text.empty(); });
}
