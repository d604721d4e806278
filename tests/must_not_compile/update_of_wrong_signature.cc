// expect: updateStateByKey takes f(std::span<const V> newValues
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return std::pair(w, 1); })
        .updateStateByKey<int>([](int, int) { return 1; });
}
