// expect: a state is kept: its type must own its bytes
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return std::pair(w, 1); })
        .updateStateByKey<const char*>(
            [](std::span<const int>, std::optional<const char*> before) { return before; });
}
