// StateStream: what a stateful operator gives, and the operators that make one.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/operators/group_by_key.h"
#include "core/operators/reduce_by_key.h"
#include "tidemill/dstream.h"

namespace tidemill {

// The stream of (key, state) pairs that a stateful operator gives in each batch; see there which.
template <class K, class S>
class StateStream : public DStream<std::pair<K, S>> {
public:
    StateStream(DStream<std::pair<K, S>> seen, std::shared_ptr<state::BoundTable> table)
        : DStream<std::pair<K, S>>(std::move(seen)), table_(std::move(table)) {}

    // Every key that has state, also those the batch did not touch.
    DStream<std::pair<K, S>> all() const {
        requireNotStarted(*this->job(), "all");
        return {this->job(),
                this->job()->graph.add(std::make_shared<state::AllView<K, S>>(table_))};
    }

private:
    std::shared_ptr<state::BoundTable> table_;
};

namespace detail {

// Declares a state table that is found by `name` after a restart.
inline std::shared_ptr<state::BoundTable> declareTable(Job& job, std::string name,
                                                       std::string signature,
                                                       state::ValueKind kind, Duration slide) {
    auto bound = std::make_shared<state::BoundTable>();
    bound->slide = slide;
    job.states.push_back({std::move(name), std::move(signature),
                          [bound, kind](state::StateStore& store, core::OperatorId id) {
                              bound->table = &store.table(id, 0, kind);
                          }});
    return bound;
}

}  // namespace detail

template <class T>
template <class K, class V>
StateStream<K, V> DStream<T>::runningTotalsOf(std::string name) const {
    requireNotStarted(*job_, "runningTotals");
    auto once = node_;
    if (once->keyed() != core::Keyed::kRangedUnique)
        once = job_->graph.add(core::makeReduceByKey(node_, std::plus<>()));
    auto table = detail::declareTable(*job_, std::move(name),
                                      "runningTotals key=" + core::KeyCodec<K>::signature() +
                                          " value=" + core::ValueCodec<V>::signature(),
                                      state::kTotalsKind<V>, node_->slide());
    auto touched = std::make_shared<state::TouchedView<K, V>>(table);
    job_->graph.add(std::make_shared<state::RunningTotalsNode<K, V>>(once, table, touched));
    job_->graph.add(touched);
    return {DStream<std::pair<K, V>>(job_, touched), table};
}

template <class T>
template <class S, class K, class V, class F>
StateStream<K, S> DStream<T>::updateState(std::string name, F f, Visit visit) const {
    static_assert(detail::UpdateFunction<F, V, S>,
                  "updateStateByKey takes f(std::span<const V> newValues, std::optional<S> state) "
                  "that returns std::optional<S>");
    requireNotStarted(*job_, "updateStateByKey");
    auto grouped = job_->graph.add(core::makeGroupByKey(node_));
    auto table = detail::declareTable(*job_, std::move(name),
                                      "updateStateByKey key=" + core::KeyCodec<K>::signature() +
                                          " state=" + core::ValueCodec<S>::signature(),
                                      state::ValueKind::kBytes, node_->slide());
    if (visit == Visit::kTouchedKeys) {
        auto touched = std::make_shared<state::TouchedView<K, S>>(table);
        job_->graph.add(std::make_shared<state::UpdateTouchedNode<K, V, S, F>>(
            grouped, table, touched, std::move(f)));
        job_->graph.add(touched);
        return {DStream<std::pair<K, S>>(job_, touched), table};
    }
    job_->graph.add(
        std::make_shared<state::UpdateEveryKeyNode<K, V, S, F>>(grouped, table, std::move(f)));
    auto all = job_->graph.add(std::make_shared<state::AllView<K, S>>(table));
    return {DStream<std::pair<K, S>>(job_, all), table};
}

}  // namespace tidemill
