#include "tools/aggregate.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

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
    const char* const end = text.data() + text.size();
    std::int64_t integer = 0;
    double number = 0;
    if (const auto read = std::from_chars(text.data(), end, integer);
        read.ec == std::errc() && read.ptr == end) {
        number = static_cast<double>(integer);
        addWhole(integer);
    } else if (const auto readReal = std::from_chars(text.data(), end, number);
               readReal.ec == std::errc() && readReal.ptr == end && std::isfinite(number)) {
        real += number;
        isReal = true;
    } else {
        throw std::runtime_error("field \"" + spec.field + "\" must be a number, but is \"" + text +
                                 "\"");
    }
    if (count == 1 || number < least) {
        least = number;
        leastText = text;
    }
    if (count == 1 || number > most) {
        most = number;
        mostText = text;
    }
}

void AggregateState::addWhole(std::int64_t number) {
    if (!__builtin_add_overflow(whole, number, &whole)) return;
    // Both are in `real` from here on.
    whole = static_cast<std::int64_t>(static_cast<std::uint64_t>(whole) -
                                      static_cast<std::uint64_t>(number));
    real += static_cast<double>(number);
    isReal = true;
}

void AggregateState::merge(const AggregateState& other) {
    if (other.count == 0) return;
    if (count == 0 || other.least < least) {
        least = other.least;
        leastText = other.leastText;
    }
    if (count == 0 || other.most > most) {
        most = other.most;
        mostText = other.mostText;
    }
    count += other.count;
    addWhole(other.whole);
    real += other.real;
    isReal = isReal || other.isReal;
    for (const auto& [value, times] : other.values) values[value] += times;
}

Field AggregateState::result(const AggregateSpec& spec) const {
    const double sum = static_cast<double>(whole) + real;
    switch (spec.function) {
        case Function::kCount: return numberField(count);
        case Function::kSum: return isReal ? numberField(sum) : numberField(whole);
        case Function::kMin: return {Field::Kind::kNumber, leastText};
        case Function::kMax: return {Field::Kind::kNumber, mostText};
        case Function::kAvg: return numberField(sum / static_cast<double>(count));
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
    for (std::size_t i = 0; i < states.size(); ++i) states[i].merge(other.states[i]);
}

}  // namespace tidemill::tools
