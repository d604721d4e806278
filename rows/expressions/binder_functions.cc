#include <map>
#include <set>

#include "core/suggestion.h"
#include "rows/expressions/binder.h"
#include "rows/expressions/cast.h"
#include "rows/expressions/function_table.h"

namespace tidemill::rows::expressions {

using core::Result;

namespace {

const std::set<std::string>& aggregateNames() {
    static const std::set<std::string> kNames = {
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "first",
        "last",
        "top",
        "stddev",
        "approx_distinct",
        "approx_percentile",
        "string_agg",
        "array_agg",
    };
    return kNames;
}

const std::set<std::string>& clockNames() {
    static const std::set<std::string> kNames = {
        "now",       "clock_timestamp", "statement_timestamp", "transaction_timestamp",
        "timeofday", "random",          "gen_random_uuid",     "age",
    };
    return kNames;
}

// How well a function takes the arguments: 0, it does not.
int fitOf(const Function& function, const std::vector<Bound>& arguments) {
    const std::size_t wanted = function.arguments.size();
    if (function.isVariadic ? arguments.size() < wanted : arguments.size() != wanted) return 0;
    int fit = 1;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const Type type = function.arguments[std::min(i, wanted - 1)];
        const Bound& argument = arguments[i];
        if (!argument.node || argument.isDifference) return 0;
        if (argument.isUntyped) fit += type == Type::kText ? 2 : 1;
        else if (argument.node->type == type) fit += 4;
        else if (!function.isVariadic &&
                 !(argument.node->type == Type::kInt && type == Type::kFloat))
            return 0;
    }
    return fit;
}

// As it is written: functions that stand for an operator by that.
std::string callText(const std::string& name, const std::vector<NodePtr>& arguments) {
    static const std::map<std::string, std::string> kOperators = {
        {"like", "like"},    {"ilike", "ilike"},        {"regexp_like", "~"},
        {"textcat", "||"},   {"json_get", "->"},        {"json_get_text", "->>"},
        {"json_path", "#>"}, {"json_path_text", "#>>"},
    };
    const auto found = kOperators.find(name);
    if (found != kOperators.end() && arguments.size() == 2)
        return "(" + arguments[0]->text + " " + found->second + " " + arguments[1]->text + ")";
    std::string text = name + "(";
    for (std::size_t i = 0; i < arguments.size(); ++i)
        text += (i == 0 ? "" : ", ") + arguments[i]->text;
    return text + ")";
}

}  // namespace

tl::unexpected<core::Error> Binder::unknownFunction(const Term& term) {
    const std::string& name = term.name;
    if (aggregateNames().contains(name))
        return fail(term.at, name +
                                 "(…) is an aggregate: it is computed over many records, by the "
                                 "step aggregate or in the select list and having of sql");
    if (name == "tumble" || name == "hop" || name == "running")
        return fail(term.at, name + "(…) stands in group by of sql only");
    if (clockNames().contains(name))
        return fail(term.at, name +
                                 "() is not evaluated here: a batch that is run again after a "
                                 "crash would get another answer; take the time from the record");
    std::string message = "there is no function \"" + name + "\"";
    if (const auto elsewhere = nameElsewhere(name); !elsewhere.empty())
        return fail(term.at, message + "; here it is " + std::string(elsewhere));
    const std::string hint = core::suggestion(name, functionNames());
    return fail(term.at, message + (hint.starts_with(",") ? hint : ""));
}

Result<Bound> Binder::function(const Term& term) {
    static const std::set<std::string> kInternal = {
        "like", "ilike", "textcat", "json_get", "json_get_text", "json_path", "json_path_text"};
    if (term.distinct || term.star) return unknownFunction(term);
    if (kInternal.contains(term.name) ||
        (functionsNamed(term.name).empty() && term.name != "timezone"))
        return unknownFunction(term);
    TM_ASSIGN(auto arguments, bindAll(term.arguments));
    if (term.name == "timezone") {  // x at time zone 'UTC'
        const auto& zone = arguments[0].node;
        if (zone && zone->constant && zone->type == Type::kText &&
            (zone->constant->text == "UTC" || zone->constant->text == "utc") &&
            arguments.size() == 2) {
            TM_ASSIGN(NodePtr time, coerced(arguments[1], Type::kTime, "at time zone"));
            return made(std::move(time), term);
        }
        return fail(term.at, "times are UTC; of other zones nothing is known here");
    }
    return functionOf(term, term.name, std::move(arguments));
}

Result<Bound> Binder::functionOf(const Term& term, const std::string& name,
                                 std::vector<Bound> arguments) {
    for (const Bound& argument : arguments) TM_TRY(isValue(argument));
    const auto candidates = functionsNamed(name);
    const Function* best = nullptr;
    int bestFit = 0;
    for (const Function* function : candidates) {
        const int fit = fitOf(*function, arguments);
        if (fit > bestFit) {
            best = function;
            bestFit = fit;
        }
    }
    if (best == nullptr) {
        std::string given, known;
        for (const Bound& argument : arguments)
            given += (given.empty() ? "" : ", ") +
                     std::string(argument.isUntyped ? "text" : toString(argument.node->type));
        for (const Function* function : candidates)
            known += (known.empty() ? "" : ", ") + function->signature();
        return fail(term.at, "there is no " + term.name + "(" + given + "); there is " + known);
    }
    std::vector<NodePtr> nodes;
    std::vector<const Value*> constants;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const Type type = best->arguments[std::min(i, best->arguments.size() - 1)];
        NodePtr node;
        if (best->isVariadic && !arguments[i].isUntyped) {
            node = castNode(arguments[i].node, type);
        } else {
            TM_ASSIGN(node, coerced(arguments[i], type, best->signature()));
        }
        constants.push_back(node->constant ? &*node->constant : nullptr);
        nodes.push_back(std::move(node));
    }
    auto make = best->prepare(constants);
    if (!make) return fail(term.at, make.error().message);
    std::string text = callText(name, nodes);
    return made(callNode(best->result, std::move(text), std::move(nodes), std::move(*make),
                         best->canFail, false),
                term);
}

Result<Bound> Binder::extract(const Term& term) {
    const std::string field =
        term.arguments.size() == 2 && term.arguments[0].kind == Term::Kind::kText
            ? term.arguments[0].name
            : "";
    if (field.empty()) return fail(term.at, "write extract(FIELD from TIME)");
    TM_ASSIGN(const Bound of, bind(term.arguments[1]));
    if (!of.interval && !of.isDifference) {
        Bound name = made(constantNode({Type::kText, false, 0, 0, field}), term);
        return functionOf(term, "date_part", {std::move(name), of});
    }
    if (field != "epoch")
        return fail(term.at, "of an interval there is extract(epoch from …) only: its seconds");
    // Microseconds to seconds.
    const NodePtr micros =
        of.interval ? constantNode({Type::kInt, false, of.interval->inMicros(), 0, {}}) : of.node;
    Bound amount = made(castNode(micros, Type::kFloat), term);
    Bound million = made(constantNode({Type::kFloat, false, 0, 1e6, {}}), term);
    Term division = sql::callOf("/", term.at, {});
    return arithmetic(division, std::move(amount), std::move(million));
}

}  // namespace tidemill::rows::expressions
