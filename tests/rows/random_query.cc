#include "tests/rows/random_query.h"

#include <algorithm>

namespace tidemill::rows::test {
namespace {

constexpr Type kTypes[] = {Type::kInt, Type::kFloat, Type::kText, Type::kBool};

const char* typeName(Type type) {
    switch (type) {
        case Type::kInt: return "int8";
        case Type::kFloat: return "float8";
        case Type::kBool: return "bool";
        default: return "text";
    }
}

// One text of a value: null, or = and hexadecimal digits.
std::string spelled(const std::string& value, Type type) {
    return "coalesce('=' || encode(convert_to((" + value + ")::" + typeName(type) +
           "::text, 'UTF8'), 'hex'), 'null')";
}

}  // namespace

RandomQuery::Term RandomQuery::column(Type type) {
    std::vector<std::string> names;
    if (type == Type::kInt) names = {"i", "j"};
    if (type == Type::kFloat) names = {"x"};
    if (type == Type::kText) names = {"s", "t"};
    if (type == Type::kBool) names = {"b"};
    if (isJoined_) {
        for (auto& name : names) name = "r." + name;
        if (type == Type::kInt) names.insert(names.end(), {"q.i", "q.k"});
        if (type == Type::kFloat) names.emplace_back("q.y");
        if (type == Type::kText) names.emplace_back("q.s");
    }
    const std::string name = one(names);
    return {name, name, type};
}

RandomQuery::Term RandomQuery::value(Type type, int depth) {
    if (depth == 0 || oneIn(3)) return column(type);
    const Term a = value(type, depth - 1);
    switch (type) {
        case Type::kInt:
            switch (below(4)) {
                case 0: {
                    const Term b = value(type, depth - 1);
                    return {"(" + a.mine + " + " + b.mine + ")",
                            "(" + a.theirs + " + " + b.theirs + ")", type};
                }
                case 1: return {"(" + a.mine + " * 3)", "(" + a.theirs + " * 3)", type};
                case 2: {
                    const Term text = value(Type::kText, depth - 1);
                    return {"length(" + text.mine + ")", "length(" + text.theirs + ")::int8", type};
                }
                default: {
                    const std::string when = condition(depth - 1);
                    return {"case when " + when + " then " + a.mine + " else 7 end",
                            "case when " + when + " then " + a.theirs + " else 7 end", type};
                }
            }
        case Type::kFloat: {
            const Term b = value(oneIn(2) ? Type::kInt : Type::kFloat, depth - 1);
            return {"(" + a.mine + " + " + b.mine + ")", "(" + a.theirs + " + " + b.theirs + ")",
                    type};
        }
        case Type::kBool: {
            const std::string when = condition(depth);
            return {when, when, type};
        }
        default: break;
    }
    switch (below(3)) {
        case 0: return {"upper(" + a.mine + ")", "upper(" + a.theirs + ")", type};
        case 1: return {"coalesce(" + a.mine + ", '-')", "coalesce(" + a.theirs + ", '-')", type};
        default: return {"left(" + a.mine + ", 1)", "left(" + a.theirs + ", 1)", type};
    }
}

// The same in both.
std::string RandomQuery::condition(int depth) {
    if (depth > 0) {
        const std::string a = condition(depth - 1);
        switch (below(4)) {
            case 0: return "(" + a + " and " + condition(depth - 1) + ")";
            case 1: return "(" + a + " or " + condition(depth - 1) + ")";
            case 2: return "(not " + a + ")";
            default: break;
        }
    }
    const Type type = one(kTypes);
    const std::string name = column(type).mine;
    if (oneIn(5)) return "(" + name + " is " + (oneIn(2) ? "not null)" : "null)");
    switch (type) {
        case Type::kInt:
            return oneIn(2) ? "(" + name + " > " + std::to_string(below(9)) + ")"
                            : "(" + name + " in (1, 2, 5))";
        case Type::kFloat:
            return oneIn(2) ? "(" + name + " < 2.5)" : "(" + name + " between 0 and 4)";
        case Type::kBool: return name;
        default: break;
    }
    return oneIn(2) ? "(" + name + " like '%a%')" : "(" + name + " <> 'b')";
}

RandomQuery::Term RandomQuery::aggregate() {
    Term made;
    const Type type = one(kTypes);
    const Term of = value(type, static_cast<int>(below(2)));
    std::vector<std::string> functions{"count", "count distinct"};
    if (type == Type::kInt || type == Type::kFloat)
        functions.insert(functions.end(), {"sum", "avg", "stddev", "stddev_pop", "variance",
                                           "var_pop", "min", "max"});
    if (type == Type::kText) functions.insert(functions.end(), {"min", "max"});
    const std::string function = one(functions);
    if (function == "count distinct") {
        made = {"count(distinct " + of.mine + ")", "count(distinct " + of.theirs + ")", Type::kInt};
    } else if (function == "count") {
        made = oneIn(2) ? Term{"count(*)", "count(*)", Type::kInt}
                        : Term{"count(" + of.mine + ")", "count(" + of.theirs + ")", Type::kInt};
    } else {
        made = {function + "(" + of.mine + ")", function + "(" + of.theirs + ")", type};
        if (function != "min" && function != "max" && function != "sum") made.type = Type::kFloat;
    }
    if (function != "count distinct" && oneIn(4)) {
        const std::string filter = " filter (where " + condition(0) + ")";
        made.mine += filter;
        made.theirs += filter;
    }
    made.theirs = "(" + made.theirs + ")::" + typeName(made.type);
    return made;
}

std::string RandomQuery::from() {
    isJoined_ = oneIn(3);
    if (!isJoined_) return "r";
    const std::string kind =
        one(std::vector<std::string>{"join", "left join", "right join", "full join"});
    static const std::vector<std::string> kOn{
        "r.i = q.i", "r.s = q.s", "r.i = q.k and r.s = q.s", "upper(r.t) = upper(q.s)",
        "r.x = q.y", "r.j = q.y"};
    std::string text = "r " + kind + " q on " + one(kOn);
    if (kind == "join" && oneIn(2)) text += " and r.j < q.k";
    return text;
}

std::string RandomQuery::ordered(const Terms& results, const std::vector<std::string>& names,
                                 std::string& theirs) {
    std::vector<std::size_t> places(results.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    std::shuffle(places.begin(), places.end(), random_);
    const std::size_t count = 1 + below(std::min<std::size_t>(2, places.size()));
    std::sort(places.begin() + static_cast<std::ptrdiff_t>(count), places.end());
    std::string mine;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto& name = names[places[i]];
        const bool descends = i < count && oneIn(2);
        if (i < count)
            mine += (i == 0 ? " order by " : ", ") +
                    (oneIn(4) ? std::to_string(places[i] + 1) : name) + (descends ? " desc" : "");
        theirs += (i == 0 ? " order by " : ", ") + name + " is null, ";
        if (results[places[i]].type == Type::kFloat) theirs += name + " = 'NaN', ";
        theirs += name + (descends ? " desc" : "");
    }
    const std::string limit = " limit " + std::to_string(1 + below(9));
    theirs += limit;
    return mine + limit;
}

BothQueries RandomQuery::next() {
    BothQueries made;
    const std::string streams = from();
    const bool isGrouped = oneIn(2);
    const std::string where =
        oneIn(2) ? " where " + condition(static_cast<int>(below(2))) : std::string();
    Terms results, keys;
    std::string having;
    made.kind = isJoined_ ? streams.substr(2, streams.find(" q ") - 2) + ", " : "";
    if (isGrouped) {
        for (std::size_t left = below(3); left > 0; --left) {
            const Term key = value(one(kTypes), static_cast<int>(below(2)));
            const bool isKnown = std::any_of(keys.begin(), keys.end(), [&](const Term& other) {
                return other.mine == key.mine;
            });
            if (!isKnown) keys.push_back(key);
        }
        results = keys;
        for (std::size_t left = 1 + below(3); left > 0; --left) results.push_back(aggregate());
        if (!keys.empty() && oneIn(3)) having = " having count(*) > 1";
        made.kind += having.empty() ? "group by" : "having";
        // A batch without rows has no groups; PostgreSQL has one.
        if (keys.empty()) having = " having count(*) > 0";
    } else {
        for (std::size_t left = 1 + below(4); left > 0; --left)
            results.push_back(value(one(kTypes), static_cast<int>(below(3))));
        made.kind += "select";
    }
    std::string mine, theirs;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < results.size(); ++i) {
        names.push_back("o" + std::to_string(i));
        mine += (i == 0 ? "" : ", ") + results[i].mine + " as " + names[i];
        theirs += (i == 0 ? "" : ", ") + results[i].theirs + " as " + names[i];
        made.types.push_back(results[i].type);
    }
    const bool isDistinct = !isGrouped && oneIn(3);
    if (isDistinct) made.kind += " distinct";
    const std::string select = isDistinct ? "select distinct " : "select ";
    std::string mineGroups, theirGroups;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        mineGroups +=
            (i == 0 ? " group by " : ", ") + (oneIn(4) ? std::to_string(i + 1) : keys[i].mine);
        theirGroups += (i == 0 ? " group by " : ", ") + keys[i].theirs;
    }
    made.mine = select + mine + " from " + streams + where + mineGroups + having;
    std::string inner = select + theirs + " from " + streams + where + theirGroups + having;
    if (oneIn(3)) {
        made.kind += ", limit";
        std::string order;
        made.mine += ordered(results, names, order);
        inner = "select * from (" + inner + ") as unordered" + order;
    }
    for (std::size_t i = 0; i < names.size(); ++i)
        made.theirs += (i == 0 ? "" : " || ',' || ") + spelled(names[i], made.types[i]);
    made.theirs = "select " + made.theirs + " from (" + inner + ") as o";
    return made;
}

}  // namespace tidemill::rows::test
