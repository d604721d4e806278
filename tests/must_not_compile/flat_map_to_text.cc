// expect: the function returns one text, which would be taken apart into characters
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string_view> words) {
    words.flatMap([](std::string_view word) { return std::string(word); });
}
