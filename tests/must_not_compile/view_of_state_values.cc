// expect: what the function makes may hold views of elements that are gone
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<int, std::string>> pairs) {
    pairs.mapWithState<int>([](int, const std::optional<std::string>& value, State<int>&) {
        return std::string_view(*value);
    });
}
