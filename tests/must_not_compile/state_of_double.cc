// expect: the function's result does not fit into the type of the values without loss
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, int>> pairs) {
    pairs.updateStateByKey<int>([](std::span<const int> values, std::optional<int>) {
        return std::optional(0.5 * values[0]);
    });
}
