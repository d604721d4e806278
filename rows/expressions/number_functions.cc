// Functions of numbers. Where a result has no value, as PostgreSQL says, the row fails.
#include <charconv>
#include <cmath>
#include <limits>

#include "rows/expressions/call.h"
#include "rows/expressions/float_result.h"
#include "rows/expressions/function_table.h"

namespace tidemill::rows::expressions {
namespace {

using Int = std::int64_t;
constexpr Type kInt = Type::kInt, kFloat = Type::kFloat;

// A result that is infinite, or none, though no argument is.
double checked(Call& call, const char* name, double of, double value) {
    if (std::isinf(value) && !std::isinf(of))
        call.fail(std::string(name) + "(" + floatText(of) + ") is out of range of a float");
    return value;
}

Int absInt(Call& call, Int value) {
    if (value == std::numeric_limits<Int>::min())
        call.fail("abs(" + std::to_string(value) + ") does not fit an int");
    return value < 0 ? static_cast<Int>(0 - static_cast<std::uint64_t>(value)) : value;
}
double absFloat(double value) { return std::fabs(value); }
Int sameInt(Int value) { return value; }
double ceilFloat(double value) { return std::ceil(value); }
double floorFloat(double value) { return std::floor(value); }
double roundFloat(double value) { return std::rint(value); }
double truncFloat(double value) { return std::trunc(value); }
Int signInt(Int value) { return (value > 0) - (value < 0); }
double signFloat(double value) { return static_cast<double>((value > 0) - (value < 0)); }

// Ties go away from zero, of the decimal number of 15 digits that stands for the float: 2.675 is
// rounded to 2.68, though its float is a little less.
template <bool cut>
double atPlaces(Call&, double value, Int places) {
    if (!std::isfinite(value) || places > 330) return value;
    if (places < -330) return 0;
    char text[40];
    // "d.dddddddddddddde±xxx"
    const auto end = std::to_chars(text, text + sizeof text, std::fabs(value),
                                   std::chars_format::scientific, 14);
    char digits[17];
    digits[0] = '0';
    digits[1] = text[0];
    for (int i = 0; i < 14; ++i) digits[2 + i] = text[2 + i];
    int exponent = 0;
    const char* at = text + 17;  // behind the "e"
    std::from_chars(*at == '+' ? at + 1 : at, end.ptr, exponent);
    // So many digits are kept of 0ddd…; those behind are dropped.
    const Int kept = exponent + places + 2;
    if (kept >= 16) return value;
    if (kept < 1) return 0;
    const auto count = static_cast<int>(kept);
    if (!cut && digits[count] >= '5') {
        int i = count - 1;
        while (digits[i] == '9') digits[i--] = '0';
        ++digits[i];
    }
    char made[48];
    char* out = made;
    for (int i = 0; i < count; ++i) *out++ = digits[i];
    *out++ = 'e';
    out = std::to_chars(out, made + sizeof made, exponent - (count - 2)).ptr;
    double rounded = 0;
    std::from_chars(made, out, rounded);
    return value < 0 && rounded != 0 ? -rounded : rounded;
}

// The decimal places of an int are those before its point.
template <bool cut>
Int atPlacesInt(Call& call, Int value, Int places) {
    if (places >= 0) return value;
    if (places < -19) return 0;
    __extension__ using Wide = __int128;
    Wide unit = 1;
    for (Int i = 0; i < -places; ++i) unit *= 10;
    Wide rounded = Wide{value} / unit * unit;
    if (const Wide rest = Wide{value} - rounded; !cut) {
        if (rest * 2 >= unit) rounded += unit;
        if (rest * -2 >= unit) rounded -= unit;
    }
    if (rounded != static_cast<Int>(rounded))
        call.fail("round(" + std::to_string(value) + ", " + std::to_string(places) +
                  ") does not fit an int");
    return static_cast<Int>(rounded);
}

double squareRoot(Call& call, double value) {
    if (value < 0) call.fail("the square root of " + floatText(value));
    return std::sqrt(value);
}
double cubeRoot(double value) { return std::cbrt(value); }

double exponential(Call& call, double value) {
    const double made = std::exp(value);
    if (made == 0 && !std::isinf(value))
        call.fail("exp(" + floatText(value) + ") is out of range of a float");
    return checked(call, "exp", value, made);
}

bool hasLogarithm(Call& call, double value) {
    if (value > 0 || std::isnan(value)) return true;
    call.fail("the logarithm of " + floatText(value));
    return false;
}
double naturalLog(Call& call, double value) {
    return hasLogarithm(call, value) ? std::log(value) : 0;
}
double decimalLog(Call& call, double value) {
    return hasLogarithm(call, value) ? std::log10(value) : 0;
}
double logOfBase(Call& call, double base, double value) {
    if (!hasLogarithm(call, base) || !hasLogarithm(call, value)) return 0;
    if (base == 1) {
        call.fail("the logarithm of base 1");
        return 0;
    }
    return std::log(value) / std::log(base);
}

double power(Call& call, double base, double exponent) {
    if (std::isnan(base)) return exponent == 0 ? 1.0 : base;
    if (std::isnan(exponent)) return base == 1 ? 1.0 : exponent;
    if (base == 0 && exponent < 0) {
        call.fail("zero raised to " + floatText(exponent));
        return 0;
    }
    if (base < 0 && std::floor(exponent) != exponent) {
        call.fail(floatText(base) + " raised to " + floatText(exponent) + " is no real number");
        return 0;
    }
    const double value = std::pow(base, exponent);
    const bool isFinite = std::isfinite(base) && std::isfinite(exponent);
    if (isFinite && (std::isinf(value) || (value == 0 && base != 0)))
        call.fail(outOfRange(base, '^', exponent));
    return value;
}

Int modInt(Call& call, Int a, Int b) {
    if (b == 0) call.fail("remainder of " + std::to_string(a) + " by zero");
    return b == 0 || b == -1 ? 0 : a % b;
}
double modFloat(Call& call, double a, double b) {
    if (b == 0 && !std::isnan(a)) call.fail("remainder of " + floatText(a) + " by zero");
    return b == 0 && !std::isnan(a) ? 0 : std::fmod(a, b);
}
Int divInt(Call& call, Int a, Int b) {
    Int made = 0;
    if (b == 0) call.fail("division of " + std::to_string(a) + " by zero");
    else if (b == -1 && __builtin_sub_overflow(Int{0}, a, &made))
        call.fail("div(" + std::to_string(a) + ", -1) does not fit an int");
    return b == 0 || b == -1 ? made : a / b;
}

}  // namespace

Family numberFunctions() {
    std::vector<Function> all;
    const auto add = [&](std::string name, std::vector<Type> arguments, Type result, MakeEval make,
                         std::string meaning, bool canFail = false) {
        all.push_back({std::move(name), std::move(arguments), result, std::move(meaning), canFail,
                       false, always(std::move(make))});
    };
    add("abs", {kInt}, kInt, map<absInt, kInt, kInt>(), "without its sign", true);
    add("abs", {kFloat}, kFloat, loop<absFloat, kFloat, kFloat>(), "likewise");
    for (const char* name : {"ceil", "ceiling"}) {
        add(name, {kInt}, kInt, loop<sameInt, kInt, kInt>(), "itself");
        add(name, {kFloat}, kFloat, loop<ceilFloat, kFloat, kFloat>(),
            "the next whole number above");
    }
    add("floor", {kInt}, kInt, loop<sameInt, kInt, kInt>(), "itself");
    add("floor", {kFloat}, kFloat, loop<floorFloat, kFloat, kFloat>(),
        "the next whole number below");
    add("round", {kInt}, kInt, loop<sameInt, kInt, kInt>(), "itself");
    add("round", {kFloat}, kFloat, loop<roundFloat, kFloat, kFloat>(),
        "the nearest whole number; of two the even one");
    add("round", {kInt, kInt}, kInt, map<atPlacesInt<false>, kInt, kInt, kInt>(),
        "to tens, hundreds, …: `round(1250, -2)` is 1300", true);
    add("round", {kFloat, kInt}, kFloat, map<atPlaces<false>, kFloat, kFloat, kInt>(),
        "to so many decimal places: `round(2.675, 2)` is 2.68");
    add("trunc", {kInt}, kInt, loop<sameInt, kInt, kInt>(), "itself");
    add("trunc", {kFloat}, kFloat, loop<truncFloat, kFloat, kFloat>(),
        "the whole number towards zero");
    add("trunc", {kInt, kInt}, kInt, map<atPlacesInt<true>, kInt, kInt, kInt>(),
        "to tens, hundreds, …, towards zero");
    add("trunc", {kFloat, kInt}, kFloat, map<atPlaces<true>, kFloat, kFloat, kInt>(),
        "to so many decimal places, towards zero");
    add("sign", {kInt}, kInt, loop<signInt, kInt, kInt>(), "-1, 0 or 1");
    add("sign", {kFloat}, kFloat, loop<signFloat, kFloat, kFloat>(), "-1, 0 or 1");
    add("mod", {kInt, kInt}, kInt, map<modInt, kInt, kInt, kInt>(),
        "the remainder, with the sign of the first; also `x % y`", true);
    add("mod", {kFloat, kFloat}, kFloat, map<modFloat, kFloat, kFloat, kFloat>(), "likewise", true);
    add("div", {kInt, kInt}, kInt, map<divInt, kInt, kInt, kInt>(),
        "the whole quotient, towards zero", true);
    add("power", {kFloat, kFloat}, kFloat, map<power, kFloat, kFloat, kFloat>(), "also `x ^ y`",
        true);
    add("sqrt", {kFloat}, kFloat, map<squareRoot, kFloat, kFloat>(), "the square root", true);
    add("cbrt", {kFloat}, kFloat, loop<cubeRoot, kFloat, kFloat>(), "the cube root");
    add("exp", {kFloat}, kFloat, map<exponential, kFloat, kFloat>(), "e to its power", true);
    add("ln", {kFloat}, kFloat, map<naturalLog, kFloat, kFloat>(), "the natural logarithm", true);
    for (const char* name : {"log", "log10"})
        add(name, {kFloat}, kFloat, map<decimalLog, kFloat, kFloat>(), "the logarithm of base 10",
            true);
    add("log", {kFloat, kFloat}, kFloat, map<logOfBase, kFloat, kFloat, kFloat>(),
        "`log(2, x)`: the logarithm of a base", true);
    return {"Numbers", std::move(all)};
}

}  // namespace tidemill::rows::expressions
