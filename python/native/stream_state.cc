// The operations of state.
#include <stdexcept>
#include <utility>

#include "python/native/accumulators.h"
#include "python/native/key_codec.h"
#include "python/native/steps.h"
#include "python/native/stream.h"
#include "state/operators/map_with_state.h"
#include "state/operators/update_state_by_key.h"
#include "tidemill/state_stream.h"

namespace tidemill::python {
namespace {

using Key = std::string_view;
using AllStates = state::AllView<Key, Entry>;

std::string signature() {
    return "key=" + core::KeyCodec<Key>::signature() +
           " state=" + core::ValueCodec<Entry>::signature();
}

// What a function of state adds while it is called for a key.
class KeyAdds {
public:
    KeyAdds(std::uint32_t place, Key key)
        : scope_(AddScope::Of::kElements, place, core::keyRangeOf(core::keyGroup(key))) {}
    void keep() { scope_.keep(); }

private:
    AddScope scope_;
};

struct Update {
    Function function;
    std::uint32_t place;
    core::FunctionIdentity identity() const { return function.identity(); }

    std::optional<Entry> operator()(BatchTime, const Key& key, std::span<const Entry> values,
                                    std::optional<Entry> state) const {
        const GilScope gil;
        // One entry, with the list of the values; or none.
        const Object list = values.empty() ? orThrow(PyList_New(0)) : values.front().value;
        Entry after{state ? std::move(state->key) : values.front().key, {}};
        KeyAdds adds(place, key);
        after.value = function(list.get(), state ? state->value.get() : Py_None);
        adds.keep();
        if (after.value.get() == Py_None) return std::nullopt;
        return after;
    }
};

struct Mapping {
    Function function;
    std::uint32_t place;
    core::FunctionIdentity identity() const { return function.identity(); }

    Object operator()(const Key& bytes, std::optional<Entry> values, State<Entry>& state) const {
        const GilScope gil;
        Object kept;
        if (state.exists()) kept = state.get().key;
        else if (values) kept = values->key;
        const Object key = keyOf(bytes, kept);
        const bool had = state.exists();
        PyObject* arguments[] = {nullptr, key.get(), values ? values->value.get() : Py_None,
                                 had ? state.get().value.get() : Py_None, had ? Py_True : Py_False};
        KeyAdds adds(place, bytes);
        const auto answer = function.call(arguments + 1, 4);
        adds.keep();
        PyObject *made = nullptr, *after = nullptr;
        int changed = 0, has = 0;
        if (!PyArg_ParseTuple(answer.get(), "OppO", &made, &changed, &has, &after))
            throwPythonError();
        if (values && changed != 0) {
            if (has != 0) state.update(Entry{kept, Object::borrowed(after)});
            else state.remove();
        }
        return Object::borrowed(made);
    }
};

void setInitial(Job& job, const detail::DeclaredState& declared, const Stream::Initial& initial) {
    core::Arena arena;
    for (const auto& [key, value] : initial) {
        std::string bytes;
        core::ValueCodec<Entry>::encode(Entry{key, value}, bytes);
        declared.initial(job, std::string(keyBytes(key.get(), arena)), std::move(bytes));
    }
}

}  // namespace

Stream::Ptr Stream::updateStateByKey(Function function, const std::string& name,
                                     const Initial& initial) {
    const char* const kind = "updateStateByKey";
    requireNotStarted(*job_, kind);
    const auto groups =
        add(kind, std::make_shared<StepNode<Pair, Grouped>>("groups", grouped(kind), asGroup(),
                                                            core::Keyed::kRangedUnique));
    const detail::DeclaredState declared(*job_, kind, name, signature(), state::ValueKind::kBytes,
                                         groups->slide());
    setInitial(*job_, declared, initial);
    using Node = state::UpdateEveryKeyNode<Key, Entry, Entry, Update>;
    const auto node = add(kind, std::make_shared<Node>(groups, declared.table(),
                                                       Update{std::move(function), place()}));
    const auto all = add(kind, std::make_shared<AllStates>(declared.table()));
    declared.madeBy(*job_, *node);
    all->setOrigin(*node);
    return made(PairNode(all));
}

std::pair<Stream::Ptr, Stream::Ptr> Stream::mapWithState(Function function, const std::string& name,
                                                         const Initial& initial,
                                                         std::int64_t timeoutMillis) {
    const char* const kind = "mapWithState";
    requireNotStarted(*job_, kind);
    const auto groups =
        add(kind, std::make_shared<StepNode<Pair, Grouped>>("groups", grouped(kind), asGroup(),
                                                            core::Keyed::kRangedUnique));
    const detail::DeclaredState declared(*job_, kind, name, signature(), state::ValueKind::kBytes,
                                         groups->slide());
    setInitial(*job_, declared, initial);
    if (timeoutMillis != 0) declared.ttl(*job_, Duration(timeoutMillis));
    using Node = state::MapWithStateNode<Key, Entry, Entry, Mapping>;
    const auto node = add(kind, std::make_shared<Node>(groups, declared.table(),
                                                       Mapping{std::move(function), place()}));
    declared.madeBy(*job_, *node);
    const auto elements =
        add(kind, std::make_shared<StepNode<Object, Object>>("elements", node, flatten()));
    const auto all = add(kind, std::make_shared<AllStates>(declared.table(), "stateSnapshots"));
    all->setOrigin(*node);
    return {made(ObjectNode(elements)), made(PairNode(all))};
}

}  // namespace tidemill::python
