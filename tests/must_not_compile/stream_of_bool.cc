// expect: there are no streams of bool
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return w.empty(); });
}
