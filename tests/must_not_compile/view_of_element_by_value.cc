// expect: the function takes its element by value, and what it makes may hold views into it
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](std::string word) -> std::string_view { return word; });
}
