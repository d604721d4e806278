#include "rows/aggregates/loose_numbers.h"

#include <cmath>

#include "rows/aggregates/functions.h"
#include "rows/format/value_text.h"

namespace tidemill::rows {

Column LooseNumbers::read(const Chunk& chunk, const Column& column, RowFailures& failures) {
    const auto* texts = column.as<Type::kText>();
    forEachRow(chunk, [&](std::size_t row) {
        if (column.isNull(row)) return;
        std::string_view text = texts[row];
        // A JSON string may hold a number's text.
        if (column.type == Type::kJson && text.size() >= 2 && text.front() == '"')
            text = text.substr(1, text.size() - 2);
        const auto found = parseNumber(text, numbers_[row]);
        if (found == NumberText::kNumber) [[likely]]
            return;
        // What a field holds is no business of a log.
        failures.add(row, "field \"" + name_ + "\" must be a number, but is " +
                              (found == NumberText::kTooLarge
                                   ? "a whole number of more than 64 bits (" +
                                         std::to_string(text.size()) + " bytes of text)"
                                   : "a text of " + std::to_string(text.size()) + " bytes"));
    });
    return {column.type, numbers_.get(), column.nulls};
}

namespace {

// Results are JSON numbers: whole or not, as the values were.
void reportNumber(const std::string& digits, std::size_t row, ResultColumn& into) {
    into.values.as<Type::kText>()[row] = into.arena.copy(digits);
}
void reportNothing(std::size_t row, ResultColumn& into) {
    into.values.as<Type::kText>()[row] = {};
    into.values.setNull(row);
}

template <class State>
using LooseAccumulator = InPlaceAccumulator<State, Number>;

struct __attribute__((packed)) LooseSum {
    std::int64_t high = 0;  // of the whole numbers
    std::uint64_t low = 0;
    double real = 0;  // of the others
    std::int64_t count = 0;
    std::uint8_t isReal = 0;

    void add(const Number& number) {
        ++count;
        if (number.isWhole) {
            addWhole(static_cast<std::uint64_t>(number.whole), number.whole < 0 ? -1 : 0);
        } else {
            real = real + number.real;
            isReal = 1;
        }
    }
    void merge(const LooseSum& other) {
        addWhole(other.low, other.high);
        real = real + other.real;
        count += other.count;
        isReal |= other.isReal;
    }
    double asReal() const {
        return static_cast<double>(high) * 18446744073709551616.0 + static_cast<double>(low) + real;
    }

private:
    void addWhole(std::uint64_t otherLow, std::int64_t otherHigh) {
        const std::uint64_t sum = low + otherLow;
        high += otherHigh + (sum < low ? 1 : 0);
        low = sum;
    }
};

class SumLoose final : public LooseAccumulator<LooseSum> {
public:
    explicit SumLoose(bool isMean) : isMean_(isMean) {}
    Type resultType() const override { return isMean_ ? Type::kFloat : Type::kJson; }

private:
    void report(const LooseSum& state, std::size_t row, ResultColumn& into) const override {
        if (state.count == 0) return isMean_ ? into.values.setNull(row) : reportNothing(row, into);
        if (!isMean_ && state.isReal == 0) return reportWhole(state, row, into);
        const double value =
            isMean_ ? state.asReal() / static_cast<double>(state.count) : state.asReal();
        if (!std::isfinite(value))
            into.failures.add(row, "is over the range of floating point numbers");
        if (isMean_) {
            into.values.as<Type::kFloat>()[row] = value;
        } else {
            std::string digits;
            appendFloat(digits, value);
            reportNumber(digits, row, into);
        }
    }
    static void reportWhole(const LooseSum& state, std::size_t row, ResultColumn& into) {
        const WideSum sum = WideSum::of(state.high, state.low);
        if (!sum.fits())
            into.failures.add(row, "is " + sum.digits() + ", " +
                                       (sum.isNegative() ? "less" : "more") +
                                       " than a whole number of 64 bits holds");
        reportNumber(sum.digits(), row, into);
    }

    const bool isMean_;
};

struct __attribute__((packed)) LooseKept {
    std::uint64_t bits = 0;
    enum : std::uint8_t { kNone = 0, kWhole = 1, kReal = 2 } seen = kNone;

    Number number() const {
        Number number;
        number.isWhole = seen == kWhole;
        const std::uint64_t held = bits;
        if (number.isWhole) number.whole = static_cast<std::int64_t>(held);
        else std::memcpy(&number.real, &held, sizeof held);
        return number;
    }
    void set(const Number& number) {
        std::uint64_t held = static_cast<std::uint64_t>(number.whole);
        if (!number.isWhole) std::memcpy(&held, &number.real, sizeof held);
        bits = held;
        seen = number.isWhole ? kWhole : kReal;
    }
};

template <bool isLeast>
struct LooseExtreme : LooseKept {
    void add(const Number& other) {
        if (seen == kNone || (isLeast ? other < number() : other > number())) set(other);
    }
    void merge(const LooseExtreme& other) {
        if (other.seen != kNone) add(other.number());
    }
};

template <bool isLeast>
class ExtremeLoose final : public LooseAccumulator<LooseExtreme<isLeast>> {
public:
    Type resultType() const override { return Type::kJson; }

private:
    void report(const LooseExtreme<isLeast>& state, std::size_t row,
                ResultColumn& into) const override {
        if (state.seen == LooseKept::kNone) return reportNothing(row, into);
        const Number number = state.number();
        std::string digits;
        if (number.isWhole) digits = std::to_string(number.whole);
        else appendFloat(digits, number.real);
        reportNumber(digits, row, into);
    }
};

}  // namespace

std::shared_ptr<const Accumulator> makeLoose(const AggregateCall& call, Type) {
    if (call.function == "sum") return std::make_shared<SumLoose>(false);
    if (call.function == "avg") return std::make_shared<SumLoose>(true);
    if (call.function == "min") return std::make_shared<ExtremeLoose<true>>();
    if (call.function == "max") return std::make_shared<ExtremeLoose<false>>();
    return nullptr;
}

}  // namespace tidemill::rows
