// expect: they must own their bytes
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string&) { return std::pair(1, std::string_view("text")); })
        .reduceByKeyAndWindow([](std::string_view a, std::string_view) { return a; }, 2s);
}
