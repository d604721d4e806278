#include <algorithm>
#include <map>

#include "core/format.h"
#include "rows/sql/tree.h"

namespace tidemill::rows::sql {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// The last of a list of names: "int4" of pg_catalog.int4.
std::string lastName(const Json& names) {
    if (!names.is_array() || names.empty()) return "";
    return text(member(names.back(), "String"), "sval");
}

// What is not evaluated here, by the name of its node in PostgreSQL's tree.
std::string nameOfRefused(const std::string& tag) {
    static const std::map<std::string, std::string> kNames = {
        {"SubLink", "a subquery is"},
        {"A_ArrayExpr", "an array is"},
        {"A_Indirection", "a subscript is"},
        {"RowExpr", "a row is"},
        {"ParamRef", "a parameter is"},
        {"CollateClause", "collate is"},
        {"XmlExpr", "XML is"},
        {"XmlSerialize", "XML is"},
        {"GroupingFunc", "grouping() is"},
        {"NamedArgExpr", "an argument by name is"},
        {"SetToDefault", "default is"},
        {"CurrentOfExpr", "current of is"},
        {"A_Star", "\"*\" is"},
    };
    const auto found = kNames.find(tag);
    return (found == kNames.end() ? tag + " is" : found->second) + " not evaluated here";
}

// libpg_query leaves the value out of the JSON of an int that is zero or negative (15-4.0.0). It is
// read at its place instead: what stands before its digits are minus signs, brackets, blanks and
// comments.
std::string notPositive(std::string_view text, std::size_t at) {
    if (at == kNowhere) return "0";
    while (at < text.size() && (text[at] < '0' || text[at] > '9')) {
        const std::string_view rest = text.substr(at);
        if (rest.starts_with("--")) {
            at += std::min(rest.find('\n'), rest.size());
        } else if (rest.starts_with("/*")) {
            std::size_t depth = 0;
            do {  // they nest
                const bool opens = text.substr(at).starts_with("/*");
                const bool closes = text.substr(at).starts_with("*/");
                if (opens) ++depth;
                if (closes) --depth;
                at += opens || closes ? 2 : 1;
            } while (depth > 0 && at < text.size());
        } else {
            ++at;
        }
    }
    std::size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    const std::string digits(text.substr(at, end - at));
    return digits.find_first_not_of('0') == std::string::npos ? "0" : "-" + digits;
}

}  // namespace

Term callOf(std::string name, std::size_t at, std::vector<Term> arguments) {
    Term term;
    term.kind = Term::Kind::kCall;
    term.name = std::move(name);
    term.at = at;
    term.arguments = std::move(arguments);
    return term;
}

std::size_t TermReader::place(const Json& inner) const {
    const Json& location = member(inner, "location");
    if (!location.is_number_integer()) return kNowhere;
    const auto at = location.get<std::int64_t>();
    if (at < static_cast<std::int64_t>(prefix_)) return kNowhere;
    return static_cast<std::size_t>(at) - prefix_;
}

Result<Term> TermReader::term(const Json& node) {
    if (!node.is_object() || node.size() != 1)
        return fail(ErrorKind::kInvalid, "an expression is missing");
    const std::string tag = node.begin().key();
    const Json& inner = node.begin().value();
    if (depth_ == kTermDepthMax)
        return refuse(inner,
                      "expressions are nested at most " + std::to_string(kTermDepthMax) + " deep");
    ++depth_;
    const struct Leave {
        std::size_t& depth;
        ~Leave() { --depth; }
    } leave{depth_};
    if (tag == "ColumnRef") return column(inner);
    if (tag == "A_Const") return constant(inner);
    if (tag == "A_Expr") return expression(inner);
    if (tag == "BoolExpr") return boolean(inner);
    if (tag == "NullTest" || tag == "BooleanTest") {
        TM_ASSIGN(Term of, term(member(inner, "arg")));
        std::string name = text(inner, tag == "NullTest" ? "nulltesttype" : "booltesttype");
        const bool isNegated = name.starts_with("IS_NOT_");
        name = name.substr(isNegated ? 7 : 3);
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        // The place is behind the operand; that of the operand is looked for first.
        std::vector<Term> arguments;
        arguments.push_back(std::move(of));
        Term test = callOf("is " + name, place(inner), std::move(arguments));
        if (!isNegated) return test;
        std::vector<Term> negated;
        negated.push_back(std::move(test));
        return callOf("not", place(inner), std::move(negated));
    }
    if (tag == "CaseExpr") return caseOf(inner);
    if (tag == "CoalesceExpr") return call(inner, "coalesce", member(inner, "args"));
    if (tag == "MinMaxExpr")
        return call(inner, text(inner, "op") == "IS_LEAST" ? "least" : "greatest",
                    member(inner, "args"));
    if (tag == "FuncCall") return function(inner);
    if (tag == "TypeCast") return cast(inner);
    if (tag == "SQLValueFunction")
        return refuse(inner,
                      "the current time or user is not evaluated here: a batch that is run "
                      "again after a crash would get another one; take the time from the "
                      "record");
    return refuse(inner, nameOfRefused(tag));
}

