#include "rows/expressions/binder.h"

#include <charconv>
#include <map>

#include "core/suggestion.h"
#include "rows/expressions/cast.h"
#include "rows/expressions/function_table.h"
#include "rows/expressions/logic.h"
#include "rows/expressions/membership.h"
#include "rows/parse_value.h"

namespace tidemill::rows::expressions {

using core::Result;

namespace {

std::string joinedText(const std::vector<NodePtr>& nodes, const std::string& separator) {
    std::string text;
    for (const auto& node : nodes) text += (text.empty() ? "" : separator) + node->text;
    return text;
}

}  // namespace

Result<NodePtr> Binder::expression(const Term& term) {
    TM_ASSIGN(const Bound bound, bind(term));
    TM_TRY(isValue(bound));
    return bound.node;
}

Result<void> Binder::isValue(const Bound& bound) {
    if (bound.interval)
        return fail(bound.at, "an interval is no value of a field; add it to a time");
    if (bound.isDifference)
        return fail(bound.at,
                    "the difference of two times is no value of a field; write "
                    "extract(epoch from a - b) for its seconds");
    return {};
}

Result<Bound> Binder::bind(const Term& term) {
    switch (term.kind) {
        case Term::Kind::kColumn: return column(term);
        case Term::Kind::kStar: return fail(term.at, "\"*\" is no value");
        case Term::Kind::kCast: return cast(term);
        case Term::Kind::kCall: return call(term);
        case Term::Kind::kNull:
        case Term::Kind::kInt:
        case Term::Kind::kFloat:
        case Term::Kind::kBool:
        case Term::Kind::kText: break;
    }
    return literal(term);
}

Result<std::vector<Bound>> Binder::bindAll(const std::vector<Term>& terms) {
    std::vector<Bound> all;
    for (const Term& term : terms) {
        TM_ASSIGN(Bound bound, bind(term));
        all.push_back(std::move(bound));
    }
    return all;
}

Result<Bound> Binder::column(const Term& term) {
    if (!term.table.empty())
        return fail(term.at, "there is no stream \"" + term.table + "\" here: write " +
                                 nameText(term.name) + " alone");
    if (const auto found = schema_.find(term.name))
        return made(columnNode(*found, schema_[*found].type, term.name), term);
    // SQL makes names without quotes lower case.
    for (const ColumnSpec& spec : schema_.columns()) {
        std::string lower = spec.name;
        for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (lower == term.name)
            return fail(term.at, "there is no field \"" + term.name +
                                     "\" here; a name with capitals "
                                     "is written in double quotes: " +
                                     nameText(spec.name));
    }
    auto missing = schema_.indexOf(term.name);
    return fail(term.at, missing ? "" : missing.error().message);
}

Result<Bound> Binder::literal(const Term& term) {
    Value value = Value::null(Type::kText);
    if (term.kind == Term::Kind::kNull) {
        Bound bound = made(constantNode(value), term);
        bound.isUntyped = true;
        return bound;
    }
    value.isNull = false;
    switch (term.kind) {
        case Term::Kind::kInt:
            value.type = Type::kInt;
            if (parseInt(term.name, value.number) == Parsed::kValue) break;
            [[fallthrough]];  // too large for one: a float
        case Term::Kind::kFloat:
            value.type = Type::kFloat;
            if (parseFloat(term.name, value.real) != Parsed::kValue)
                return fail(term.at, term.name + " does not fit a float");
            break;
        case Term::Kind::kBool:
            value.type = Type::kBool;
            value.number = term.name == "true";
            break;
        default: value.text = term.name;
    }
    Bound bound = made(constantNode(std::move(value)), term);
    bound.isUntyped = term.kind == Term::Kind::kText;
    return bound;
}

Result<NodePtr> Binder::coerced(const Bound& bound, Type type, const std::string& place) {
    TM_TRY(isValue(bound));
    const Node& node = *bound.node;
    if (node.type == type) return bound.node;
    if (bound.isUntyped) {
        if (node.constant->isNull) return constantNode(Value::null(type));
        auto value = valueOfText(node.constant->text, type);
        if (!value) return fail(bound.at, value.error().message);
        return constantNode(std::move(*value));
    }
    if (node.type == Type::kInt && type == Type::kFloat) return castNode(bound.node, type);
    std::string message =
        node.text + " is " + toString(node.type) + "; " + place + " wants " + toString(type);
    if (castNode(bound.node, type) != nullptr)
        message += ": write " + node.text + "::" + toString(type);
    return fail(bound.at, message);
}

Result<NodePtr> Binder::coercedBool(const Bound& bound, const std::string& place) {
    return coerced(bound, Type::kBool, place);
}

Result<Type> Binder::commonType(const std::vector<Bound>& all, const std::string& place,
                                std::size_t at) {
    std::optional<Type> type;
    const Bound* first = nullptr;
    for (const Bound& bound : all) {
        TM_TRY(isValue(bound));
        if (bound.isUntyped) continue;
        const Type next = bound.node->type;
        const auto isNumber = [](Type t) { return t == Type::kInt || t == Type::kFloat; };
        if (!type) {
            type = next;
            first = &bound;
        } else if (*type != next) {
            if (!isNumber(*type) || !isNumber(next))
                return fail(bound.at == sql::kNowhere ? at : bound.at,
                            place + " wants values of one type: " + first->node->text + " is " +
                                toString(first->node->type) + ", " + bound.node->text + " is " +
                                toString(next));
            type = Type::kFloat;
        }
    }
    return type.value_or(Type::kText);
}

Result<std::vector<NodePtr>> Binder::unified(const std::vector<Bound>& all,
                                             const std::string& place, std::size_t at) {
    TM_ASSIGN(const Type type, commonType(all, place, at));
    std::vector<NodePtr> nodes;
    for (const Bound& bound : all) {
        TM_ASSIGN(NodePtr node, coerced(bound, type, place));
        nodes.push_back(std::move(node));
    }
    return nodes;
}

Result<Bound> Binder::cast(const Term& term) {
    const Term& inner = term.arguments[0];
    if (term.name == "interval") {
        if (inner.kind != Term::Kind::kText)
            return fail(term.at, "an interval is a constant here: interval '1 minute'");
        auto interval = parseInterval(inner.name);
        if (!interval) return fail(term.at, interval.error().message);
        Bound bound = made(nullptr, term);
        bound.interval = *interval;
        return bound;
    }
    TM_ASSIGN(const Bound bound, bind(inner));
    TM_TRY(isValue(bound));
    static const std::map<std::string, Type> kTypes = {
        {"int", Type::kInt},   {"float", Type::kFloat}, {"bool", Type::kBool},
        {"text", Type::kText}, {"time", Type::kTime},   {"json", Type::kJson},
        {"date", Type::kTime},
    };
    const Type type = kTypes.at(term.name);
    NodePtr node;
    if (bound.isUntyped) {
        TM_ASSIGN(node, coerced(bound, type, "the cast"));
    } else {
        node = castNode(bound.node, type);
        if (node == nullptr)
            return fail(term.at, std::string("there is no cast of ") + toString(bound.node->type) +
                                     " to " + toString(type));
    }
    if (term.name != "date") return made(std::move(node), term);
    Bound day = made(constantNode({Type::kText, false, 0, 0, "day"}), term);
    return functionOf(term, "date_trunc", {std::move(day), made(std::move(node), term)});
}

Result<Bound> Binder::call(const Term& term) {
    const std::string& name = term.name;
    if (name == "and" || name == "or" || name == "not") return logic(term);
    if (name.starts_with("is ")) return test(term);
    if (name == "case") return caseOf(term);
    if (name == "coalesce" || name == "greatest" || name == "least") return chosen(term);
    if (name == "in") return in(term);
    if (name == "like" || name == "ilike") return pattern(term);
    if (name == "extract") return extract(term);
    const bool isOperator = !name.empty() && !std::isalnum(static_cast<unsigned char>(name[0])) &&
                            name[0] != '_' && static_cast<unsigned char>(name[0]) < 0x80;
    if (!isOperator) return function(term);
    return term.arguments.size() == 1 ? sign(term) : binary(term);
}

Result<Bound> Binder::logic(const Term& term) {
    std::vector<NodePtr> nodes;
    for (const Term& argument : term.arguments) {
        TM_ASSIGN(const Bound bound, bind(argument));
        TM_ASSIGN(NodePtr node, coercedBool(bound, "\"" + term.name + "\""));
        nodes.push_back(std::move(node));
    }
    if (term.name == "not")
        return made(
            callNode(Type::kBool, "(not " + nodes[0]->text + ")", nodes, notOf(), false, true),
            term);
    const bool isAnd = term.name == "and";
    // Without constants that decide nothing, and what stands behind one that decides.
    std::vector<NodePtr> kept;
    for (NodePtr& node : nodes) {
        if (node->constant && !node->constant->isNull) {
            const bool value = node->constant->number != 0;
            if (value == isAnd) continue;
            kept.push_back(node);
            break;
        }
        kept.push_back(node);
    }
    if (kept.empty()) return made(nodes[0], term);
    if (kept.size() == 1) return made(kept[0], term);
    std::string text = "(" + joinedText(kept, " " + term.name + " ") + ")";
    MakeEval make = conjunctionOf(isAnd, kept);
    return made(
        callNode(Type::kBool, std::move(text), std::move(kept), std::move(make), false, true),
        term);
}

Result<Bound> Binder::test(const Term& term) {
    if (term.name == "is distinct from") {
        TM_ASSIGN(const auto both, bindAll(term.arguments));
        TM_ASSIGN(const auto nodes, unified(both, "\"is distinct from\"", term.at));
        return made(callNode(Type::kBool, "(" + joinedText(nodes, " is distinct from ") + ")",
                             nodes, distinctionOf(nodes[0]->type), false, false),
                    term);
    }
    TM_ASSIGN(const Bound bound, bind(term.arguments[0]));
    TM_TRY(isValue(bound));
    NodePtr node = bound.node;
    MakeEval make = isNullOf();
    if (term.name != "is null") {
        TM_ASSIGN(node, coercedBool(bound, "\"" + term.name + "\""));
        if (term.name != "is unknown") make = isTruthOf(term.name == "is true");
    }
    return made(callNode(Type::kBool, "(" + node->text + " " + term.name + ")", {node},
                         std::move(make), false, true),
                term);
}

Result<Bound> Binder::caseOf(const Term& term) {
    TM_ASSIGN(const auto all, bindAll(term.arguments));
    std::vector<Bound> results;
    for (std::size_t i = 1; i < all.size(); i += 2) results.push_back(all[i]);
    results.push_back(all.back());
    TM_ASSIGN(const Type type, commonType(results, "case", term.at));
    std::vector<NodePtr> nodes;
    std::string text = "case";
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
        TM_ASSIGN(NodePtr condition, coercedBool(all[i], "\"when\""));
        TM_ASSIGN(NodePtr result, coerced(all[i + 1], type, "case"));
        text += " when " + condition->text + " then " + result->text;
        nodes.push_back(std::move(condition));
        nodes.push_back(std::move(result));
    }
    TM_ASSIGN(NodePtr otherwise, coerced(all.back(), type, "case"));
    text += " else " + otherwise->text + " end";
    nodes.push_back(std::move(otherwise));
    auto make = rows::expressions::caseOf(type, nodes);
    return made(callNode(type, std::move(text), std::move(nodes), std::move(make), false, false),
                term);
}

