// expect: the function takes its element by value, and what it makes may hold views into it
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.flatMap<std::string_view>(
        [](std::string line, Emit<std::string_view>& emit) { splitWords(line, emit); });
}
