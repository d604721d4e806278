// StateStream: what a stateful operator gives, and the operators that make one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/operators/once_per_key.h"
#include "state/operators/map_with_state.h"
#include "state/operators/running_totals.h"
#include "state/operators/update_state_by_key.h"
#include "tidemill/dstream.h"

namespace tidemill {

namespace detail {

// A state table as it is declared: found by its operator's name after a restart.
class DeclaredState {
public:
    // An empty name: a derived one.
    DeclaredState(Job& job, const char* operation, std::string name, const std::string& types,
                  state::ValueKind kind, Duration slide);

    const std::shared_ptr<state::BoundTable>& table() const { return table_; }
    // The operator that makes the state: set once, then asked for.
    void madeBy(Job& job, const core::Node& node) const;
    const core::Node& node(const Job& job) const;
    // For the functions of StateStream of these names.
    void named(Job& job, std::string name) const;
    void ttl(Job& job, Duration idle) const;
    void initial(Job& job, std::string key, std::string value) const;

private:
    std::shared_ptr<state::BoundTable> table_;
    std::size_t place_;  // in Job::states
    state::ValueKind kind_;
};

template <class K, class S>
void setInitialState(Job& job, const DeclaredState& state,
                     const std::vector<std::pair<K, S>>& initial) {
    for (const auto& [key, value] : initial) {
        std::string keyBytes, valueBytes;
        core::KeyCodec<K>::encode(key, keyBytes);
        core::ValueCodec<S>::encode(value, valueBytes);
        state.initial(job, std::move(keyBytes), std::move(valueBytes));
    }
}

}  // namespace detail

// The stream of (key, state) pairs that a stateful operator gives in each batch; see there which.
// What the functions below set holds for the operator; they are called before start().
template <class K, class S>
class StateStream : public DStream<std::pair<K, S>> {
public:
    StateStream(DStream<std::pair<K, S>> seen, detail::DeclaredState state)
        : DStream<std::pair<K, S>>(std::move(seen)), state_(std::move(state)) {}

    // Every key that has state, also those the batch did not touch.
    DStream<std::pair<K, S>> all() const {
        requireNotStarted(*this->job(), "all");
        auto view = this->job()->graph.add(std::make_shared<state::AllView<K, S>>(state_.table()));
        view->setOrigin(state_.node(*this->job()));
        return {this->job(), std::move(view)};
    }

    // The name under which the state is found again after a restart. Without one it is derived
    // from the order of the declarations, and found as long as that order stays.
    StateStream named(std::string name) const {
        state_.named(*this->job(), std::move(name));
        return *this;
    }

    // A key that had no record for longer than `idle` loses its state, silently. Costs some work
    // for each touched key; none for the others.
    StateStream ttl(Duration idle) const {
        state_.ttl(*this->job(), idle);
        return *this;
    }

    // The states that the operator begins with when the data directory has no state of it yet; else
    // they are not taken, and the log says so. Not for runningTotals.
    StateStream initialState(const std::vector<std::pair<K, S>>& initial) const {
        detail::setInitialState(*this->job(), state_, initial);
        return *this;
    }

private:
    detail::DeclaredState state_;
};

// The stream of what a mapWithState function made.
template <class E, class K, class S>
class MapWithStateStream : public DStream<E> {
public:
    MapWithStateStream(DStream<E> made, detail::DeclaredState state)
        : DStream<E>(std::move(made)), state_(std::move(state)) {}

    // (key, state) of every key that has state, after the batch.
    DStream<std::pair<K, S>> stateSnapshots() const {
        requireNotStarted(*this->job(), "stateSnapshots");
        auto view = this->job()->graph.add(
            std::make_shared<state::AllView<K, S>>(state_.table(), "stateSnapshots"));
        view->setOrigin(state_.node(*this->job()));
        return {this->job(), std::move(view)};
    }

    // As in StateStream.
    MapWithStateStream named(std::string name) const {
        state_.named(*this->job(), std::move(name));
        return *this;
    }

    // A key without a record for longer than `idle` is out: the function is called once more, with
    // no value and State::isTimingOut(), and the state is gone. Looked after in every batch, at a
    // cost that follows the keys that were touched and those that time out.
    MapWithStateStream timeout(Duration idle) const {
        state_.ttl(*this->job(), idle);
        return *this;
    }

