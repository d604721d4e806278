#include "tests/rows/random_expression.h"

#include <initializer_list>
#include <string_view>

namespace tidemill::rows::test {
namespace {

using Two = BothTexts;

// "%" stands for the arguments, one after the other.
std::string filled(std::string_view form, const std::vector<std::string>& arguments) {
    std::string text;
    std::size_t next = 0;
    for (const char c : form) {
        if (c == '%') text += arguments[next++];
        else if (c == '@')  // a percent sign
            text += '%';
        else text += c;
    }
    return text;
}

Two both(std::string_view form, const std::vector<Two>& arguments,
         std::string_view theirForm = {}) {
    std::vector<std::string> mine, theirs;
    for (const Two& argument : arguments) {
        mine.push_back(argument.mine);
        theirs.push_back(argument.theirs);
    }
    return {filled(form, mine), filled(theirForm.empty() ? form : theirForm, theirs)};
}

std::string inQuotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
}

constexpr const char* kInts[] = {"0",
                                 "1",
                                 "2",
                                 "7",
                                 "10",
                                 "100",
                                 "-1",
                                 "-13",
                                 "4294967296",
                                 "9223372036854775807",
                                 "-9223372036854775807"};
constexpr const char* kFloats[] = {"0.0",    "1.5",  "-2.25", "0.1", "1e10", "1e300",
                                   "1e-300", "-7.0", "2.0",   "3.0", "100.0"};
constexpr const char* kTexts[] = {"",      "a",    "ab", "%", "é",          "日本", " x ",
                                  "A-b_c", "it's", "\\", "b", "2024-02-29", "aaa"};
constexpr const char* kPatterns[] = {"a%",  "%b",  "%a%",  "_b%",   "%_", "a_c",
                                     "",    "%é%", "a\\%", "%a_b%", "_",  "%%",
                                     "日%", "%x_", "__",   "%b_c",  "A-%"};
constexpr const char* kRegexes[] = {"a",      "^a", "b$",     "[0-9]+", "^\\s*x", "a.*b", "(a)(b)?",
                                    "[^a-z]", "^$", "\\d{2}", "a+",     "é",      "^.$"};
constexpr const char* kSpans[] = {"1 day",   "2 hours 30 min", "-1 month",
                                  "1 year",  "90 s",           "1.5 days",
                                  "3 weeks", "-00:00:01.5",    "1 year 2 months 3 days",
                                  "250 ms",  "11 months",      "1 day 02:03:04.000005"};
constexpr const char* kUnits[] = {"second", "minute",  "hour",       "day",
                                  "week",   "month",   "quarter",    "year",
                                  "decade", "century", "millennium", "milliseconds"};
constexpr const char* kParts[] = {"epoch",      "second",       "minute",      "hour",   "day",
                                  "dow",        "isodow",       "doy",         "week",   "month",
                                  "quarter",    "year",         "isoyear",     "decade", "century",
                                  "millennium", "milliseconds", "microseconds"};
constexpr const char* kFormats[] = {"YYYY-MM-DD HH24:MI:SS.US",
                                    "YY/MM/DD",
                                    "Mon DD, YYYY",
                                    "FMMonth FMDDth",
                                    "Day",
                                    "DY dy Dy",
                                    "HH12:MI AM",
                                    "HH:MI p.m.",
                                    "DDD IDDD WW IW",
                                    "IYYY-IW-ID",
                                    "Q",
                                    "CC",
                                    "J",
                                    "MS US FF3",
                                    "SSSS",
                                    "\"week\" W",
                                    "Y,YYY",
                                    "MONTH month",
                                    "RM",
                                    "TZ TZH",
                                    "YYYth",
                                    "D d",
                                    "FMHH24FMMI",
                                    "BC"};

}  // namespace

std::string RandomExpression::takeVariables() {
    std::string text;
    for (const auto& variable : variables_) text += variable;
    variables_.clear();
    return text;
}

Two RandomExpression::variable(const std::string& mine, const std::string& type,
                               const std::string& value) {
    const std::string name = "k" + std::to_string(variables_.size());
    variables_.push_back(name + " " + type + " := " + value + "; ");
    return {mine, name};
}

