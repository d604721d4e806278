// expect: remember keeps elements after their batch
#include "tidemill/tidemill.h"

using namespace tidemill;

struct Word {
    std::string_view text;
    int line = 0;
};

void declare(DStream<std::string_view> words) {
    words.map([](std::string_view word) { return Word{word}; }).remember(10s);
}
