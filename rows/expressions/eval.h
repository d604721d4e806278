// How a checked expression computes: a tree of evaluators, each of which makes a column of a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/arena.h"
#include "rows/chunk.h"
#include "rows/expressions/value.h"
#include "rows/row_failures.h"

namespace tidemill::rows::expressions {

// The rows that are wanted.
struct Rows {
    std::size_t size = 0;                     // of the arrays
    const std::uint16_t* selected = nullptr;  // ascending; null pointer: all
    std::size_t count = 0;                    // without `selected`: size

    template <class F>
    void forEach(F&& f) const {
        if (selected == nullptr) {
            for (std::size_t row = 0; row < size; ++row) f(row);
        } else {
            for (std::size_t i = 0; i < count; ++i) f(std::size_t{selected[i]});
        }
    }

    // Also calls f for rows that are not wanted when that is cheaper: f must neither fail nor read
    // texts, of which those of other rows may be gone.
    template <class F>
    void forEachAtLeast(F&& f) const {
        if (count * 4 >= size) {
            for (std::size_t row = 0; row < size; ++row) f(row);
        } else {
            for (std::size_t i = 0; i < count; ++i) f(std::size_t{selected[i]});
        }
    }
};

struct Frame {
    const Chunk& chunk;
    core::Arena& arena;
    RowFailures& failures;
};

// Thread safety: worker-confined.
class Eval {
public:
    virtual ~Eval() = default;
    // The value of each wanted row; holds until the next call. A row that failed is null. A text of
    // a wanted row is a valid view, also where it is null.
    virtual Column run(Frame& frame, const Rows& rows) = 0;
};

// An argument of an evaluator.
struct Operand {
    std::unique_ptr<Eval> eval;
    const Value* constant = nullptr;  // lives as long as the expression
    Type type = Type::kText;
    bool isWhole = false;  // a float made of an int: finite, and 0 or at least 1

    Column run(Frame& frame, const Rows& rows) const { return eval->run(frame, rows); }
};
using Operands = std::vector<Operand>;

// `what` is the expression, for messages.
using MakeEval = std::function<std::unique_ptr<Eval>(Operands operands, const std::string& what)>;

// Rows of `out` are null where those of an argument are. Answers the bits, null pointer when no row
// is null.
inline const std::uint64_t* setNulls(ColumnBuffer& out, const Column* arguments,
                                     std::size_t count) {
    std::uint64_t* bits = nullptr;
    out.clearNulls();
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t* from = arguments[i].nulls;
        if (from == nullptr) continue;
        if (bits == nullptr) {
            bits = out.nullsForOverwrite();
            std::memcpy(bits, from, kNullWords * sizeof *bits);
        } else {
            for (std::size_t w = 0; w < kNullWords; ++w) bits[w] |= from[w];
        }
    }
    return bits;
}

inline bool isSet(const std::uint64_t* bits, std::size_t row) {
    return bits != nullptr && ((bits[row / 64] >> (row % 64)) & 1) != 0;
}

// Adds the failure 'what: message' of a row.
void addFailure(Frame& frame, std::size_t row, const std::string& what, const std::string& message);

// A column as it is in the chunk; one value for all rows.
std::unique_ptr<Eval> makeColumnEval(std::size_t column);
std::unique_ptr<Eval> makeConstantEval(const Value& value);

}  // namespace tidemill::rows::expressions
