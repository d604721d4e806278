// expect: the function is mutable and returns views
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string_view> words) {
    words.map([buffer = std::string()](std::string_view word) mutable -> std::string_view {
        buffer = word;
        return buffer;
    });
}
