// What streams of pairs can do with a state for each key.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "tidemill/element_types.h"

namespace tidemill {

template <class T>
class DStream;
template <class K, class V>
class StateStream;

// Which keys updateStateByKey visits in a batch.
enum class Visit {
    kEveryKey,     // every key that has state or new values: Spark's meaning
    kTouchedKeys,  // keys with new values only; the others cost nothing
};

// A part of DStream<T>. Defined in tidemill/state_stream.h.
template <class T>
class StateOperations {
public:
    // For pairs: running totals of the values of each key, kept under `name` in the data directory
    // (empty: a derived one). The stream holds the keys touched in a batch with their new totals;
    // .all() every key. See StateStream for what else can be asked of it.
    auto runningTotals(std::string name = {}) const requires detail::isPair<T> {
        return runningTotalsOf<typename T::first_type, typename T::second_type>(std::move(name));
    }

    // For pairs: f(new values, optional state) -> optional state, or f(batch time, key, new values,
    // optional state); an empty result removes the key. The stream holds the keys visited, with
    // their states.
    template <class S, class F>
    requires(detail::isPair<T> && !detail::UpdatesPair<F, T, S>) TIDEMILL_REFUSED(
        "updateStateByKey takes f(std::span<const V> newValues, std::optional<S> "
        "state), or f(BatchTime, const K&, span, optional), that returns "
        "std::optional<S>")
    void updateStateByKey(std::string, F, Visit = Visit::kEveryKey) const {}
    template <class S, class F>
    auto updateStateByKey(std::string name, F f, Visit visit = Visit::kEveryKey)
        const requires detail::UpdatesPair<F, T, S> {
        return updateState<S, typename T::first_type, typename T::second_type>(std::move(name),
                                                                               std::move(f), visit);
    }

    // The same without a name; see StateStream::named.
    template <class S, class F>
    requires(!std::convertible_to<F, std::string> && detail::isPair<T> &&
             !detail::UpdatesPair<F, T, S>)
        TIDEMILL_REFUSED(
            "updateStateByKey takes f(std::span<const V> newValues, std::optional<S> "
            "state), or f(BatchTime, const K&, span, optional), that returns "
            "std::optional<S>")
    void updateStateByKey(F, Visit = Visit::kEveryKey) const {}
    template <class S, class F>
    requires(!std::convertible_to<F, std::string> &&
             detail::UpdatesPair<F, T, S>) auto updateStateByKey(F f, Visit visit =
                                                                          Visit::kEveryKey) const {
        return updateStateByKey<S>(std::string(), std::move(f), visit);
    }

    // For pairs: f(key, optional value, State<S>&) -> E or optional E, or the same with the batch's
    // time first, called for each record in the order in which those of its key came. The stream
    // holds what the calls made; for names, timeouts and initial states see MapWithStateStream.
    template <class S, class F>
    requires detail::MapsPairWithState<F, T, S>
    auto mapWithState(F f) const;
    template <class S, class F>
    requires(detail::isPair<T> && !detail::MapsPairWithState<F, T, S>) TIDEMILL_REFUSED(
        "mapWithState takes f(const K& key, std::optional<V> value, State<S>& state), "
        "or f(BatchTime, const K&, optional, State&), that returns an element or an "
        "optional")
    void mapWithState(F) const {}

private:
    const DStream<T>& self() const { return static_cast<const DStream<T>&>(*this); }

    template <class K, class V>
    StateStream<K, V> runningTotalsOf(std::string name) const;
    template <class S, class K, class V, class F>
    StateStream<K, S> updateState(std::string name, F f, Visit visit) const;
};

}  // namespace tidemill