Two RandomExpression::constant(Type type) {
    switch (type) {
        case Type::kInt: {
            const std::string text = one(kInts);
            return variable("(" + text + ")", "int8", inQuotes(text));
        }
        case Type::kFloat: {
            const std::string text = one(kFloats);
            return variable("(" + text + ")", "float8", inQuotes(text));
        }
        case Type::kBool: {
            const std::string text = below(2) == 0 ? "true" : "false";
            return variable(text, "bool", text);
        }
        case Type::kText: {
            const std::string text = inQuotes(one(kTexts));
            return variable(text, "text", text);
        }
        case Type::kTime: {
            const std::string text = "'2024-02-29T12:34:56.789Z'";
            return variable(text + "::time", "timestamptz", text);
        }
        case Type::kJson: break;
    }
    const std::string text = R"('{"a": [1, {"b": "x"}], "c": null}')";
    return variable(text + "::json", "json", text);
}

Two RandomExpression::column(Type type) {
    const auto same = [](std::string name) { return Two{name, name}; };
    switch (type) {
        case Type::kInt: return same(below(2) == 0 ? "i" : "j");
        case Type::kFloat: return same(below(2) == 0 ? "x" : "y");
        case Type::kBool: return same(below(2) == 0 ? "b" : "c");
        case Type::kText: return same(below(3) == 0 ? "t" : below(4) == 0 ? "u" : "s");
        case Type::kTime: return same(below(2) == 0 ? "w" : "v");
        case Type::kJson: break;
    }
    return same("d");
}

Two RandomExpression::of(Type type, int depth) {
    if (depth <= 0 || below(12) == 0) return below(4) == 0 ? constant(type) : column(type);
    if (below(6) == 0) return chosen(type, depth);
    switch (type) {
        case Type::kInt: return intOf(depth);
        case Type::kFloat: return floatOf(depth);
        case Type::kBool: return boolOf(depth);
        case Type::kText: return textOf(depth);
        case Type::kTime: return timeOf(depth);
        case Type::kJson: break;
    }
    return jsonOf(depth);
}

Two RandomExpression::chosen(Type type, int depth) {
    const auto a = of(type, depth - 1), b = of(type, depth - 1);
    const bool hasOrder = type != Type::kJson;
    switch (below(hasOrder ? 6 : 3)) {
        case 0: return both("case when % then % else % end", {of(Type::kBool, depth - 1), a, b});
        case 1:
            return both("case when % then % when % then % end",
                        {of(Type::kBool, depth - 1), a, of(Type::kBool, depth - 1), b});
        case 2: return both("coalesce(%, %)", {a, b});
        case 3: return both("nullif(%, %)", {a, b});
        case 4: return both("greatest(%, %, %)", {a, b, of(type, depth - 1)});
        default: return both("least(%, %)", {a, b});
    }
}

Two RandomExpression::smallInt(int depth) {
    static constexpr const char* kSmall[] = {"0", "1", "2", "3", "5", "8", "-1", "-2", "-4"};
    if (below(2) == 0) {
        const std::string text = one(kSmall);
        return variable("(" + text + ")", "int4", inQuotes(text));
    }
    return both("(% @ 7)", {of(Type::kInt, depth - 1)}, "(% @ 7::int8)::int4");
}

// Of few digits: of more, numeric keeps 15, and of two texts that read back as the same PostgreSQL
// may take the other.
Two RandomExpression::shortFloat(int depth) {
    return both("((% @ 10000000) / 8.0)", {of(Type::kInt, depth - 1)},
                "((% @ 10000000::int8) / 8.0::float8)");
}

Two RandomExpression::pattern() {
    const std::string text = inQuotes(one(kPatterns));
    return variable(text, "text", text);
}

Two RandomExpression::intOf(int depth) {
    const auto a = of(Type::kInt, depth - 1);
    switch (below(20)) {
        case 0:
        case 1: return both("(% + %)", {a, of(Type::kInt, depth - 1)});
        case 2: return both("(% - %)", {a, of(Type::kInt, depth - 1)});
        case 3: return both("(% * %)", {a, of(Type::kInt, depth - 1)});
        case 4:
        case 5: return both("(% / %)", {a, of(Type::kInt, depth - 1)});
        case 6: return both("(% @ %)", {a, of(Type::kInt, depth - 1)});
        case 7: return both("(- %)", {a});
        case 8: return both("abs(%)", {a});
        case 9: return both("sign(%)", {a}, "sign(%)::int8");
        case 10: return both("length(%)", {of(Type::kText, depth - 1)}, "length(%)::int8");
        case 11:
            return both("strpos(%, %)", {of(Type::kText, depth - 1), of(Type::kText, 0)},
                        "strpos(%, %)::int8");
        case 12: return both("%::int", {of(Type::kFloat, depth - 1)}, "%::int8");
        case 13: return both("%::int", {column(Type::kText)}, "%::int8");
        case 14: return both("%::int", {of(Type::kBool, depth - 1)}, "%::int4::int8");
        case 15:
            return both("octet_length(%)", {of(Type::kText, depth - 1)}, "octet_length(%)::int8");
        case 16: return both("round(%, -2)", {a}, "round(%::numeric, -2)::int8");
        case 17: return both("mod(%, %)", {a, of(Type::kInt, depth - 1)});
        case 18: return both("ascii(%)", {of(Type::kText, depth - 1)}, "ascii(%)::int8");
        default:
            return both("regexp_count(%, " + inQuotes(one(kRegexes)) + ")",
                        {of(Type::kText, depth - 1)});
    }
}

