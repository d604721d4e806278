#include "rows/expressions/arithmetic.h"

#include <cmath>
#include <limits>

#include "rows/expressions/call.h"
#include "rows/expressions/float_result.h"
#include "rows/write_value.h"

namespace tidemill::rows::expressions {
namespace {

using Int = std::int64_t;

// overflows(): whether the result is not the exact one. wrong(): the same as a sign bit, in steps
// that the compiler can take for several rows at once.
struct Add {
    static constexpr char kSign = '+';
    static Int wrong(Int a, Int b, Int& out) {
        out = static_cast<Int>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
        return (a ^ out) & (b ^ out);
    }
    static bool overflows(Int a, Int b, Int& out) { return __builtin_add_overflow(a, b, &out); }
    static constexpr bool kMayUnderflow = false;
    static double of(double a, double b) { return a + b; }
};
struct Subtract {
    static constexpr char kSign = '-';
    static Int wrong(Int a, Int b, Int& out) {
        out = static_cast<Int>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
        return (a ^ b) & (a ^ out);
    }
    static bool overflows(Int a, Int b, Int& out) { return __builtin_sub_overflow(a, b, &out); }
    static constexpr bool kMayUnderflow = false;
    static double of(double a, double b) { return a - b; }
};
struct Multiply {
    static constexpr char kSign = '*';
    static Int wrong(Int a, Int b, Int& out) {
        return -static_cast<Int>(__builtin_mul_overflow(a, b, &out));
    }
    static bool overflows(Int a, Int b, Int& out) { return __builtin_mul_overflow(a, b, &out); }
    static constexpr bool kMayUnderflow = true;
    static double of(double a, double b) { return a * b; }
};
struct Divide {
    static constexpr char kSign = '/';
    static constexpr bool kMayUnderflow = true;
    static double of(double a, double b) { return a / b; }
};

std::string doesNotFit(Int a, char sign, Int b) {
    return std::to_string(a) + " " + sign + " " + std::to_string(b) + " does not fit an int";
}

// Everything is computed, also for rows that do not count; only when something overflowed is it
// looked for.
template <class Op>
class IntEval final : public Eval {
public:
    IntEval(Operands operands, std::string what)
        : operands_(std::move(operands)), what_(std::move(what)) {}

    Column run(Frame& frame, const Rows& rows) override {
        const Column in[2] = {operands_[0].run(frame, rows), operands_[1].run(frame, rows)};
        const std::uint64_t* nulls = setNulls(out_, in, 2);
        const Int* a = in[0].as<Type::kInt>();
        const Int* b = in[1].as<Type::kInt>();
        Int* out = out_.as<Type::kInt>();
        Int any = 0;  // negative: some result is wrong
        if (const Value* constant = operands_[1].constant) {
            const Int same = constant->number;
            rows.forEachAtLeast([&](std::size_t i) { any |= Op::wrong(a[i], same, out[i]); });
        } else {
            rows.forEachAtLeast([&](std::size_t i) { any |= Op::wrong(a[i], b[i], out[i]); });
        }
        if (any < 0) [[unlikely]]
            rows.forEach([&](std::size_t i) {
                if (isSet(nulls, i) || !Op::overflows(a[i], b[i], out[i])) return;
                addFailure(frame, i, what_, doesNotFit(a[i], Op::kSign, b[i]));
                out_.setNull(i);
            });
        return out_.column();
    }

private:
    Operands operands_;
    std::string what_;
    ColumnBuffer out_{Type::kInt};
};

template <class Op>
class FloatEval final : public Eval {
public:
    FloatEval(Operands operands, std::string what)
        : operands_(std::move(operands)), what_(std::move(what)) {
        if (Op::kSign != '/' || !operands_[0].isWhole || operands_[1].constant == nullptr) return;
        const Value& divisor = *operands_[1].constant;
        const double size = std::fabs(divisor.real);
        isSafe_ = !divisor.isNull && size >= 1 && size <= kSafeDivisor;
        int exponent = 0;
        // The inverse of a power of two is exact.
        if (isSafe_ && std::frexp(size, &exponent) == 0.5) factor_ = 1 / divisor.real;
    }

    Column run(Frame& frame, const Rows& rows) override {
        if (isSafe_) return divideWhole(frame, rows);
        const Column in[2] = {operands_[0].run(frame, rows), operands_[1].run(frame, rows)};
        const std::uint64_t* nulls = setNulls(out_, in, 2);
        const double* a = in[0].as<Type::kFloat>();
        const double* b = in[1].as<Type::kFloat>();
        double* out = out_.as<Type::kFloat>();
        std::uint64_t any = 0;  // as wide as the values
        rows.forEachAtLeast([&](std::size_t i) {
            const double value = Op::of(a[i], b[i]);
            out[i] = value;
            any |= mayBeWrong(a[i], b[i], value);
        });
        if (any != 0) [[unlikely]]
            rows.forEach([&](std::size_t i) {
                if (isSet(nulls, i) || mayBeWrong(a[i], b[i], out[i]) == 0) return;
                const std::string wrong = wrongOf(a[i], b[i], out[i]);
                if (wrong.empty()) return;
                addFailure(frame, i, what_, wrong);
                out_.setNull(i);
            });
        return out_.column();
    }

private:
    // By at most this an int divides without a result that is too small.
    static constexpr double kSafeDivisor = 1e200;