Result<Term> TermReader::column(const Json& inner) {
    Term term;
    term.kind = Term::Kind::kColumn;
    term.at = place(inner);
    const Json& fields = member(inner, "fields");
    if (fields.size() > 2) return refuse(inner, "a field is named NAME or STREAM.NAME");
    for (const Json& field : fields) {
        if (field.contains("A_Star")) {
            term.kind = Term::Kind::kStar;
        } else {
            if (!term.name.empty()) term.table = term.name;
            term.name = text(member(field, "String"), "sval");
        }
    }
    if (term.kind == Term::Kind::kStar) {
        term.table = term.name;
        term.name.clear();
    }
    return term;
}

Result<Term> TermReader::constant(const Json& inner) {
    Term term;
    term.at = place(inner);
    if (flag(inner, "isnull")) return term;
    if (inner.contains("ival")) {
        term.kind = Term::Kind::kInt;
        const Json& value = member(inner["ival"], "ival");
        term.name = value.is_number_integer() ? std::to_string(value.get<std::int64_t>())
                                              : notPositive(sql_.text(), term.at);
    } else if (inner.contains("fval")) {
        // Whole numbers beyond 32 bits come as texts too.
        term.name = text(inner["fval"], "fval");
        const bool isWhole =
            term.name.find_first_not_of("0123456789", term.name[0] == '-') == std::string::npos;
        term.kind = isWhole ? Term::Kind::kInt : Term::Kind::kFloat;
    } else if (inner.contains("boolval")) {
        term.kind = Term::Kind::kBool;
        term.name = flag(inner["boolval"], "boolval") ? "true" : "false";
    } else if (inner.contains("sval")) {
        term.kind = Term::Kind::kText;
        term.name = text(inner["sval"], "sval");
    } else {
        return refuse(inner, "a bit string is not evaluated here");
    }
    return term;
}

Result<std::vector<Term>> TermReader::terms(const Json& list) {
    std::vector<Term> terms;
    if (!list.is_array()) return terms;
    for (const Json& node : list) {
        TM_ASSIGN(Term next, term(node));
        terms.push_back(std::move(next));
    }
    return terms;
}

Result<Term> TermReader::call(const Json& inner, std::string name, const Json& list) {
    TM_ASSIGN(auto arguments, terms(list));
    return callOf(std::move(name), place(inner), std::move(arguments));
}

Result<Term> TermReader::expression(const Json& inner) {
    const std::string kind = text(inner, "kind");
    const std::string name = lastName(member(inner, "name"));
    if (kind == "AEXPR_LIKE" || kind == "AEXPR_ILIKE") return like(inner, kind == "AEXPR_ILIKE");
    if (kind.ends_with("BETWEEN") || kind.ends_with("BETWEEN_SYM")) return between(inner, kind);
    if (kind == "AEXPR_SIMILAR")
        return refuse(inner,
                      "similar to is not evaluated here; write a regular expression: x ~ "
                      "'^…$'");
    std::vector<Term> arguments;
    if (const Json& left = member(inner, "lexpr"); !left.is_null()) {
        TM_ASSIGN(Term argument, term(left));
        arguments.push_back(std::move(argument));
    }
    const Json& right = member(inner, "rexpr");
    if (kind == "AEXPR_IN" || kind == "AEXPR_OP_ANY") {
        const Json* list = &member(member(right, "List"), "items");
        if (kind == "AEXPR_OP_ANY") {
            if (name != "=" || !right.contains("A_ArrayExpr"))
                return refuse(inner, "any (…) is not evaluated here; write x in (…)");
            list = &member(right["A_ArrayExpr"], "elements");
        }
        TM_ASSIGN(auto values, terms(*list));
        for (Term& value : values) arguments.push_back(std::move(value));
        Term in = callOf("in", place(inner), std::move(arguments));
        if (name != "<>") return in;
        std::vector<Term> negated;
        negated.push_back(std::move(in));
        return callOf("not", place(inner), std::move(negated));
    }
    if (kind == "AEXPR_OP_ALL") return refuse(inner, "all (…) is not evaluated here");
    TM_ASSIGN(Term argument, term(right));
    arguments.push_back(std::move(argument));
    if (kind == "AEXPR_NULLIF") {
        // case when a = b then null else a end
        std::vector<Term> parts;
        Term otherwise = arguments[0];
        parts.push_back(callOf("=", place(inner), std::move(arguments)));
        parts.emplace_back();
        parts.push_back(std::move(otherwise));
        return callOf("case", place(inner), std::move(parts));
    }
    if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") {
        Term test = callOf("is distinct from", place(inner), std::move(arguments));
        if (kind == "AEXPR_DISTINCT") return test;
        std::vector<Term> negated;
        negated.push_back(std::move(test));
        return callOf("not", place(inner), std::move(negated));
    }
    if (kind != "AEXPR_OP") return refuse(inner, nameOfRefused(kind));
    if (name == "~~" || name == "~~*" || name == "!~~" || name == "!~~*")
        return like(inner, name.ends_with('*'));
    return callOf(name, place(inner), std::move(arguments));
}

