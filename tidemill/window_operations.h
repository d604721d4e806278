// What streams can do with the batches of some time.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>

#include "core/time.h"
#include "state/operators/state_views.h"
#include "tidemill/element_types.h"

namespace tidemill {

template <class T>
class DStream;
template <class T>
class RememberedStream;

// The filter of a window that drops nothing.
using KeepAll = state::KeepAll;

// A part of DStream<T>. Defined in tidemill/windows.h.
template <class T>
class WindowOperations {
public:
    // Keeps the elements of the batches of the last `length` in memory, for slice(): as many as
    // StreamingOptions::maxRememberedBytes holds. Not kept over restarts.
    RememberedStream<T> remember(Duration length) const;

    // Windows: in the batches at multiples of `slide` (0: of every batch), the last `length` of the
    // stream. Both are multiples of the stream's own slide, else std::invalid_argument is thrown.
    // What a window keeps is found again after a restart under `name`; without one, under a name
    // derived from the order of the declarations. See docs/guide/windows.md.

    // The elements themselves.
    DStream<T> window(Duration length, Duration slide = {}, std::string name = {}) const;

    // How many there are: one element, but none before the first data.
    DStream<std::int64_t> countByWindow(Duration length, Duration slide = {},
                                        std::string name = {}) const;

    // (value, how often) of every value in the window.
    DStream<std::pair<T, std::int64_t>> countByValueAndWindow(Duration length, Duration slide = {},
                                                              std::string name = {}) const;

    // All elements reduced to one by the associative function f(older, newer); none for an empty
    // window.
    template <class F>
    requires(!detail::Reduces<F, T>) TIDEMILL_REFUSED(
        "reduceByWindow takes f(a, b), of two elements, that returns one of the same "
        "type")
    void reduceByWindow(F, Duration, Duration = {}, std::string = {}) const {}
    template <class F>
    requires detail::Reduces<F, T> DStream<T> reduceByWindow(F f, Duration length,
                                                             Duration slide = {},
                                                             std::string name = {})
    const;
    // inverse(reduced, leaving) undoes f(reduced, leaving). Once there was data, an element for
    // every window.
    template <class F, class Inverse>
    requires(!std::convertible_to<Inverse, Duration> &&
             !(detail::Reduces<F, T> && detail::Reduces<Inverse, T>))
        TIDEMILL_REFUSED(
            "reduceByWindow takes f(a, b) and inverse(reduced, leaving), of elements, "
            "that return one of the same type")
    void reduceByWindow(F, Inverse, Duration, Duration = {}, std::string = {}) const {}
    template <class F, class Inverse>
    requires(!std::convertible_to<Inverse, Duration> && detail::Reduces<F, T> &&
             detail::Reduces<Inverse, T>) DStream<T> reduceByWindow(F f, Inverse inverse,
                                                                    Duration length,
                                                                    Duration slide = {},
                                                                    std::string name = {})
    const;

    // For pairs: the values of each key in the window reduced by the associative function
    // f(older, newer). Keys that are not in the window are absent.
    template <class F>
    requires(detail::isPair<T> && !detail::Reduces<F, typename detail::PairOf<T>::Value>)
        TIDEMILL_REFUSED(
            "reduceByKeyAndWindow takes f(a, b), of two values of a key, that returns one "
            "of the same type")
    void reduceByKeyAndWindow(F, Duration, Duration = {}, std::string = {}) const {}
    template <class F>
    requires(detail::isPair<T>&& detail::Reduces<
             F, typename detail::PairOf<T>::Value>) auto reduceByKeyAndWindow(F f, Duration length,
                                                                              Duration slide = {},
                                                                              std::string name = {})
        const;
    // The same with an inverse as above, which costs less; least for std::plus and std::minus of
    // integers. A key that has left the window stays, with what is left of its values. Keys that
    // filter((key, value)) does not hold for are not shown, and forgotten once they have left.
    template <class F, class Inverse, class Filter = KeepAll>
    requires detail::InverseWindow<T, F, Inverse, Filter>
    auto reduceByKeyAndWindow(F f, Inverse inverse, Duration length, Duration slide = {},
                              Filter filter = {}, std::string name = {}) const;
    template <class F, class Inverse, class Filter = KeepAll>
    requires(detail::isPair<T> && !std::convertible_to<Inverse, Duration> &&
             !std::convertible_to<Filter, std::string> &&
             !detail::InverseWindow<T, F, Inverse, Filter>)
        TIDEMILL_REFUSED(
            "reduceByKeyAndWindow takes f(a, b) and inverse(reduced, leaving), of values "
            "of a key, that return one of the same type, and filter((key, value)), that "
            "returns a bool")
    void reduceByKeyAndWindow(F, Inverse, Duration, Duration = {}, Filter = {},
                              std::string = {}) const {}
    // Without a filter, by name.
    template <class F, class Inverse>
    requires detail::InverseWindow<T, F, Inverse, KeepAll>
    auto reduceByKeyAndWindow(F f, Inverse inverse, Duration length, Duration slide,
                              std::string name) const {
        return reduceByKeyAndWindow(std::move(f), std::move(inverse), length, slide, KeepAll(),
                                    std::move(name));
    }

    // For pairs: (key, all its values in the window), in the order of their batches.
    auto groupByKeyAndWindow(Duration length, Duration slide = {},
                             std::string name = {}) const requires detail::isPair<T>;

private:
    const DStream<T>& self() const { return static_cast<const DStream<T>&>(*this); }
};

}  // namespace tidemill