Result<Bound> Binder::chosen(const Term& term) {
    TM_ASSIGN(const auto all, bindAll(term.arguments));
    TM_ASSIGN(auto nodes, unified(all, term.name + "()", term.at));
    if (nodes.size() == 1) return made(nodes[0], term);
    const Type type = nodes[0]->type;
    std::string text = term.name + "(" + joinedText(nodes, ", ") + ")";
    MakeEval make =
        term.name == "coalesce" ? coalesceOf(type) : extremeOf(term.name == "greatest", type);
    return made(callNode(type, std::move(text), std::move(nodes), std::move(make), false, false),
                term);
}

Result<Bound> Binder::in(const Term& term) {
    TM_ASSIGN(const auto all, bindAll(term.arguments));
    TM_ASSIGN(auto nodes, unified(all, "\"in\"", term.at));
    bool isConstant = true;
    std::vector<Value> values;
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        isConstant = isConstant && nodes[i]->constant;
        if (isConstant) values.push_back(*nodes[i]->constant);
    }
    if (isConstant) {
        const std::vector<NodePtr> list(nodes.begin() + 1, nodes.end());
        return made(
            callNode(Type::kBool, "(" + nodes[0]->text + " in (" + joinedText(list, ", ") + "))",
                     {nodes[0]}, membershipOf(nodes[0]->type, values), false, false),
            term);
    }
    // One after the other, as "or" does.
    Term any = sql::callOf("or", term.at, {});
    for (std::size_t i = 1; i < term.arguments.size(); ++i)
        any.arguments.push_back(sql::callOf("=", term.at, {term.arguments[0], term.arguments[i]}));
    return any.arguments.size() == 1 ? bind(any.arguments[0]) : bind(any);
}

Result<Bound> Binder::pattern(const Term& term) {
    TM_ASSIGN(auto all, bindAll(term.arguments));
    return functionOf(term, term.name, std::move(all));
}

}  // namespace tidemill::rows::expressions
