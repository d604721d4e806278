// expect: the function's result does not fit into the type of the values without loss
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<int, std::string_view>> pairs) {
    pairs.reduceByKey([](std::string_view a, std::string_view b) {
        return std::string(a) + "," + std::string(b);
    });
}