Result<Term> TermReader::like(const Json& inner, bool anyCase) {
    std::vector<Term> arguments;
    TM_ASSIGN(Term value, term(member(inner, "lexpr")));
    arguments.push_back(std::move(value));
    const Json& right = member(inner, "rexpr");
    const Json& escaped = member(right, "FuncCall");
    if (escaped.is_object() && lastName(member(escaped, "funcname")) == "like_escape") {
        TM_ASSIGN(auto both, terms(member(escaped, "args")));
        for (Term& part : both) arguments.push_back(std::move(part));
    } else {
        TM_ASSIGN(Term pattern, term(right));
        arguments.push_back(std::move(pattern));
    }
    Term made = callOf(anyCase ? "ilike" : "like", place(inner), std::move(arguments));
    if (!lastName(member(inner, "name")).starts_with('!')) return made;
    std::vector<Term> negated;
    negated.push_back(std::move(made));
    return callOf("not", place(inner), std::move(negated));
}

Result<Term> TermReader::between(const Json& inner, const std::string& kind) {
    TM_ASSIGN(Term value, term(member(inner, "lexpr")));
    TM_ASSIGN(auto limits, terms(member(member(member(inner, "rexpr"), "List"), "items")));
    if (limits.size() != 2) return refuse(inner, "between needs two limits");
    const std::size_t at = place(inner);
    const auto isWithin = [&](const Term& low, const Term& high) {
        return callOf("and", at, {callOf(">=", at, {value, low}), callOf("<=", at, {value, high})});
    };
    Term made = isWithin(limits[0], limits[1]);
    if (kind.ends_with("_SYM")) made = callOf("or", at, {made, isWithin(limits[1], limits[0])});
    if (kind.starts_with("AEXPR_NOT")) made = callOf("not", at, {made});
    return made;
}

Result<Term> TermReader::boolean(const Json& inner) {
    const std::string op = text(inner, "boolop");
    return call(inner,
                op == "AND_EXPR"  ? "and"
                : op == "OR_EXPR" ? "or"
                                  : "not",
                member(inner, "args"));
}

Result<Term> TermReader::caseOf(const Json& inner) {
    Term made = callOf("case", place(inner), {});
    Term value;
    const Json& of = member(inner, "arg");
    if (!of.is_null()) {
        TM_ASSIGN(value, term(of));
    }
    for (const Json& one : member(inner, "args")) {
        const Json& when = member(one, "CaseWhen");
        TM_ASSIGN(Term condition, term(member(when, "expr")));
        if (!of.is_null()) condition = callOf("=", place(when), {value, std::move(condition)});
        TM_ASSIGN(Term result, term(member(when, "result")));
        made.arguments.push_back(std::move(condition));
        made.arguments.push_back(std::move(result));
    }
    if (const Json& otherwise = member(inner, "defresult"); !otherwise.is_null()) {
        TM_ASSIGN(Term result, term(otherwise));
        made.arguments.push_back(std::move(result));
    } else {
        made.arguments.emplace_back();
    }
    return made;
}