    // Ints by a constant that leads to no wrong result.
    Column divideWhole(Frame& frame, const Rows& rows) {
        const Column in = operands_[0].run(frame, rows);
        setNulls(out_, &in, 1);
        const double* a = in.as<Type::kFloat>();
        double* out = out_.as<Type::kFloat>();
        const double divisor = operands_[1].constant->real, factor = factor_;
        if (factor != 0) rows.forEachAtLeast([=](std::size_t i) { out[i] = a[i] * factor; });
        else rows.forEachAtLeast([=](std::size_t i) { out[i] = a[i] / divisor; });
        return out_.column();
    }

    // What is not finite, and what is zero where no argument is.
    static std::uint64_t mayBeWrong(double a, double b, double value) {
        std::uint64_t may = std::fabs(value) <= std::numeric_limits<double>::max() ? 0 : 1;
        if constexpr (Op::kMayUnderflow) {
            const std::uint64_t zero = value == 0 ? 1 : 0, nonzero = a != 0 ? 1 : 0;
            may |= zero & nonzero & (Op::kSign == '/' || b != 0 ? 1 : 0);
        }
        return may;
    }
    static std::string wrongOf(double a, double b, double value) {
        constexpr bool kDivides = Op::kSign == '/';
        if (kDivides && b == 0) {
            return std::isnan(a) ? "" : "division of " + floatText(a) + " by zero";
        }
        const bool isInfinite = std::isinf(value) && !std::isinf(a) && (kDivides || !std::isinf(b));
        const bool isLost =
            Op::kMayUnderflow && value == 0 && a != 0 && (kDivides ? !std::isinf(b) : b != 0);
        return isInfinite || isLost ? outOfRange(a, Op::kSign, b) : "";
    }

    Operands operands_;
    std::string what_;
    ColumnBuffer out_{Type::kFloat};
    bool isSafe_ = false;
    double factor_ = 0;  // of isSafe_, instead of dividing; 0: none
};

Int divideInts(Call& call, Int a, Int b) {
    if (b == 0) {
        call.fail("division of " + std::to_string(a) + " by zero");
        return 0;
    }
    if (b == -1) {
        Int out = 0;
        if (__builtin_sub_overflow(Int{0}, a, &out)) call.fail(doesNotFit(a, '/', b));
        return out;
    }
    return a / b;
}

Int remainderOfInts(Call& call, Int a, Int b) {
    if (b == 0) {
        call.fail("remainder of " + std::to_string(a) + " by zero");
        return 0;
    }
    return b == -1 ? 0 : a % b;
}

double remainderOfFloats(Call& call, double a, double b) {
    if (b == 0 && !std::isnan(a)) {
        call.fail("remainder of " + floatText(a) + " by zero");
        return 0;
    }
    return std::fmod(a, b);
}

Int negateInt(Call& call, Int a) {
    if (a == std::numeric_limits<Int>::min())
        call.fail("-(" + std::to_string(a) + ") does not fit an int");
    return static_cast<Int>(0 - static_cast<std::uint64_t>(a));
}

double negateFloat(double a) { return -a; }

template <template <class> class E, class Op>
MakeEval loopOf() {
    return [](Operands operands, const std::string& what) -> std::unique_ptr<Eval> {
        return std::make_unique<E<Op>>(std::move(operands), what);
    };
}

}  // namespace

std::string floatText(double value) {
    char bytes[kValueTextMax];
    return std::string(bytes, writeFloat(bytes, value));
}

std::string outOfRange(double a, char sign, double b) {
    return floatText(a) + " " + sign + " " + floatText(b) + " is out of range of a float";
}

MakeEval arithmeticOf(char op, Type type) {
    constexpr Type kInt = Type::kInt, kFloat = Type::kFloat;
    const bool isInt = type == kInt;
    switch (op) {
        case '+': return isInt ? loopOf<IntEval, Add>() : loopOf<FloatEval, Add>();
        case '-': return isInt ? loopOf<IntEval, Subtract>() : loopOf<FloatEval, Subtract>();
        case '*': return isInt ? loopOf<IntEval, Multiply>() : loopOf<FloatEval, Multiply>();
        case '/': return isInt ? map<divideInts, kInt, kInt, kInt>() : loopOf<FloatEval, Divide>();
        default:
            return isInt ? map<remainderOfInts, kInt, kInt, kInt>()
                         : map<remainderOfFloats, kFloat, kFloat, kFloat>();
    }
}

MakeEval negationOf(Type type) {
    return type == Type::kInt ? map<negateInt, Type::kInt, Type::kInt>()
                              : loop<negateFloat, Type::kFloat, Type::kFloat>();
}

}  // namespace tidemill::rows::expressions
