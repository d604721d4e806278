// expect: State::update: the value does not fit into the type of the state without loss
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, long>> pairs) {
    pairs.mapWithState<int>([](const std::string&, std::optional<long> value, State<int>& state) {
        state.update(value.value_or(0));
        return state.get();
    });
}
