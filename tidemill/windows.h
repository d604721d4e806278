// The windows of DStream; what each means is said there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/operators/once_per_key.h"
#include "state/operators/cut_window.h"
#include "state/operators/inverse_window.h"
#include "state/operators/remember.h"
#include "state/operators/sum_window.h"
#include "state/operators/tumbling_window.h"
#include "state/operators/window.h"
#include "tidemill/dstream.h"

namespace tidemill {
namespace detail {

// The times of a window over a stream of slide `parent` (0: of every batch); `slide` 0: as the
// stream. Throws std::invalid_argument when they are no multiples of it.
state::WindowTimes windowTimes(const Job& job, const char* operation, Duration parent,
                               Duration window, Duration slide);

// Throws std::invalid_argument unless `length` is longer than nothing and at most kDurationMax.
void requireLength(const char* operation, const char* what, Duration length);

// Declares the tables of a window that is found by `name` (empty: a derived one) after a restart.
// `parent`: the slide of the stream it is over, 0: it has every batch.
std::shared_ptr<state::WindowTables> declareWindow(
    Job& job, const char* operation, std::string name, const std::string& types,
    const state::WindowTimes& times, Duration parent,
    state::ValueKind kind = state::ValueKind::kBytes);

template <class K, class V, class Strategy>
std::string windowSignature() {
    return std::string(Strategy::kForm) + " key=" + core::KeyCodec<K>::signature() + " " +
           Strategy::kRows + "=" + core::ValueCodec<V>::signature();
}

// `once`: pairs whose keys lie in their ranges, each once a batch.
template <class K, class V, class Strategy, class View, class Keep = state::KeepAll>
DStream<std::pair<K, V>> addKeyedWindow(const std::shared_ptr<Job>& job, const char* operation,
                                        std::shared_ptr<core::StreamNode<std::pair<K, V>>> once,
                                        const state::WindowTimes& times, std::string name,
                                        Strategy strategy, View view, Keep keep = {},
                                        state::ValueKind kind = state::ValueKind::kBytes) {
    static_assert(core::StorableValue<V>,
                  "a window keeps its values: they must own their bytes (std::string, not "
                  "std::string_view) and be storable");
    auto tables = declareWindow(*job, operation, std::move(name), windowSignature<K, V, Strategy>(),
                                times, once->slide(), kind);
    const auto node = job->graph.add(std::make_shared<state::KeyedWindowNode<K, V, Strategy>>(
        operation, std::move(once), tables, times, std::move(strategy)));
    job->states.back().node = node.get();
    auto allView = job->graph.add(std::make_shared<state::AllView<K, V, View, Keep>>(
        tables, operation, std::move(view), std::move(keep)));
    allView->setOrigin(*node);
    return {job, std::move(allView)};
}

template <class K, class V, class F>
DStream<std::pair<K, V>> addPlainWindow(const DStream<std::pair<K, V>>& pairs,
                                        const char* operation, F f, Duration length, Duration slide,
                                        std::string name) {
    const auto& job = pairs.job();
    requireNotStarted(*job, operation);
    const auto times = windowTimes(*job, operation, pairs.node()->slide(), length, slide);
    auto once = core::reducedOncePerKey(job->graph, pairs.node(), f);
    if (times.panes == 1)
        return addKeyedWindow<K, V>(job, operation, once, times, std::move(name),
                                    state::TumblingWindow<V, F>{f}, state::StoredState<V>());
    using Cut = state::CutWindow<V, F>;
    return addKeyedWindow<K, V>(job, operation, once, times, std::move(name), Cut{f},
                                typename Cut::Value{f});
}

template <class K, class V, class F, class Inverse, class Filter>
DStream<std::pair<K, V>> addInverseWindow(const DStream<std::pair<K, V>>& pairs,
                                          const char* operation, F f, Inverse inverse,
                                          Duration length, Duration slide, Filter filter,
                                          std::string name) {
    const auto& job = pairs.job();
    requireNotStarted(*job, operation);
    const auto times = windowTimes(*job, operation, pairs.node()->slide(), length, slide);
    core::requireLossless<std::invoke_result_t<Inverse&, V, V>, V>();
    auto once = core::reducedOncePerKey(job->graph, pairs.node(), f);
    if constexpr (std::is_integral_v<V> && state::kIsPlus<F, V> && state::kIsMinus<Inverse, V>) {
        return addKeyedWindow<K, V>(job, operation, once, times, std::move(name),
                                    state::SumWindow<K, V, Filter>{filter}, state::StoredState<V>(),
                                    filter, state::ValueKind::kSum);
    }
    using Window = state::InverseWindow<K, V, F, Inverse, Filter>;
    return addKeyedWindow<K, V>(job, operation, once, times, std::move(name),
                                Window{f, std::move(inverse), filter}, typename Window::Value(),
                                filter);
}

}  // namespace detail

// A stream whose last batches can be looked at, from any thread.
template <class T>
class RememberedStream : public DStream<T> {
public:
    RememberedStream(DStream<T> stream, std::shared_ptr<state::RememberNode<T>> node)
        : DStream<T>(std::move(stream)), remembered_(std::move(node)) {}