Two RandomExpression::floatOf(int depth) {
    const auto a = of(Type::kFloat, depth - 1);
    const auto b = [&] { return of(Type::kFloat, depth - 1); };
    static constexpr const char* kOfOne[] = {"abs(%)",   "ceil(%)", "floor(%)", "round(%)",
                                             "trunc(%)", "sqrt(%)", "exp(%)",   "ln(%)",
                                             "log(%)",   "cbrt(%)", "sign(%)",  "log10(%)"};
    switch (below(16)) {
        case 0:
        case 1: return both("(% + %)", {a, b()});
        case 2: return both("(% - %)", {a, b()});
        case 3: return both("(% * %)", {a, b()});
        case 4:
        case 5: return both("(% / %)", {a, b()});
        case 6: return both("(- %)", {a});
        case 7:
        case 8: return both(one(kOfOne), {a});
        case 9: return both("power(%, %)", {a, b()});
        case 10: return both("(% + %)", {a, of(Type::kInt, depth - 1)});
        case 11: return both("%::float", {of(Type::kInt, depth - 1)}, "%::float8");
        case 12: return both("%::float", {column(Type::kText)}, "%::float8");
        case 13: {
            static constexpr const char* kPlaces[] = {"0", "1", "2", "-1", "5"};
            const std::string places = one(kPlaces), name = below(2) == 0 ? "round" : "trunc";
            return both(name + "(%, " + places + ")", {shortFloat(depth)},
                        name + "(%::numeric, " + places + ")::float8");
        }
        case 14: return both("(% / %)", {of(Type::kInt, depth - 1), b()});
        default: {
            const std::string part = one(kParts);
            return both("extract(" + part + " from %)", {of(Type::kTime, depth - 1)},
                        "extract(" + part + " from %)::float8");
        }
    }
}

Two RandomExpression::boolOf(int depth) {
    static constexpr const char* kComparisons[] = {"=", "<>", "<", "<=", ">", ">=", "!="};
    static constexpr Type kOrdered[] = {Type::kInt, Type::kFloat, Type::kText, Type::kTime,
                                        Type::kBool};
    const std::string comparison = one(kComparisons);
    const Type type = one(kOrdered);
    const auto value = [&] { return of(type, depth - 1); };
    const auto condition = [&] { return of(Type::kBool, depth - 1); };
    switch (below(20)) {
        case 0:
        case 1:
        case 2: return both("(% " + comparison + " %)", {value(), value()});
        case 3: return both("(% " + comparison + " %)", {value(), constant(type)});
        case 4: return both("(% and %)", {condition(), condition()});
        case 5: return both("(% or %)", {condition(), condition()});
        case 6: return both("(% and % and not %)", {condition(), condition(), condition()});
        case 7: return both("(not %)", {condition()});
        case 8: return both("(% is null)", {value()});
        case 9: return both("(% is not null)", {value()});
        case 10: return both("(% is distinct from %)", {value(), value()});
        case 11:
            return both("(% in (%, %, %))", {value(), constant(type), constant(type),
                                             below(3) == 0 ? column(type) : constant(type)});
        case 12: return both("(% between % and %)", {value(), value(), value()});
        case 13: return both("(% like %)", {of(Type::kText, depth - 1), pattern()});
        case 14: return both("(% not ilike %)", {of(Type::kText, depth - 1), pattern()});
        case 15: return both("(% ~ " + inQuotes(one(kRegexes)) + ")", {of(Type::kText, depth - 1)});
        case 16:
            return both("(% !~* " + inQuotes(one(kRegexes)) + ")", {of(Type::kText, depth - 1)});
        case 17: return both("starts_with(%, %)", {of(Type::kText, depth - 1), of(Type::kText, 0)});
        case 18: {
            static constexpr const char* kTests[] = {"is true", "is not true", "is false",
                                                     "is unknown", "is not unknown"};
            return both(std::string("(% ") + one(kTests) + ")", {condition()});
        }
        default:
            return both("(% " + comparison + " %)",
                        {of(Type::kInt, depth - 1), of(Type::kFloat, depth - 1)});
    }
}