    // As in StateStream.
    MapWithStateStream initialState(const std::vector<std::pair<K, S>>& initial) const {
        detail::setInitialState(*this->job(), state_, initial);
        return *this;
    }

private:
    detail::DeclaredState state_;
};

template <class T>
template <class K, class V>
StateStream<K, V> StateOperations<T>::runningTotalsOf(std::string name) const {
    requireNotStarted(*self().job(), "runningTotals");
    auto once = core::reducedOncePerKey(self().job()->graph, self().node(), std::plus<V>());
    const detail::DeclaredState state(
        *self().job(), "runningTotals", std::move(name),
        "key=" + core::KeyCodec<K>::signature() + " value=" + core::ValueCodec<V>::signature(),
        state::kTotalsKind<V>, self().node()->slide());
    const auto& table = state.table();
    auto touched = std::make_shared<state::TouchedView<K, V>>(table);
    const auto node = self().job()->graph.add(
        std::make_shared<state::RunningTotalsNode<K, V>>(once, table, touched));
    self().job()->graph.add(touched);
    state.madeBy(*self().job(), *node);
    touched->setOrigin(*node);
    return {DStream<std::pair<K, V>>(self().job(), touched), state};
}

template <class T>
template <class S, class K, class V, class F>
StateStream<K, S> StateOperations<T>::updateState(std::string name, F f, Visit visit) const {
    static_assert(core::StorableValue<S>,
                  "a state is kept: its type must own its bytes "
                  "(std::string, not std::string_view) and be storable");
    core::requireLossless<detail::UpdateResult<F, K, V, S>, std::optional<S>>();
    requireNotStarted(*self().job(), "updateStateByKey");
    auto grouped = core::groupedOncePerKey(self().job()->graph, self().node());
    const detail::DeclaredState state(
        *self().job(), "updateStateByKey", std::move(name),
        "key=" + core::KeyCodec<K>::signature() + " state=" + core::ValueCodec<S>::signature(),
        state::ValueKind::kBytes, self().node()->slide());
    const auto& table = state.table();
    if (visit == Visit::kTouchedKeys) {
        auto touched = std::make_shared<state::TouchedView<K, S>>(table);
        const auto node =
            self().job()->graph.add(std::make_shared<state::UpdateTouchedNode<K, V, S, F>>(
                grouped, table, touched, std::move(f)));
        self().job()->graph.add(touched);
        state.madeBy(*self().job(), *node);
        touched->setOrigin(*node);
        return {DStream<std::pair<K, S>>(self().job(), touched), state};
    }
    const auto node = self().job()->graph.add(
        std::make_shared<state::UpdateEveryKeyNode<K, V, S, F>>(grouped, table, std::move(f)));
    auto all = self().job()->graph.add(std::make_shared<state::AllView<K, S>>(table));
    state.madeBy(*self().job(), *node);
    all->setOrigin(*node);
    return {DStream<std::pair<K, S>>(self().job(), all), state};
}

template <class T>
template <class S, class F>
requires detail::MapsPairWithState<F, T, S>
auto StateOperations<T>::mapWithState(F f) const {
    using K = typename detail::PairOf<T>::Key;
    using V = typename detail::PairOf<T>::Value;
    static_assert(core::StorableValue<S>,
                  "a state is kept: its type must own its bytes "
                  "(std::string, not std::string_view) and be storable");
    requireNotStarted(*self().job(), "mapWithState");
    auto grouped = core::groupedOncePerKey(self().job()->graph, self().node());
    const detail::DeclaredState state(
        *self().job(), "mapWithState", {},
        "key=" + core::KeyCodec<K>::signature() + " state=" + core::ValueCodec<S>::signature(),
        state::ValueKind::kBytes, self().node()->slide());
    using E = state::Emitted<K, V, S, F>;
    core::requireOwnBytes<E, V>();
    if constexpr (!core::StorableViews<E>) core::requireOwnBytes<E, std::pair<K, S>>();
    auto node = self().job()->graph.add(std::make_shared<state::MapWithStateNode<K, V, S, F>>(
        grouped, state.table(), std::move(f)));
    state.madeBy(*self().job(), *node);
    return MapWithStateStream<E, K, S>(DStream<E>(self().job(), node), state);
}

}  // namespace tidemill
