#include "rows/expressions/comparison.h"

#include <cstring>

namespace tidemill::rows::expressions {
namespace {

template <Type type, Comparison comparison>
std::uint8_t compare(Held<type> a, Held<type> b) {
    switch (comparison) {
        case Comparison::kEqual: return isEqual<type>(a, b);
        case Comparison::kNotEqual: return !isEqual<type>(a, b);
        case Comparison::kLess: return isLess<type>(a, b);
        case Comparison::kLessEqual: return !isLess<type>(b, a);
        case Comparison::kGreater: return isLess<type>(b, a);
        case Comparison::kGreaterEqual: return !isLess<type>(a, b);
    }
}

template <Type type, Comparison comparison>
class CompareEval final : public Eval {
public:
    explicit CompareEval(Operands operands) : operands_(std::move(operands)) {}

    Column run(Frame& frame, const Rows& rows) override {
        const Column in[2] = {operands_[0].run(frame, rows), operands_[1].run(frame, rows)};
        setNulls(out_, in, 2);
        const Held<type>* a = in[0].as<type>();
        const Held<type>* b = in[1].as<type>();
        if (operands_[1].constant != nullptr)
            loop(rows,
                 [a, same = b[0]](std::size_t i) { return compare<type, comparison>(a[i], same); });
        else loop(rows, [a, b](std::size_t i) { return compare<type, comparison>(a[i], b[i]); });
        return out_.column();
    }

private:
    template <class F>
    void loop(const Rows& rows, F&& f) {
        std::uint8_t* out = out_.as<Type::kBool>();
        const auto one = [&](std::size_t i) { out[i] = f(i); };
        if constexpr (isTextual(type)) rows.forEach(one);
        else rows.forEachAtLeast(one);
    }

    Operands operands_;
    ColumnBuffer out_{Type::kBool};
};

template <Type type>
class DistinctEval final : public Eval {
public:
    explicit DistinctEval(Operands operands) : operands_(std::move(operands)) {}

    Column run(Frame& frame, const Rows& rows) override {
        const Column a = operands_[0].run(frame, rows);
        const Column b = operands_[1].run(frame, rows);
        std::uint8_t* out = out_.as<Type::kBool>();
        rows.forEach([&](std::size_t i) {
            const bool isNull = isSet(a.nulls, i);
            if (isNull || isSet(b.nulls, i)) out[i] = isNull != isSet(b.nulls, i);
            else out[i] = !isEqual<type>(a.as<type>()[i], b.as<type>()[i]);
        });
        return out_.column();
    }

private:
    Operands operands_;
    ColumnBuffer out_{Type::kBool};
};

template <Type type, bool greatest>
class ExtremeEval final : public Eval {
public:
    explicit ExtremeEval(Operands operands) : operands_(std::move(operands)) {}

    Column run(Frame& frame, const Rows& rows) override {
        out_.clearNulls();
        Held<type>* out = out_.as<type>();
        for (std::size_t k = 0; k < operands_.size(); ++k) {
            const Column in = operands_[k].run(frame, rows);
            const Held<type>* values = in.as<type>();
            if (k == 0) {
                setNulls(out_, &in, 1);
                rows.forEach([&](std::size_t i) { out[i] = values[i]; });
                continue;
            }
            const std::uint64_t* bits = out_.column().nulls;
            if (bits == nullptr && in.nulls == nullptr) {
                rows.forEach([&](std::size_t i) { out[i] = better(out[i], values[i]); });
                continue;
            }
            improve(rows, values, in.nulls, bits == nullptr ? nullptr : out_.nullsForOverwrite());
        }
        return out_.column();
    }

private:
    static Held<type> better(Held<type> a, Held<type> b) {
        if constexpr (greatest) return isLess<type>(a, b) ? b : a;
        else return isLess<type>(b, a) ? b : a;
    }
    void improve(const Rows& rows, const Held<type>* values, const std::uint64_t* nulls,
                 std::uint64_t* outNulls) {
        Held<type>* out = out_.as<type>();
        rows.forEach([&](std::size_t i) {
            if (isSet(nulls, i)) return;
            if (isSet(outNulls, i)) {
                outNulls[i / 64] &= ~(std::uint64_t{1} << (i % 64));
                out[i] = values[i];
            } else {
                out[i] = better(out[i], values[i]);
            }
        });
    }

    Operands operands_;
    ColumnBuffer out_{type};
};

template <class E>
MakeEval makerOf() {
    return [](Operands operands, const std::string&) -> std::unique_ptr<Eval> {
        return std::make_unique<E>(std::move(operands));
    };
}

}  // namespace

std::string_view symbolOf(Comparison comparison) {
    constexpr std::string_view kSymbols[] = {"=", "<>", "<", "<=", ">", ">="};
    return kSymbols[static_cast<std::size_t>(comparison)];
}

MakeEval comparisonOf(Comparison comparison, Type type) {
    return withType(type, [&](auto held) {
        constexpr Type t = held();
        switch (comparison) {
            case Comparison::kEqual: return makerOf<CompareEval<t, Comparison::kEqual>>();
            case Comparison::kNotEqual: return makerOf<CompareEval<t, Comparison::kNotEqual>>();
            case Comparison::kLess: return makerOf<CompareEval<t, Comparison::kLess>>();
            case Comparison::kLessEqual: return makerOf<CompareEval<t, Comparison::kLessEqual>>();
            case Comparison::kGreater: return makerOf<CompareEval<t, Comparison::kGreater>>();
            case Comparison::kGreaterEqual: break;
        }
        return makerOf<CompareEval<t, Comparison::kGreaterEqual>>();
    });
}

MakeEval distinctionOf(Type type) {
    return withType(type, [](auto held) { return makerOf<DistinctEval<held()>>(); });
}

MakeEval extremeOf(bool greatest, Type type) {
    return withType(type, [&](auto held) {
        return greatest ? makerOf<ExtremeEval<held(), true>>()
                        : makerOf<ExtremeEval<held(), false>>();
    });
}

}  // namespace tidemill::rows::expressions