Result<Term> TermReader::function(const Json& inner) {
    const Json& names = member(inner, "funcname");
    const std::string name = lastName(names);
    if (names.size() > 1 && text(member(names[0], "String"), "sval") != "pg_catalog")
        return refuse(inner, "functions have no schema here: write " + name + "(…)");
    if (inner.contains("over"))
        return refuse(inner, "window functions are not evaluated here: " + name +
                                 "(…) over; tumble('1 minute') and hop('1 minute', '10 seconds') "
                                 "in group by make windows of time");
    if (inner.contains("agg_order"))
        return refuse(inner, "order by within " + name + "(…) is not evaluated here");
    if (flag(inner, "agg_within_group"))
        return refuse(inner,
                      "within group is not evaluated here; write approx_percentile(x, 0.99)");
    if (flag(inner, "func_variadic")) return refuse(inner, "variadic is not evaluated here");
    TM_ASSIGN(Term made, call(inner, name, member(inner, "args")));
    // The same node as substring(x from 1 for 2), but of texts.
    if (name == "substring" && made.arguments.size() == 3 &&
        made.arguments[1].kind == Term::Kind::kText)
        return refuse(inner,
                      "substring … similar is not evaluated here; write regexp_match(x, "
                      "'(…)')");
    made.distinct = flag(inner, "agg_distinct");
    made.star = flag(inner, "agg_star");
    if (const Json& filter = member(inner, "agg_filter"); !filter.is_null()) {
        // Aggregates pass over nulls: count(x) filter (where c) is count(case when c then x end).
        TM_ASSIGN(Term condition, term(filter));
        Term value;
        if (made.star) {
            value.kind = Term::Kind::kBool;
            value.name = "true";
            made.star = false;
            made.arguments.clear();
        } else if (made.arguments.empty()) {
            return refuse(inner, "filter needs an aggregate of something");
        } else {
            value = std::move(made.arguments[0]);
            made.arguments.erase(made.arguments.begin());
        }
        const std::size_t at = value.at == kNowhere ? place(inner) : value.at;
        made.arguments.insert(made.arguments.begin(),
                              callOf("case", at, {std::move(condition), std::move(value), Term()}));
    }
    return made;
}

Result<Term> TermReader::cast(const Json& inner) {
    static const std::map<std::string, std::string> kTypes = {
        {"int2", "int"},     {"int4", "int"},       {"int8", "int"},          {"int", "int"},
        {"float4", "float"}, {"float8", "float"},   {"float", "float"},       {"numeric", "float"},
        {"bool", "bool"},    {"boolean", "bool"},   {"text", "text"},         {"varchar", "text"},
        {"bpchar", "text"},  {"timestamp", "time"}, {"timestamptz", "time"},  {"time", "time"},
        {"date", "date"},    {"json", "json"},      {"interval", "interval"},
    };
    const Json& type = member(inner, "typeName");
    const std::string name = lastName(member(type, "names"));
    const auto found = kTypes.find(name);
    const Json& at = place(inner) == kNowhere ? type : inner;
    if (found == kTypes.end())
        return refuse(at, "there is no type \"" + name +
                              "\" here; there are int, float, bool, text, time, json and interval");
    if (type.contains("arrayBounds")) return refuse(at, "an array is not evaluated here");
    if (type.contains("typmods") && found->second != "interval")
        return refuse(at,
                      "a length or precision of a type is not evaluated here; use left(x, n) or "
                      "round(x, n)");
    TM_ASSIGN(Term value, term(member(inner, "arg")));
    Term made = callOf(found->second, place(at), {});
    made.kind = Term::Kind::kCast;
    made.arguments.push_back(std::move(value));
    return made;
}

Result<Term> parseTerm(std::string_view text) {
    constexpr std::string_view kPrefix = "select ";
    const SqlText sql(text);
    TM_ASSIGN(const Json select, selectStatement(sql, kPrefix));
    const Json& list = member(select, "targetList");
    for (const auto& [key, value] : select.items())
        if (key != "targetList" && key != "limitOption" && key != "op")
            return fail(ErrorKind::kInvalid, "an expression is expected, not a part of a select (" +
                                                 key + "): " + std::string(text));
    if (select.value("op", "") != "SETOP_NONE" || !list.is_array() || list.empty())
        return fail(ErrorKind::kInvalid,
                    "an expression is expected: \"" + std::string(text) + "\"");
    TermReader reader(sql, kPrefix.size());
    if (list.size() != 1)
        return reader.refuse(member(list[1], "ResTarget"),
                             "one expression is expected, not several");
    const Json& target = member(list[0], "ResTarget");
    if (target.contains("name"))
        return reader.refuse(target, "an expression has no name here: as \"" +
                                         target["name"].get<std::string>() + "\"");
    TM_ASSIGN(Term term, reader.term(member(target, "val")));
    return term;
}

}  // namespace tidemill::rows::sql
