// stddev, variance and their population forms, by Welford's method; merged after Chan et al.
#include <cmath>

#include "rows/aggregates/functions.h"

namespace tidemill::rows {
namespace {

struct Moments {
    std::int64_t count = 0;
    double mean = 0;
    double squares = 0;  // sum of squared distances from the mean

    void add(auto held) {
        const auto value = static_cast<double>(held);
        ++count;
        const double distance = value - mean;
        mean += distance / static_cast<double>(count);
        squares += distance * (value - mean);
    }
    void merge(const Moments& other) {
        if (other.count == 0) return;
        const auto a = static_cast<double>(count), b = static_cast<double>(other.count);
        const double distance = other.mean - mean;
        mean += distance * b / (a + b);
        squares += other.squares + distance * distance * a * b / (a + b);
        count += other.count;
    }
};

template <Type type>
class Variance final : public FixedAccumulator<Moments, type> {
public:
    Variance(bool isSample, bool isRoot) : isSample_(isSample), isRoot_(isRoot) {}
    Type resultType() const override { return Type::kFloat; }

private:
    void report(const Moments& state, std::size_t row, ResultColumn& into) const override {
        const std::int64_t freedom = state.count - (isSample_ ? 1 : 0);
        if (freedom <= 0) return into.values.setNull(row);
        const double variance = state.squares / static_cast<double>(freedom);
        into.values.template as<Type::kFloat>()[row] = isRoot_ ? std::sqrt(variance) : variance;
    }

    const bool isSample_, isRoot_;
};

}  // namespace

std::shared_ptr<const Accumulator> makeVariance(const AggregateCall& call, Type type) {
    const bool isRoot = call.function.starts_with("stddev");
    const bool isSample = !call.function.ends_with("_pop");
    if (!isRoot && !call.function.starts_with("var")) return nullptr;
    if (type == Type::kInt) return std::make_shared<Variance<Type::kInt>>(isSample, isRoot);
    if (type == Type::kFloat) return std::make_shared<Variance<Type::kFloat>>(isSample, isRoot);
    return nullptr;
}

}  // namespace tidemill::rows
