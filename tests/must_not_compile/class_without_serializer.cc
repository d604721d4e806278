// expect: cereal could not find any output serialization functions
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    struct Point {
        int x, y;
    };
    words.map([](const std::string&) {
             return std::pair(1, Point{1, 2});
         })
        .reduceByKeyAndWindow([](Point a, Point) { return a; }, 2s);
}
