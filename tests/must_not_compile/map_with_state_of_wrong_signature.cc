// expect: mapWithState takes f(const K& key
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return std::pair(w, 1); }).mapWithState<int>([](int) {
        return 1;
    });
}
