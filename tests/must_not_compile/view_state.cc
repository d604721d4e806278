// expect: a state is kept: its type must own its bytes
#include <unordered_map>

#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.map([](const std::string& w) { return std::pair(w, 1); })
        .mapWithState<std::string_view>(
            [](const std::string&, std::optional<int>, State<std::string_view>&) { return 1; });
}
