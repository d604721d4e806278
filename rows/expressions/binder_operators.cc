#include <map>

#include "rows/expressions/arithmetic.h"
#include "rows/expressions/binder.h"
#include "rows/expressions/cast.h"
#include "rows/expressions/logic.h"

namespace tidemill::rows::expressions {

using core::Result;

namespace {

bool isNumber(Type type) { return type == Type::kInt || type == Type::kFloat; }

std::optional<Comparison> comparisonNamed(const std::string& name) {
    for (const auto comparison :
         {Comparison::kEqual, Comparison::kNotEqual, Comparison::kLess, Comparison::kLessEqual,
          Comparison::kGreater, Comparison::kGreaterEqual})
        if (name == symbolOf(comparison)) return comparison;
    return std::nullopt;
}

// The comparison with its sides changed.
Comparison mirrored(Comparison comparison) {
    switch (comparison) {
        case Comparison::kLess: return Comparison::kGreater;
        case Comparison::kLessEqual: return Comparison::kGreaterEqual;
        case Comparison::kGreater: return Comparison::kLess;
        case Comparison::kGreaterEqual: return Comparison::kLessEqual;
        default: return comparison;
    }
}

// A difference or a constant interval as microseconds.
NodePtr microsOf(const Bound& bound) {
    if (!bound.interval) return bound.node;
    return constantNode({Type::kInt, false, bound.interval->inMicros(), 0, {}});
}

bool isIntervalLike(const Bound& bound) { return bound.interval || bound.isDifference; }

}  // namespace

Result<Bound> Binder::binary(const Term& term) {
    static const std::map<std::string, std::string> kFunctions = {
        {"~", "regexp_like"},  {"->", "json_get"},        {"->>", "json_get_text"},
        {"#>", "json_path"},   {"#>>", "json_path_text"}, {"^", "power"},
        {"^@", "starts_with"},
    };
    const std::string& name = term.name;
    TM_ASSIGN(Bound left, bind(term.arguments[0]));
    TM_ASSIGN(Bound right, bind(term.arguments[1]));
    if (const auto comparison = comparisonNamed(name))
        return compared(term, *comparison, std::move(left), std::move(right));
    if (name == "||") return concatenated(term, std::move(left), std::move(right));
    if (name == "+" || name == "-" || name == "*" || name == "/" || name == "%")
        return arithmetic(term, std::move(left), std::move(right));
    if (name == "~*" || name == "!~" || name == "!~*") {
        std::vector<Bound> arguments;
        arguments.push_back(std::move(left));
        arguments.push_back(std::move(right));
        if (name.ends_with('*'))
            arguments.push_back(made(constantNode({Type::kText, false, 0, 0, "i"}), term));
        TM_ASSIGN(Bound matched, functionOf(term, "regexp_like", std::move(arguments)));
        if (name[0] != '!') return matched;
        return made(callNode(Type::kBool, "(not " + matched.node->text + ")", {matched.node},
                             notOf(), false, true),
                    term);
    }
    const auto function = kFunctions.find(name);
    if (function == kFunctions.end())
        return fail(term.at, "the operator " + name + " is not evaluated here");
    std::vector<Bound> arguments;
    arguments.push_back(std::move(left));
    arguments.push_back(std::move(right));
    return functionOf(term, function->second, std::move(arguments));
}

Result<Bound> Binder::compared(const Term& term, Comparison comparison, Bound left, Bound right) {
    std::vector<NodePtr> nodes;
    if (isIntervalLike(left) || isIntervalLike(right)) {
        for (Bound* bound : {&left, &right}) {
            if (bound->isUntyped && !bound->node->constant->isNull) {
                auto interval = parseInterval(bound->node->constant->text);
                if (!interval) return fail(bound->at, interval.error().message);
                bound->interval = *interval;
            } else if (bound->isUntyped) {
                bound->node = constantNode(Value::null(Type::kInt));
            } else if (!isIntervalLike(*bound)) {
                return fail(bound->at == sql::kNowhere ? term.at : bound->at,
                            bound->node->text + " is " + toString(bound->node->type) +
                                "; an interval is compared with another one only");
            }
            nodes.push_back(microsOf(*bound));
        }
    } else {
        std::vector<Bound> both;
        both.push_back(std::move(left));
        both.push_back(std::move(right));
        TM_ASSIGN(nodes, unified(both, "\"" + term.name + "\"", term.at));
    }
    // A constant stands on the right: the loops know it there.
    if (nodes[0]->constant && !nodes[1]->constant) {
        std::swap(nodes[0], nodes[1]);
        comparison = mirrored(comparison);
    }
    const Type type = nodes[0]->type;
    const std::string text =
        "(" + nodes[0]->text + " " + std::string(symbolOf(comparison)) + " " + nodes[1]->text + ")";
    return made(
        callNode(Type::kBool, text, nodes, comparisonOf(comparison, type), false, !isTextual(type)),
        term);
}

Result<Bound> Binder::arithmetic(const Term& term, Bound left, Bound right) {
    const auto isTime = [](const Bound& bound) {
        return isIntervalLike(bound) || (!bound.isUntyped && bound.node->type == Type::kTime);
    };
    if (isTime(left) || isTime(right)) return timeArithmetic(term, left, right);
    std::vector<Bound> both;
    both.push_back(std::move(left));
    both.push_back(std::move(right));
    // An untyped literal beside an untyped one would be text; two numbers are meant.
    TM_ASSIGN(Type type, commonType(both, "\"" + term.name + "\"", term.at));
    if (both[0].isUntyped && both[1].isUntyped) type = Type::kFloat;
    if (!isNumber(type))
        return fail(term.at,
                    "\"" + term.name + "\" wants numbers, not " + toString(type) +
                        (type == Type::kText ? ": texts are joined by ||, and x::int makes "
                                               "a number of one"
                                             : ""));
    std::vector<NodePtr> nodes;
    for (const Bound& bound : both) {
        TM_ASSIGN(NodePtr node, coerced(bound, type, "\"" + term.name + "\""));
        nodes.push_back(std::move(node));
    }
    const std::string text = "(" + nodes[0]->text + " " + term.name + " " + nodes[1]->text + ")";
    const bool isSimple = term.name[0] == '+' || term.name[0] == '-' || term.name[0] == '*';
    return made(callNode(type, text, nodes, arithmeticOf(term.name[0], type), true, isSimple),
                term);
}

Result<Bound> Binder::timeArithmetic(const Term& term, const Bound& left, const Bound& right) {
    const bool isPlus = term.name == "+", isMinus = term.name == "-";
    const auto wrong = [&] {
        return fail(term.at,
                    "\"" + term.name +
                        "\" of a time or an interval: there are time + "
                        "interval, time - interval, time - time, interval + interval, and "
                        "interval * number, where intervals and their factors are constants");
    };
    if (left.interval && right.interval) {
        if (!isPlus && !isMinus) return wrong();
        const Interval a = *left.interval, b = isPlus ? *right.interval : -*right.interval;
        Bound bound = made(nullptr, term);
        bound.interval = Interval{a.months + b.months, a.days + b.days, a.micros + b.micros};
        return bound;
    }
    if ((term.name == "*" || term.name == "/") && (left.interval || right.interval)) {
        const Bound& factor = left.interval ? right : left;
        const Interval of = left.interval ? *left.interval : *right.interval;
        if (!factor.node || !factor.node->constant || factor.node->constant->isNull ||
            factor.node->type != Type::kInt || (term.name == "/" && !left.interval))
            return wrong();
        const std::int64_t n = factor.node->constant->number;
        Interval product;
        if (term.name == "/") {
            if (n == 0 || of.months % n != 0 || of.days % n != 0) return wrong();
            product = {of.months / n, of.days / n, of.micros / n};
        } else if (__builtin_mul_overflow(of.months, n, &product.months) ||
                   __builtin_mul_overflow(of.days, n, &product.days) ||
                   __builtin_mul_overflow(of.micros, n, &product.micros) ||
                   std::abs(product.months) > 3'600'000 || std::abs(product.days) > 110'000'000) {
            return fail(term.at, "the interval is too long");
        }
        Bound bound = made(nullptr, term);
        bound.interval = product;
        return bound;
    }
    if (!isPlus && !isMinus) return wrong();
    if (left.interval && isMinus) return wrong();
    if (left.interval || right.interval) {
        const Bound& time = left.interval ? right : left;
        Interval interval = left.interval ? *left.interval : *right.interval;
        if (time.isDifference) return wrong();
        TM_ASSIGN(NodePtr node, coerced(time, Type::kTime, "\"" + term.name + "\""));
        const std::string text = "(" + node->text + " " + term.name + " " + interval.text() + ")";
        if (isMinus) interval = -interval;
        return made(callNode(Type::kTime, text, {node}, shiftOf(interval), true, false), term);
    }
    if (!isMinus || left.isDifference || right.isDifference) return wrong();
    for (const Bound* bound : {&left, &right})
        if (!bound->isUntyped && bound->node->type != Type::kTime)
            return fail(bound->at, bound->node->text + " is " + toString(bound->node->type) +
                                       "; with a time it needs an interval: interval '1 second'");
    TM_ASSIGN(NodePtr a, coerced(left, Type::kTime, "\"-\""));
    TM_ASSIGN(NodePtr b, coerced(right, Type::kTime, "\"-\""));
    const std::string text = "(" + a->text + " - " + b->text + ")";
    Bound bound = made(callNode(Type::kInt, text, {a, b}, differenceOf(), true, false), term);
    bound.isDifference = true;
    return bound;
}

Result<Bound> Binder::concatenated(const Term& term, Bound left, Bound right) {
    for (Bound* bound : {&left, &right}) TM_TRY(isValue(*bound));
    if (!left.isUntyped && !right.isUntyped && left.node->type != Type::kText &&
        right.node->type != Type::kText)
        return fail(term.at, std::string("\"||\" joins texts, not ") + toString(left.node->type) +
                                 " and " + toString(right.node->type) + ": write x::text");
    std::vector<Bound> both;
    for (Bound* bound : {&left, &right}) {
        bound->node = castNode(bound->node, Type::kText);
        both.push_back(*bound);
    }
    return functionOf(term, "textcat", std::move(both));
}

Result<Bound> Binder::sign(const Term& term) {
    if (term.name != "-" && term.name != "+")
        return fail(term.at, "the operator " + term.name + " is not evaluated here");
    TM_ASSIGN(Bound bound, bind(term.arguments[0]));
    const bool isMinus = term.name == "-";
    if (bound.interval) {
        if (isMinus) bound.interval = -*bound.interval;
        return bound;
    }
    if (bound.isDifference) TM_TRY(isValue(bound));
    if (bound.isUntyped) {
        TM_ASSIGN(bound.node, coerced(bound, Type::kFloat, "\"" + term.name + "\""));
    }
    if (!isNumber(bound.node->type))
        return fail(term.at,
                    "\"" + term.name + "\" wants a number, not " + toString(bound.node->type));
    if (!isMinus) return made(bound.node, term);
    const Type type = bound.node->type;
    return made(callNode(type, "(-" + bound.node->text + ")", {bound.node}, negationOf(type),
                         type == Type::kInt, false),
                term);
}

}  // namespace tidemill::rows::expressions
