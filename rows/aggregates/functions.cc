#include "rows/aggregates/functions.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <vector>

#include "rows/format/value_text.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

struct Function {
    const char* name;
    const char* form;
    bool takesNumber;
};
constexpr Function kFunctions[] = {
    {"count", "count()", false},
    {"sum", "sum(FIELD)", false},
    {"avg", "avg(FIELD)", false},
    {"min", "min(FIELD)", false},
    {"max", "max(FIELD)", false},
    {"first", "first(FIELD)", false},
    {"last", "last(FIELD)", false},
    {"stddev", "stddev(FIELD)", false},
    {"stddev_pop", "stddev_pop(FIELD)", false},
    {"variance", "variance(FIELD)", false},
    {"var_pop", "var_pop(FIELD)", false},
    {"count_distinct", "count(distinct FIELD)", false},
    {"top", "top(N, FIELD)", true},
    {"approx_distinct", "approx_distinct(FIELD)", false},
    {"approx_percentile", "approx_percentile(FIELD, SHARE)", true},
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string lowerCased(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return lower;
}

// The parts between commas that stand in no brackets and no quotes.
std::vector<std::string_view> argumentsOf(std::string_view text) {
    std::vector<std::string_view> parts;
    int depth = 0;
    char quote = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i == text.size() ? ',' : text[i];
        if (quote != 0 && i != text.size()) {
            if (c == quote) quote = 0;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '(' || c == '[') {
            ++depth;
        } else if (c == ')' || c == ']') {
            --depth;
        } else if (i == text.size() || (c == ',' && depth == 0)) {
            parts.push_back(trimmed(text.substr(begin, i - begin)));
            begin = i + 1;
        }
    }
    if (parts.size() == 1 && parts[0].empty()) parts.clear();
    return parts;
}

std::optional<double> numberOf(std::string_view text) {
    double number = 0;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

core::Error noCall(std::string_view text, const std::string& why = {}) {
    std::string forms;
    for (const auto& function : kFunctions)
        forms += (forms.empty() ? "\"" : "\", \"") + std::string(function.form);
    return {ErrorKind::kInvalid, "\"" + std::string(text) + "\" must be one of " + forms + "\"" +
                                     (why.empty() ? "" : ": " + why)};
}

// Takes the number out of the arguments of top and approx_percentile. Empty: it is right.
std::string takeNumber(AggregateCall& call, std::vector<std::string_view>& arguments) {
    const bool isTop = call.function == "top";
    if (arguments.size() != 2) return call.function + " takes a field and a number";
    std::size_t place = isTop ? 0 : 1;
    if (!numberOf(arguments[place])) place = 1 - place;
    call.number = numberOf(arguments[place]);
    if (!call.number) return call.function + " takes a number";
    if (isTop && !(*call.number >= 1 && *call.number <= 999'999 &&
                   *call.number == static_cast<double>(static_cast<int>(*call.number))))
        return "N is a whole number from 1 to 999999";
    if (!isTop && !(*call.number >= 0 && *call.number <= 1)) return "SHARE is from 0 to 1";
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(place));
    return {};
}

}  // namespace

std::string AggregateCall::text() const {
    if (function == "count_distinct") return "count(distinct " + argument + ")";
    std::string digits;
    if (number) appendFloat(digits, *number);
    if (function == "top") return "top(" + digits + ", " + argument + ")";
    return function + "(" + argument + (number ? ", " + digits : "") + ")";
}

Result<AggregateCall> parseAggregateCall(std::string_view text) {
    const auto whole = trimmed(text);
    const auto open = whole.find('(');
    if (open == whole.npos || !whole.ends_with(')')) return fail(noCall(text));
    AggregateCall call;
    call.function = lowerCased(trimmed(whole.substr(0, open)));
    auto inside = trimmed(whole.substr(open + 1, whole.size() - open - 2));
    constexpr std::string_view kDistinct = "distinct";
    if (call.function == "count" && lowerCased(inside).starts_with(kDistinct) &&
        inside.size() > kDistinct.size() &&
        (inside[kDistinct.size()] == ' ' || inside[kDistinct.size()] == '(')) {
        call.function = "count_distinct";
        inside = trimmed(inside.substr(kDistinct.size()));
    }
    if (call.function == "distinct") call.function = "count_distinct";
    if (call.function == "stddev_samp") call.function = "stddev";
    if (call.function == "var_samp") call.function = "variance";
    const auto found =
        std::find_if(std::begin(kFunctions), std::end(kFunctions),
                     [&](const Function& function) { return function.name == call.function; });
    if (found == std::end(kFunctions)) return fail(noCall(text));
    auto arguments = argumentsOf(inside);
    if (found->takesNumber)
        if (const auto why = takeNumber(call, arguments); !why.empty())
            return fail(noCall(text, why));
    if (call.function == "count" && (arguments.empty() || arguments[0] == "*"))
        return arguments.size() < 2 ? Result<AggregateCall>(std::move(call))
                                    : Result<AggregateCall>(fail(noCall(text)));
    if (arguments.size() != 1 || arguments[0].empty())
        return fail(noCall(text, call.function + " takes one field"));
    call.argument = arguments[0];
    return call;
}

bool isAggregateFunction(std::string_view name) {
    return std::any_of(std::begin(kFunctions), std::end(kFunctions),
                       [&](const Function& function) { return function.name == name; });
}

bool takesLooseNumbers(const AggregateCall& call) {
    return call.function == "sum" || call.function == "avg" || call.function == "min" ||
           call.function == "max";
}

Result<std::shared_ptr<const Accumulator>> makeAccumulator(const AggregateCall& call,
                                                           std::optional<Type> type, bool isLoose) {
    if (auto made = makeCount(call, type)) return made;
    if (!type) return fail(ErrorKind::kInvalid, call.function + " takes a field");
    if (isLoose && takesLooseNumbers(call)) return makeLoose(call, *type);
    for (const auto make :
         {makeSum, makeExtreme, makeFirstRow, makeVariance, makeDistinct, makeApproximate})
        if (auto made = make(call, *type)) return made;
    return fail(ErrorKind::kInvalid, call.function + " takes numbers, but \"" + call.argument +
                                         "\" is of type " + toString(*type) +
                                         ": give the field a type where it is read, such as " +
                                         "{at = ..., type = \"int\"}, or cast it");
}

}  // namespace tidemill::rows
