// expect: flatMap takes f(x), of an element of the stream, that returns a range
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string_view> words) {
    words.flatMap([](std::string_view word) { return word.size(); });
}
