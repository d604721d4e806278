// The control: what the others do wrong, done right, so that they fail for their own reason.
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    const auto pairs = words.map([](const std::string& w) { return std::pair(w, 1); });
    pairs.groupByKey();
    pairs.updateStateByKey<int>([](std::span<const int>, std::optional<int> s) { return s; });
    pairs.mapWithState<std::string>(
        [](const std::string& key, std::optional<int>, State<std::string>&) { return key; });
    pairs.reduceByKeyAndWindow(std::plus<int>(), 2s);
    pairs.runningTotals("totals");
}
