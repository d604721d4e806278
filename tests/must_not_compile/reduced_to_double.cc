// expect: the function's result does not fit into the type of the values without loss
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, int>> pairs) {
    pairs.reduceByKey([](int a, int b) { return 0.5 * (a + b); });
}
