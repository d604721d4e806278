// expect: values that are reduced either own their bytes or hold views, not both
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<int, std::pair<std::string, std::string_view>>> pairs) {
    pairs.reduceByKey([](const auto& a, const auto&) { return a; });
}
