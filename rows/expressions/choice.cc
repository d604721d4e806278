#include <array>
#include <cstring>

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

// Of conditions that are cheap and do not fail, and results that are constants: everything is
// computed, without a branch a row.
template <Type type>
class ConstantCaseEval final : public Eval {
public:
    explicit ConstantCaseEval(Operands operands) : operands_(std::move(operands)) {
        for (std::size_t k = 0; k + 1 < operands_.size(); k += 2) add(operands_[k + 1]);
        add(operands_.back());
    }
    static constexpr std::size_t kResultsMax = 255;

    Column run(Frame& frame, const Rows& rows) override {
        const std::size_t conditions = values_.size() - 1;
        std::memset(choices_.data(), static_cast<int>(conditions), rows.size);
        for (std::size_t k = conditions; k-- > 0;)
            choose(k, operands_[2 * k].run(frame, rows), rows);
        Held<type>* out = out_.as<type>();
        const Held<type>* values = values_.data();
        const std::uint8_t* choices = choices_.data();
        rows.forEachAtLeast([=](std::size_t i) { out[i] = values[choices[i]]; });
        out_.clearNulls();
        if (hasNull_)
            rows.forEach([&](std::size_t i) {
                if (isNull_[choices_[i]]) out_.setNull(i);
            });
        return out_.column();
    }

private:
    void add(const Operand& result) {
        isNull_.push_back(result.constant->isNull);
        hasNull_ = hasNull_ || isNull_.back();
        values_.push_back(isNull_.back() ? Held<type>() : result.constant->template as<type>());
    }

    void choose(std::size_t number, const Column& condition, const Rows& rows) {
        const std::uint8_t* isTrue = condition.as<Type::kBool>();
        std::uint8_t* choices = choices_.data();
        const auto own = static_cast<std::uint8_t>(number);
        if (condition.nulls == nullptr)
            rows.forEachAtLeast(
                [=](std::size_t i) { choices[i] = isTrue[i] != 0 ? own : choices[i]; });
        else
            rows.forEach([&](std::size_t i) {
                if (isTrue[i] != 0 && !isSet(condition.nulls, i)) choices[i] = own;
            });
    }

    Operands operands_;
    std::vector<Held<type>> values_;
    std::vector<bool> isNull_;
    bool hasNull_ = false;
    std::array<std::uint8_t, kChunkRows> choices_;
    ColumnBuffer out_{type};
};

bool areConstantChoices(const std::vector<NodePtr>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const bool isCondition = i % 2 == 0 && i + 1 < arguments.size();
        const Node& node = *arguments[i];
        if (isCondition ? node.canFail || !node.isCheap : !node.constant) return false;
    }
    return arguments.size() / 2 < ConstantCaseEval<Type::kInt>::kResultsMax;
}

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

MakeEval caseOf(Type type, const std::vector<NodePtr>& arguments) {
    return areConstantChoices(arguments) ? makerOf<ConstantCaseEval>(type)
                                         : makerOf<CaseEval>(type);
}
MakeEval coalesceOf(Type type) { return makerOf<CoalesceEval>(type); }

}  // namespace tidemill::rows::expressions
