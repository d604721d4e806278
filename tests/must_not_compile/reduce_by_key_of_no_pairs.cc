// expect: isPair
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.reduceByKey([](const std::string& a, const std::string&) { return a; });
}
