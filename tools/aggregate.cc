#include "tools/aggregate.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "core/workers.h"
#include "tools/json.h"

namespace tidemill::tools {

using Function = AggregateSpec::Function;

std::string toString(const AggregateSpec& spec) {
    constexpr const char* kNames[] = {"count", "sum", "min", "max", "avg", "distinct", "top"};
    return std::string(kNames[static_cast<std::size_t>(spec.function)]) + "(" +
           (spec.n != 0 ? std::to_string(spec.n) + ", " : "") + spec.field + ")";
}

core::Result<AggregateSpec> parseAggregate(const std::string& name, const std::string& text) {
    static const std::map<std::string, Function> kFunctions{
        {"count", Function::kCount}, {"sum", Function::kSum}, {"min", Function::kMin},
        {"max", Function::kMax},     {"avg", Function::kAvg}, {"distinct", Function::kDistinct},
        {"top", Function::kTop}};
    static const re2::RE2 kCall(R"(\s*(\w+)\s*\(\s*(?:(\d{1,6})\s*,\s*)?(.*?)\s*\)\s*)");
    AggregateSpec spec;
    spec.name = name;
    std::string function, n;
    const bool call = re2::RE2::FullMatch(text, kCall, &function, &n, &spec.field);
    const auto found = kFunctions.find(function);
    const bool good = call && found != kFunctions.end() &&
                      (found->second == Function::kCount) == spec.field.empty() &&
                      (found->second == Function::kTop) == !n.empty() && n != "0";
    if (!good)
        return core::fail(core::ErrorKind::kInvalid,
                          name + " = \"" + text +
                              "\" must be one of \"count()\", \"sum(FIELD)\", \"min(FIELD)\", "
                              "\"max(FIELD)\", \"avg(FIELD)\", \"distinct(FIELD)\", "
                              "\"top(N, FIELD)\"");
    spec.function = found->second;
    if (!n.empty()) spec.n = std::stoul(n);
    return spec;
}

void AggregateState::add(const AggregateSpec& spec, const Row& row) {
    ++count;
    if (spec.function == Function::kCount) return;
    const std::string& text = row.fields[spec.place].text;
    if (spec.function == Function::kDistinct || spec.function == Function::kTop) {
        ++values[text];
        return;
    }
    Number number;
    switch (parseNumber(text, number)) {
        case NumberText::kNumber:
            break;
        case NumberText::kTooLarge:
            // What a field holds is no business of a log.
            throw std::runtime_error("field \"" + spec.field +
                                     "\" must be a number, but is a whole number of more than 64 "
                                     "bits (" + std::to_string(text.size()) + " bytes of text)");
        case NumberText::kNone:
            throw std::runtime_error("field \"" + spec.field + "\" must be a number, but is a text of " +
                                     std::to_string(text.size()) + " bytes");
    }
    if (number.isWhole) {
        whole.add(number.whole);
    } else {
        real += number.real;
        isReal = true;
    }
    if (count == 1 || number < least) least = number;
    if (count == 1 || number > most) most = number;
}

void AggregateState::merge(const AggregateState& other) {
    if (other.count == 0) return;
    if (count == 0 || other.least < least) least = other.least;
    if (count == 0 || other.most > most) most = other.most;
    count += other.count;
    whole.add(other.whole);
    real += other.real;
    isReal = isReal || other.isReal;
    for (const auto& [value, times] : other.values) values[value] += times;
}

namespace {

Field fieldOf(const Number& number) {
    return number.isWhole ? numberField(number.whole) : numberField(number.real);
}

Field finite(const AggregateSpec& spec, double number) {
    if (std::isfinite(number)) return numberField(number);
    throw std::runtime_error(spec.name + " = " + toString(spec) +
                             " is over the range of floating point numbers");
}

Field exact(const AggregateSpec& spec, const WideSum& sum) {
    if (sum.fits()) return numberField(sum.whole());
    throw std::runtime_error(spec.name + " = " + toString(spec) + " is " + sum.digits() + ", " +
                             (sum.isNegative() ? "less" : "more") +
                             " than a whole number of 64 bits holds");
}

}  // namespace

Field AggregateState::result(const AggregateSpec& spec) const {
    const double sum = whole.asReal() + real;
    switch (spec.function) {
        case Function::kCount: return numberField(count);
        case Function::kSum:
            return isReal ? finite(spec, sum) : exact(spec, whole);
        case Function::kMin:
            return fieldOf(least);
        case Function::kMax:
            return fieldOf(most);
        case Function::kAvg:
            return finite(spec, sum / static_cast<double>(count));
        case Function::kDistinct: return numberField(static_cast<std::int64_t>(values.size()));
        case Function::kTop: break;
    }
    std::vector<std::pair<std::string, std::int64_t>> all(values.begin(), values.end());
    const auto n = std::min(spec.n, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(),
                      [](const auto& a, const auto& b) {
                          return a.second != b.second ? a.second > b.second : a.first < b.first;
                      });
    std::string json = "[";
    for (std::size_t i = 0; i < n; ++i) {
        json += i == 0 ? "{" : ", {";
        appendJsonBytes(json, "value", all[i].first);
        json += ", \"count\": " + std::to_string(all[i].second) + "}";
    }
    return {Field::Kind::kJson, json + "]"};
}

Aggregates Aggregates::of(const std::vector<AggregateSpec>& specs, const Row& row) {
    Aggregates one;
    one.states.resize(specs.size());
    for (std::size_t i = 0; i < specs.size(); ++i) one.states[i].add(specs[i], row);
    return one;
}

void Aggregates::merge(const Aggregates& other) {
    if (states.size() != other.states.size())
        throw core::TaskFailure(core::Error{
            core::ErrorKind::kCorrupt, "stored aggregates are of " + std::to_string(states.size()) +
                                           " functions, others under the same name of " +
                                           std::to_string(other.states.size())});
    for (std::size_t i = 0; i < states.size(); ++i) states[i].merge(other.states[i]);
}

std::ostream& operator<<(std::ostream& out, const Aggregates& aggregates) {
    out << '(';
    const char* between = "";
    for (const auto& state : aggregates.states) {
        out << std::exchange(between, ",") << state.count << " rows";
        if (!state.values.empty())
            out << " of " << state.values.size() << " values";
        else if (state.isReal)
            out << ", sum " << state.whole.asReal() + state.real;
        else
            out << ", sum " << state.whole.digits();
    }
    return out << ')';
}

}  // namespace tidemill::tools
