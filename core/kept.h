// What views that a function made may point into, kept until the batch is complete.
#pragma once

#include <deque>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/arena.h"

namespace tidemill::core {

// The elements that a function is given: with `kKeep` they move into memory of the batch first,
// else they stay where they are. Thread safety: worker-confined.
template <class T, bool kKeep>
class KeptElements {
public:
    explicit KeptElements(Arena&) {}
    T& operator()(T& element) { return element; }
};
template <class T>
class KeptElements<T, true> {
public:
    explicit KeptElements(Arena& arena) : kept_(arena.make<std::deque<T>>()) {}
    T& operator()(T& element) { return kept_.emplace_back(std::move(element)); }

private:
    std::deque<T>& kept_;
};

// A partition's elements for a function that sees them at once; with `kKeep` in memory of the
// batch. Thread safety: worker-confined.
template <class T, bool kKeep>
class KeptVector {
public:
    explicit KeptVector(Arena&) {}
    std::vector<T>& operator*() { return elements_; }

private:
    std::vector<T> elements_;
};
template <class T>
class KeptVector<T, true> {
public:
    explicit KeptVector(Arena& arena) : elements_(arena.make<std::vector<T>>()) {}
    std::vector<T>& operator*() { return elements_; }

private:
    std::vector<T>& elements_;
};

// A task's own copy of a function. With `kKeep` what it has captured lives as long as the batch.
// Thread safety: worker-confined.
template <class F, bool kKeep>
class TaskFunction {
public:
    TaskFunction(const F& function, Arena&) : function_(function) {}
    F& operator*() { return function_; }

private:
    F function_;
};
template <class F>
requires(std::is_class_v<F> && !std::is_empty_v<F>) class TaskFunction<F, true> {
public:
    TaskFunction(const F& function, Arena& arena) : function_(arena.make<F>(function)) {}
    F& operator*() { return function_; }

private:
    F& function_;
};

}  // namespace tidemill::core
