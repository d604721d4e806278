// expect: the function must return a range of elements
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string_view> words) {
    words.flatMap([](std::string_view word) { return word.size(); });
}
