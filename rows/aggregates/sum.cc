// count, sum, avg.
#include <cmath>

#include "rows/aggregates/functions.h"
#include "rows/number.h"

namespace tidemill::rows {
namespace {

struct Count {
    std::int64_t count = 0;
};

class CountRows final : public Accumulator {
public:
    std::size_t bytes() const override { return sizeof(Count); }
    Type resultType() const override { return Type::kInt; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        forEachValue(column, rows, [offset](std::byte* record, std::size_t) {
            storeState(record + offset, Count{loadState<Count>(record + offset).count + 1});
        });
    }
    void merge(std::byte* into, const std::byte* from) const override {
        storeState(into, Count{loadState<Count>(into).count + loadState<Count>(from).count});
    }
    void result(const std::byte* const* records, std::size_t count, std::size_t offset,
                ResultColumn& into) const override {
        for (std::size_t i = 0; i < count; ++i)
            into.values.as<Type::kInt>()[i] = loadState<Count>(records[i] + offset).count;
    }
};

// A sum of whole numbers in 96 bits, exact for two thousand million of the largest. What does not
// fit is noted.
struct __attribute__((packed)) WholeSum {
    std::uint64_t low = 0;
    std::int32_t high = 0;
    enum : std::uint8_t { kNone = 0, kSome = 1, kLost = 2 } seen = kNone;

    void add(std::int64_t value) { add(static_cast<std::uint64_t>(value), value < 0 ? -1 : 0); }
    void merge(const WholeSum& other) {
        if (other.seen == kNone) return;
        add(other.low, other.high);
        if (other.seen == kLost) seen = kLost;
    }
    __extension__ using Wide = __int128;
    Wide wide() const {
        __extension__ using UnsignedWide = unsigned __int128;
        return static_cast<Wide>(
            static_cast<UnsignedWide>(static_cast<std::uint64_t>(static_cast<std::int64_t>(high)))
                << 64 |
            low);
    }
    bool fits() const { return seen != kLost && wide() == static_cast<std::int64_t>(low); }

private:
    void add(std::uint64_t otherLow, std::int32_t otherHigh) {
        const std::uint64_t sum = low + otherLow;
        const std::int64_t top = std::int64_t{high} + otherHigh + (sum < low ? 1 : 0);
        low = sum;
        high = static_cast<std::int32_t>(top);
        if (top != high || seen == kLost) [[unlikely]]
            seen = kLost;
        else seen = kSome;
    }
};

class SumWhole final : public FixedAccumulator<WholeSum, Type::kInt> {
public:
    Type resultType() const override { return Type::kInt; }

private:
    void report(const WholeSum& state, std::size_t row, ResultColumn& into) const override {
        if (state.seen == WholeSum::kNone) return into.values.setNull(row);
        if (state.fits()) {
            into.values.as<Type::kInt>()[row] = static_cast<std::int64_t>(state.low);
            return;
        }
        into.failures.add(row, state.seen == WholeSum::kLost
                                   ? "is far outside of what a whole number of 64 bits holds"
                                   : "is " + WideSum::of(state.high, state.low).digits() + ", " +
                                         (state.high < 0 ? "less" : "more") +
                                         " than a whole number of 64 bits holds");
    }
};

struct __attribute__((packed)) RealSum {
    double sum = 0;
    // kOpen: one of the numbers was no finite one, and the sum need not be.
    enum : std::uint8_t { kNone = 0, kSome = 1, kOpen = 2 } seen = kNone;

    void add(double value) {
        sum = sum + value;
        if (seen != kOpen) seen = std::isfinite(value) ? kSome : kOpen;
    }
    void merge(const RealSum& other) {
        if (other.seen == kNone) return;
        sum = seen == kNone ? other.sum : sum + other.sum;
        if (seen != kOpen) seen = other.seen;
    }
};

// True when `value` may be told: it is finite, or need not be.
bool isReportable(double value, bool isOpen, std::size_t row, ResultColumn& into) {
    if (isOpen || std::isfinite(value)) return true;
    into.failures.add(row, "is over the range of floating point numbers");
    return false;
}

class SumReal final : public FixedAccumulator<RealSum, Type::kFloat> {
public:
    Type resultType() const override { return Type::kFloat; }

private:
    void report(const RealSum& state, std::size_t row, ResultColumn& into) const override {
        if (state.seen == RealSum::kNone) return into.values.setNull(row);
        if (isReportable(state.sum, state.seen == RealSum::kOpen, row, into))
            into.values.as<Type::kFloat>()[row] = state.sum;
    }
};

template <class Sum>
struct __attribute__((packed)) Mean {
    Sum sum;
    std::int64_t count = 0;
    void add(auto value) {
        sum.add(value);
        ++count;
    }
    void merge(const Mean& other) {
        sum.merge(other.sum);
        count += other.count;
    }
};

class MeanOfWhole final : public FixedAccumulator<Mean<WholeSum>, Type::kInt> {
public:
    Type resultType() const override { return Type::kFloat; }

private:
    void report(const Mean<WholeSum>& state, std::size_t row, ResultColumn& into) const override {
        if (state.count == 0) return into.values.setNull(row);
        into.values.as<Type::kFloat>()[row] =
            static_cast<double>(state.sum.wide()) / static_cast<double>(state.count);
        if (state.sum.seen == WholeSum::kLost)
            into.failures.add(row, "is of a sum of more than 96 bits");
    }
};

class MeanOfReal final : public FixedAccumulator<Mean<RealSum>, Type::kFloat> {
public:
    Type resultType() const override { return Type::kFloat; }

private:
    void report(const Mean<RealSum>& state, std::size_t row, ResultColumn& into) const override {
        if (state.count == 0) return into.values.setNull(row);
        const double mean = state.sum.sum / static_cast<double>(state.count);
        if (isReportable(mean, state.sum.seen == RealSum::kOpen, row, into))
            into.values.as<Type::kFloat>()[row] = mean;
    }
};

}  // namespace

std::shared_ptr<const Accumulator> makeCount(const AggregateCall& call, std::optional<Type>) {
    if (call.function != "count") return nullptr;
    return std::make_shared<CountRows>();
}

std::shared_ptr<const Accumulator> makeSum(const AggregateCall& call, Type type) {
    if (call.function == "sum") {
        if (type == Type::kInt) return std::make_shared<SumWhole>();
        if (type == Type::kFloat) return std::make_shared<SumReal>();
    } else if (call.function == "avg") {
        if (type == Type::kInt) return std::make_shared<MeanOfWhole>();
        if (type == Type::kFloat) return std::make_shared<MeanOfReal>();
    }
    return nullptr;
}

}  // namespace tidemill::rows