Two RandomExpression::textOf(int depth) {
    const auto a = of(Type::kText, depth - 1);
    static constexpr const char* kOfOne[] = {"lower(%)",
                                             "upper(%)",
                                             "btrim(%)",
                                             "ltrim(%)",
                                             "rtrim(%)",
                                             "reverse(%)",
                                             "md5(%)",
                                             "trim(both ' xa' from %)",
                                             "trim(leading 'a' from %)",
                                             "trim(trailing from %)"};
    const auto part = [&] { return of(Type::kText, 0); };
    switch (below(22)) {
        case 0:
        case 1:
        case 2: return both(one(kOfOne), {a});
        case 3: return both("substr(%, %)", {a, smallInt(depth)});
        case 4: return both("substring(% from % for %)", {a, smallInt(depth), smallInt(depth)});
        case 5: return both("left(%, %)", {a, smallInt(depth)});
        case 6: return both("right(%, %)", {a, smallInt(depth)});
        case 7: return both("replace(%, %, %)", {a, part(), part()});
        case 8: return both("split_part(%, %, %)", {a, part(), smallInt(depth)});
        case 9:
        case 10: return both("(% || %)", {a, part()});
        case 11: return both("concat(%, %, %)", {a, part(), of(Type::kInt, depth - 1)});
        case 12: return both("concat_ws(%, %, %)", {part(), a, part()});
        case 13: return both("lpad(%, %, %)", {a, smallInt(depth), part()});
        case 14: return both("rpad(%, %)", {a, smallInt(depth)});
        case 15: return both("repeat(%, %)", {part(), smallInt(depth)});
        case 16: {
            static constexpr const char* kReplacements[] = {"<\\&>", "x", "[\\1]", "", "\\\\"};
            const std::string flags = below(2) == 0 ? ", 'g'" : "";
            return both("regexp_replace(%, " + inQuotes(one(kRegexes)) + ", " +
                            inQuotes(one(kReplacements)) + flags + ")",
                        {a});
        }
        case 17: {
            const std::string regex = inQuotes(one(kRegexes));
            return both("regexp_match(%, " + regex + ")", {a},
                        "(regexp_match(%, " + regex + "))[1]");
        }
        case 18:
            return both("%::text", {below(2) == 0 ? of(Type::kInt, depth - 1) : shortFloat(depth)});
        case 19: return both("%::text", {of(Type::kBool, depth - 1)});
        case 20:
            return both("to_char(%, " + inQuotes(one(kFormats)) + ")",
                        {of(Type::kTime, depth - 1)});
        default: {
            static constexpr const char* kSteps[] = {"% ->> 'a'", "% ->> 0", "% #>> '{a,0}'",
                                                     "% #>> '{a,1,b}'", "% ->> -1"};
            if (below(3) == 0)
                return both("sha256(%)", {a}, "encode(sha256(convert_to(%, 'UTF8')), 'hex')");
            return both(std::string("(") + one(kSteps) + ")", {of(Type::kJson, depth - 1)});
        }
    }
}

Two RandomExpression::timeOf(int depth) {
    const auto a = of(Type::kTime, depth - 1);
    switch (below(5)) {
        case 0: return both("(% + interval " + inQuotes(one(kSpans)) + ")", {a});
        case 1: return both("(% - interval " + inQuotes(one(kSpans)) + ")", {a});
        case 2:
            return both("to_timestamp(%)", {both("(% @ 100000000)", {of(Type::kInt, depth - 1)},
                                                 "(% @ 100000000::int8)")});
        default: return both("date_trunc(" + inQuotes(one(kUnits)) + ", %)", {a});
    }
}

Two RandomExpression::jsonOf(int depth) {
    static constexpr const char* kSteps[] = {"(% -> 'a')", "(% -> 0)", "(% -> -1)",
                                             "(% #> '{a,1}')", "(% -> 'c')"};
    return both(one(kSteps), {of(Type::kJson, depth - 1)});
}

}  // namespace tidemill::rows::test