    // The remembered batches from `from` to `to`, both inclusive and rounded down to batch times,
    // oldest first; elements own their bytes. Throws std::logic_error before the context's start(),
    // std::out_of_range for batches that were dropped for want of room (maxRememberedBytes).
    std::vector<state::RememberedBatch<T>> slice(BatchTime from, BatchTime to) const {
        if (!this->job()->started)
            throw std::logic_error(
                "slice: the context has not started, so there are no batches yet; "
                "call start() first");
        return remembered_->slice(from, to);
    }

private:
    std::shared_ptr<state::RememberNode<T>> remembered_;
};

template <class T>
RememberedStream<T> WindowOperations<T>::remember(Duration length) const {
    static_assert(!core::kMayHoldViews<state::Owned<T>>,
                  "remember keeps elements after their batch: their type must own its bytes, or be "
                  "made of pairs, tuples, optionals, vectors and arrays of std::string_view; of a "
                  "class that owns its bytes, say so with tidemill::kOwnsItsBytes");
    requireNotStarted(*self().job(), "remember");
    detail::requireLength("remember", "how long batches are remembered", length);
    self().job()->remembers = true;
    const auto step = self().job()->slideOf(*self().node());
    auto node = self().job()->graph.add(std::make_shared<state::RememberNode<T>>(
        self().node(), length, step, self().job()->rememberedBytesMax));
    return {self(), std::move(node)};
}

template <class T>
DStream<T> WindowOperations<T>::window(Duration length, Duration slide, std::string name) const {
    static_assert(core::StorableValue<state::Owned<T>>,
                  "a window keeps its elements: give their type a serialize function");
    requireNotStarted(*self().job(), "window");
    const auto times =
        detail::windowTimes(*self().job(), "window", self().node()->slide(), length, slide);
    auto tables = detail::declareWindow(*self().job(), "window", std::move(name),
                                        "element=" + core::ValueCodec<state::Owned<T>>::signature(),
                                        times, self().node()->slide());
    auto made = detail::added(self().job(),
                              std::make_shared<state::WindowNode<T>>(self().node(), tables, times),
                              "window");
    self().job()->states.back().node = made.node().get();
    return made;
}

template <class T>
template <class F>
requires(detail::isPair<T>&&
             detail::Reduces<F, typename detail::PairOf<T>::Value>) auto WindowOperations<T>::
    reduceByKeyAndWindow(F f, Duration length, Duration slide, std::string name) const {
    return detail::addPlainWindow(self(), "reduceByKeyAndWindow", std::move(f), length, slide,
                                  std::move(name));
}

template <class T>
template <class F, class Inverse, class Filter>
requires detail::InverseWindow<T, F, Inverse, Filter>
auto WindowOperations<T>::reduceByKeyAndWindow(F f, Inverse inverse, Duration length,
                                               Duration slide, Filter filter,
                                               std::string name) const {
    return detail::addInverseWindow(self(), "reduceByKeyAndWindow", std::move(f),
                                    std::move(inverse), length, slide, std::move(filter),
                                    std::move(name));
}

template <class T>
auto WindowOperations<T>::groupByKeyAndWindow(Duration length, Duration slide,
                                              std::string name) const requires detail::isPair<T> {
    using K = typename detail::PairOf<T>::Key;
    using Value = state::Owned<typename detail::PairOf<T>::Value>;
    using V = std::vector<Value>;
    const char* kind = "groupByKeyAndWindow";
    requireNotStarted(*self().job(), kind);
    const auto times =
        detail::windowTimes(*self().job(), kind, self().node()->slide(), length, slide);
    const auto append = [](const V& held, const V& entering) {
        V all(held);
        all.insert(all.end(), entering.begin(), entering.end());
        return all;
    };
    // What leaves came first.
    const auto dropFirst = [](const V& held, const V& leaving) {
        const auto count = std::min(held.size(), leaving.size());
        return V(held.begin() + static_cast<std::ptrdiff_t>(count), held.end());
    };
    const auto notEmpty = [](const std::pair<K, V>& group) { return !group.second.empty(); };
    auto owned = self().mapValues(
        [](const typename detail::PairOf<T>::Value& value) { return state::toOwned(value); });
    auto once = core::groupedOncePerKey(self().job()->graph, owned.node());
    using Window =
        state::InverseWindow<K, V, decltype(append), decltype(dropFirst), decltype(notEmpty)>;
    return detail::addKeyedWindow<K, V>(self().job(), kind, once, times, std::move(name),
                                        Window{append, dropFirst, notEmpty},
                                        typename Window::Value());
}

template <class T>
DStream<std::pair<T, std::int64_t>> WindowOperations<T>::countByValueAndWindow(
    Duration length, Duration slide, std::string name) const {
    return detail::addInverseWindow(
        self().map([](T&& value) { return std::pair<T, std::int64_t>(std::move(value), 1); }),
        "countByValueAndWindow", std::plus<std::int64_t>(), std::minus<std::int64_t>(), length,
        slide, [](const std::pair<T, std::int64_t>& counted) { return counted.second != 0; },
        std::move(name));
}

namespace detail {

// For windows of all elements: they have one key.
template <class T>
DStream<std::pair<std::uint8_t, T>> underOneKey(const DStream<T>& elements) {
    return elements.map([](T&& value) { return std::pair<std::uint8_t, T>(0, std::move(value)); });
}
template <class T>
DStream<T> withoutKey(const DStream<std::pair<std::uint8_t, T>>& reduced) {
    return reduced.map([](std::pair<std::uint8_t, T>&& one) { return T(std::move(one.second)); });
}

}  // namespace detail

template <class T>
DStream<std::int64_t> WindowOperations<T>::countByWindow(Duration length, Duration slide,
                                                         std::string name) const {
    const auto ones =
        self().map([](const T&) { return std::pair<std::uint8_t, std::int64_t>(0, 1); });
    return detail::withoutKey(detail::addInverseWindow(
        ones, "countByWindow", std::plus<std::int64_t>(), std::minus<std::int64_t>(), length, slide,
        state::KeepAll(), std::move(name)));
}

template <class T>
template <class F>
requires detail::Reduces<F, T> DStream<T> WindowOperations<T>::reduceByWindow(F f, Duration length,
                                                                              Duration slide,
                                                                              std::string name)
const {
    return detail::withoutKey(detail::addPlainWindow(detail::underOneKey(self()), "reduceByWindow",
                                                     std::move(f), length, slide, std::move(name)));
}

template <class T>
template <class F, class Inverse>
requires(!std::convertible_to<Inverse, Duration> && detail::Reduces<F, T> &&
         detail::Reduces<Inverse, T>)
    DStream<T> WindowOperations<T>::reduceByWindow(F f, Inverse inverse, Duration length,
                                                   Duration slide, std::string name)
const {
    return detail::withoutKey(detail::addInverseWindow(
        detail::underOneKey(self()), "reduceByWindow", std::move(f), std::move(inverse), length,
        slide, state::KeepAll(), std::move(name)));
}

}  // namespace tidemill
