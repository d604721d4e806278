// expect: runningTotals adds numbers
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return std::pair(w, w); }).runningTotals("totals");
}
