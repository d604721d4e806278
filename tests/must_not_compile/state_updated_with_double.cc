// expect: State::update: the value does not fit into the type of the state without loss
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<std::string, int>> pairs) {
    pairs.mapWithState<int>([](const std::string&, std::optional<int> value, State<int>& state) {
        state.update(state.getOption().value_or(0) + 0.5 * value.value_or(0));
        return state.get();
    });
}
