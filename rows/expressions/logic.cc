#include "rows/expressions/logic.h"

#include <array>

namespace tidemill::rows::expressions {
namespace {

using Bools = const std::uint8_t*;

// A row's value so far.
constexpr std::uint8_t kFalse = 0, kTrue = 1, kUnknown = 2;

template <bool isAnd>
class ConjunctionEval final : public Eval {
public:
    // `isChosen` of an argument: it is computed for undecided rows only.
    ConjunctionEval(Operands operands, std::vector<bool> isChosen)
        : operands_(std::move(operands)), isChosen_(std::move(isChosen)) {}

    Column run(Frame& frame, const Rows& rows) override {
        constexpr std::uint8_t kDecided = isAnd ? kFalse : kTrue;
        std::uint8_t* state = out_.as<Type::kBool>();
        bool hasNulls = false;
        for (std::size_t k = 0; k < operands_.size(); ++k) {
            Rows wanted = rows;
            if (k > 0 && isChosen_[k]) {
                wanted.selected = undecided_.data();
                wanted.count = 0;
                rows.forEach([&](std::size_t i) {
                    undecided_[wanted.count] = static_cast<std::uint16_t>(i);
                    wanted.count += state[i] != kDecided;
                });
                if (wanted.count == 0) break;
            }
            const Column in = operands_[k].run(frame, wanted);
            hasNulls = hasNulls || in.nulls != nullptr;
            combine(k == 0, hasNulls, k > 0 && isChosen_[k], in, wanted, state);
        }
        out_.clearNulls();
        if (hasNulls) {
            std::uint64_t* bits = nullptr;
            rows.forEach([&](std::size_t i) {
                if (state[i] != kUnknown) return;
                if (bits == nullptr) {
                    bits = out_.nullsForOverwrite();
                    std::memset(bits, 0, kNullWords * sizeof *bits);
                }
                bits[i / 64] |= std::uint64_t{1} << (i % 64);
                state[i] = 0;
            });
        }
        return out_.column();
    }

private:
    static void combine(bool isFirst, bool hasNulls, bool isChosen, const Column& in,
                        const Rows& rows, std::uint8_t* state) {
        const Bools values = in.as<Type::kBool>();
        if (hasNulls) {
            rows.forEach([&](std::size_t i) {
                const std::uint8_t value = isSet(in.nulls, i) ? kUnknown : values[i];
                state[i] = isFirst ? value : both(state[i], value);
            });
        } else if (isFirst) {
            rows.forEachAtLeast([&](std::size_t i) { state[i] = values[i]; });
        } else if (isChosen) {
            rows.forEach([&](std::size_t i) { state[i] = values[i]; });
        } else {
            rows.forEachAtLeast([&](std::size_t i) {
                state[i] =
                    static_cast<std::uint8_t>(isAnd ? state[i] & values[i] : state[i] | values[i]);
            });
        }
    }

    static std::uint8_t both(std::uint8_t a, std::uint8_t b) {
        constexpr std::uint8_t kDecided = isAnd ? kFalse : kTrue;
        if (a == kDecided || b == kDecided) return kDecided;
        return a == kUnknown || b == kUnknown ? kUnknown : a;
    }

    Operands operands_;
    std::vector<bool> isChosen_;
    ColumnBuffer out_{Type::kBool};
    std::array<std::uint16_t, kChunkRows + 1> undecided_;
};

class NotEval final : public Eval {
public:
    explicit NotEval(Operands operands) : of_(std::move(operands[0])) {}
    Column run(Frame& frame, const Rows& rows) override {
        const Column in = of_.run(frame, rows);
        setNulls(out_, &in, 1);
        const Bools values = in.as<Type::kBool>();
        std::uint8_t* out = out_.as<Type::kBool>();
        rows.forEachAtLeast([&](std::size_t i) { out[i] = values[i] == 0; });
        return out_.column();
    }

private:
    Operand of_;
    ColumnBuffer out_{Type::kBool};
};

class IsNullEval final : public Eval {
public:
    explicit IsNullEval(Operands operands) : of_(std::move(operands[0])) {}
    Column run(Frame& frame, const Rows& rows) override {
        const Column in = of_.run(frame, rows);
        std::uint8_t* out = out_.as<Type::kBool>();
        rows.forEachAtLeast([&](std::size_t i) { out[i] = isSet(in.nulls, i); });
        return out_.column();
    }

private:
    Operand of_;
    ColumnBuffer out_{Type::kBool};
};

class IsTruthEval final : public Eval {
public:
    IsTruthEval(Operands operands, bool truth) : of_(std::move(operands[0])), truth_(truth) {}
    Column run(Frame& frame, const Rows& rows) override {
        const Column in = of_.run(frame, rows);
        const Bools values = in.as<Type::kBool>();
        std::uint8_t* out = out_.as<Type::kBool>();
        rows.forEachAtLeast(
            [&](std::size_t i) { out[i] = !isSet(in.nulls, i) && (values[i] != 0) == truth_; });
        return out_.column();
    }

private:
    Operand of_;
    bool truth_;
    ColumnBuffer out_{Type::kBool};
};

}  // namespace

MakeEval conjunctionOf(bool isAnd, const std::vector<NodePtr>& arguments) {
    std::vector<bool> isChosen;
    for (const auto& argument : arguments)
        isChosen.push_back(argument->canFail || !argument->isCheap);
    return [isAnd, isChosen](Operands operands, const std::string&) -> std::unique_ptr<Eval> {
        if (isAnd) return std::make_unique<ConjunctionEval<true>>(std::move(operands), isChosen);
        return std::make_unique<ConjunctionEval<false>>(std::move(operands), isChosen);
    };
}

MakeEval notOf() {
    return [](Operands operands, const std::string&) -> std::unique_ptr<Eval> {
        return std::make_unique<NotEval>(std::move(operands));
    };
}

MakeEval isNullOf() {
    return [](Operands operands, const std::string&) -> std::unique_ptr<Eval> {
        return std::make_unique<IsNullEval>(std::move(operands));
    };
}

MakeEval isTruthOf(bool truth) {
    return [truth](Operands operands, const std::string&) -> std::unique_ptr<Eval> {
        return std::make_unique<IsTruthEval>(std::move(operands), truth);
    };
}

}  // namespace tidemill::rows::expressions
