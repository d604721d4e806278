// Functions of one row made evaluators of columns: null when an argument is null, else the
// function.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "rows/expressions/eval.h"

namespace tidemill::rows::expressions {

// What a function has besides its arguments, and how it answers when there is no value.
class Call {
public:
    core::Arena& arena;

    explicit Call(core::Arena& of) : arena(of) {}

    // The row fails with these words.
    void fail(std::string message) {
        error_ = std::move(message);
        isUsual_ = false;
    }
    void null() { isUsual_ = false; }

private:
    template <class F, Type R, Type... A>
    friend class MapEval;
    bool isUsual_ = true;
    std::string error_;
};

// F: Held<R> operator()(Call&, Held<A>...), once for each wanted row without nulls.
template <class F, Type R, Type... A>
class MapEval final : public Eval {
public:
    MapEval(F f, Operands operands, std::string what)
        : f_(std::move(f)), operands_(std::move(operands)), what_(std::move(what)), out_(R) {}

    Column run(Frame& frame, const Rows& rows) override {
        return runWith(frame, rows, std::index_sequence_for<std::integral_constant<Type, A>...>());
    }

private:
    template <std::size_t... I>
    Column runWith(Frame& frame, const Rows& rows, std::index_sequence<I...>) {
        const std::array<Column, sizeof...(A)> in = {operands_[I].run(frame, rows)...};
        const std::uint64_t* nulls = setNulls(out_, in.data(), in.size());
        const auto arrays = std::make_tuple(in[I].template as<A>()...);
        Held<R>* const out = out_.as<R>();
        Call call(frame.arena);
        rows.forEach([&](std::size_t row) {
            if (isSet(nulls, row)) {
                out[row] = Held<R>();
                return;
            }
            out[row] = f_(call, std::get<I>(arrays)[row]...);
            if (!call.isUsual_) [[unlikely]]
                unusual(frame, call, row);
        });
        return out_.column();
    }

    __attribute__((noinline)) void unusual(Frame& frame, Call& call, std::size_t row) {
        if (!call.error_.empty()) addFailure(frame, row, what_, call.error_);
        out_.setNull(row);
        out_.as<R>()[row] = Held<R>();
        call.error_.clear();
        call.isUsual_ = true;
    }

    F f_;
    Operands operands_;
    std::string what_;
    ColumnBuffer out_;
};

// Of functions that never fail and read no texts: computed also for rows nobody wants, in a loop
// that the compiler can unroll.
template <auto f, Type R, Type... A>
class LoopEval final : public Eval {
public:
    explicit LoopEval(Operands operands) : operands_(std::move(operands)) {}

    Column run(Frame& frame, const Rows& rows) override {
        return runWith(frame, rows, std::index_sequence_for<std::integral_constant<Type, A>...>());
    }

private:
    template <std::size_t... I>
    Column runWith(Frame& frame, const Rows& rows, std::index_sequence<I...>) {
        const std::array<Column, sizeof...(A)> in = {operands_[I].run(frame, rows)...};
        setNulls(out_, in.data(), in.size());
        const auto arrays = std::make_tuple(in[I].template as<A>()...);
        Held<R>* const out = out_.as<R>();
        rows.forEachAtLeast([&](std::size_t row) { out[row] = f(std::get<I>(arrays)[row]...); });
        return out_.column();
    }

    Operands operands_;
    ColumnBuffer out_{R};
};

template <auto f, Type R, Type... A>
MakeEval loop() {
    static_assert(!isTextual(R) && (!isTextual(A) && ...));
    return [](Operands operands, const std::string&) -> std::unique_ptr<Eval> {
        return std::make_unique<LoopEval<f, R, A...>>(std::move(operands));
    };
}

// A function without state as F.
template <auto f>
struct Plain {
    template <class... A>
    auto operator()(Call& call, A... arguments) const {
        return f(call, arguments...);
    }
};

// Each evaluator gets a copy of `f`.
template <Type R, Type... A, class F>
MakeEval mapWith(F f) {
    return [f](Operands operands, const std::string& what) -> std::unique_ptr<Eval> {
        return std::make_unique<MapEval<F, R, A...>>(f, std::move(operands), what);
    };
}

template <auto f, Type R, Type... A>
MakeEval map() {
    return mapWith<R, A...>(Plain<f>());
}

}  // namespace tidemill::rows::expressions
