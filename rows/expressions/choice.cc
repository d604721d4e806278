#include <array>

#include "rows/expressions/logic.h"

namespace tidemill::rows::expressions {
namespace {

// Rows as they are chosen one after the other.
struct RowList {
    std::array<std::uint16_t, kChunkRows + 1> rows;
    std::size_t count = 0;

    void addIf(std::size_t row, bool wanted) {
        rows[count] = static_cast<std::uint16_t>(row);
        count += wanted;
    }
    Rows of(std::size_t size) const { return {size, rows.data(), count}; }
};

template <Type type>
void copyRows(const Column& from, const Rows& rows, ColumnBuffer& to) {
    const Held<type>* values = from.as<type>();
    Held<type>* out = to.as<type>();
    rows.forEach([&](std::size_t i) { out[i] = values[i]; });
    if (from.nulls == nullptr) return;
    rows.forEach([&](std::size_t i) {
        if (isSet(from.nulls, i)) to.setNull(i);
    });
}

template <Type type>
class CaseEval final : public Eval {
public:
    explicit CaseEval(Operands operands) : operands_(std::move(operands)) {}

    Column run(Frame& frame, const Rows& rows) override {
        out_.clearNulls();
        Rows left = rows;
        // The list that `left` is in, and the one that the next takes.
        RowList* next = &lists_[0];
        for (std::size_t k = 0; k + 1 < operands_.size() && left.count > 0; k += 2) {
            const Column condition = operands_[k].run(frame, left);
            const std::uint8_t* isTrue = condition.as<Type::kBool>();
            RowList& others = *next;
            chosen_.count = others.count = 0;
            left.forEach([&](std::size_t i) {
                const bool isChosen = isTrue[i] != 0 && !isSet(condition.nulls, i);
                chosen_.addIf(i, isChosen);
                others.addIf(i, !isChosen);
            });
            take(frame, k + 1, chosen_.of(rows.size));
            left = others.of(rows.size);
            next = next == &lists_[0] ? &lists_[1] : &lists_[0];
        }
        take(frame, operands_.size() - 1, left);
        return out_.column();
    }

private:
    void take(Frame& frame, std::size_t result, const Rows& rows) {
        if (rows.count > 0) copyRows<type>(operands_[result].run(frame, rows), rows, out_);
    }

    Operands operands_;
    ColumnBuffer out_{type};
    RowList chosen_;
    RowList lists_[2];
};

template <Type type>
class CoalesceEval final : public Eval {
public:
    explicit CoalesceEval(Operands operands) : operands_(std::move(operands)) {}

    Column run(Frame& frame, const Rows& rows) override {
        const Column first = operands_[0].run(frame, rows);
        if (first.nulls == nullptr) return first;
        out_.clearNulls();
        Rows left = rows;
        Column in = first;
        RowList* next = &lists_[0];
        for (std::size_t k = 0;;) {
            const Held<type>* values = in.as<type>();
            Held<type>* out = out_.as<type>();
            RowList& others = *next;
            others.count = 0;
            left.forEach([&](std::size_t i) {
                out[i] = values[i];
                others.addIf(i, isSet(in.nulls, i));
            });
            left = others.of(rows.size);
            if (++k == operands_.size() || left.count == 0) break;
            in = operands_[k].run(frame, left);
            next = next == &lists_[0] ? &lists_[1] : &lists_[0];
        }
        left.forEach([&](std::size_t i) { out_.setNull(i); });
        return out_.column();
    }

private:
    Operands operands_;
    ColumnBuffer out_{type};
    RowList lists_[2];
};

template <template <Type> class E>
MakeEval makerOf(Type type) {
    return [type](Operands operands, const std::string&) {
        return withType(type, [&](auto held) -> std::unique_ptr<Eval> {
            return std::make_unique<E<held()>>(std::move(operands));
        });
    };
}

}  // namespace

MakeEval caseOf(Type type) { return makerOf<CaseEval>(type); }
MakeEval coalesceOf(Type type) { return makerOf<CoalesceEval>(type); }

}  // namespace tidemill::rows::expressions
