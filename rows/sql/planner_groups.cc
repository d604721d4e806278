// Groups, windows and aggregates.
#include <algorithm>
#include <array>
#include <charconv>

#include "rows/expressions/interval.h"
#include "rows/sql/bind.h"
#include "rows/sql/planner.h"
#include "rows/sql/term_tree.h"

namespace tidemill::rows::sql {

using core::Result;

namespace {

struct AggregateFunction {
    std::string_view name;
    bool needsNumbers;
    // Type of the result; none: that of the argument.
    std::optional<Type> result;
    bool takesNumber = false;  // a second argument
};

constexpr auto kFunctions = std::to_array<AggregateFunction>({
    {"count", false, Type::kInt},
    {"sum", true, std::nullopt},
    {"avg", true, Type::kFloat},
    {"min", false, std::nullopt},
    {"max", false, std::nullopt},
    {"first", false, std::nullopt},
    {"last", false, std::nullopt},
    {"stddev", true, Type::kFloat},
    {"stddev_samp", true, Type::kFloat},
    {"stddev_pop", true, Type::kFloat},
    {"variance", true, Type::kFloat},
    {"var_samp", true, Type::kFloat},
    {"var_pop", true, Type::kFloat},
    {"approx_distinct", false, Type::kInt},
    {"approx_percentile", true, Type::kFloat, true},
    {"top", false, Type::kJson, true},
});

const AggregateFunction* functionNamed(std::string_view name) {
    const auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                    [&](const auto& function) { return function.name == name; });
    return found == kFunctions.end() ? nullptr : &*found;
}

bool isWindow(const Term& term) {
    return term.kind == Term::Kind::kCall &&
           (term.name == "tumble" || term.name == "hop" || term.name == "running");
}

bool hasAggregate(const Term& term) {
    return isAggregate(term) ||
           std::any_of(term.arguments.begin(), term.arguments.end(), hasAggregate);
}

}  // namespace

bool isAggregate(const Term& term) {
    return term.kind == Term::Kind::kCall && functionNamed(term.name) != nullptr;
}

Result<std::int64_t> Planner::micros(const Term& term) const {
    const Term& text =
        term.kind == Term::Kind::kCast && term.name == "interval" ? term.arguments[0] : term;
    if (text.kind != Term::Kind::kText)
        return fail(term.at, "a length of time is written in quotes: '1 minute'");
    auto interval = expressions::parseInterval(text.name);
    if (!interval) return fail(term.at, interval.error().message);
    if (interval->months != 0) return fail(term.at, "a month has no fixed length: write days");
    if (interval->inMicros() <= 0) return fail(term.at, "a length of time is more than nothing");
    return interval->inMicros();
}

Result<void> Planner::window(const Term& term) {
    if (hasWindow_) return fail(term.at, "group by has one window: tumble, hop or running");
    hasWindow_ = true;
    const std::size_t count = term.arguments.size();
    if (term.name == "running") {
        if (count > 1) return fail(term.at, "write running() or running('1 day')");
        groups_.isRunning = true;
        if (count == 1) {
            TM_ASSIGN(groups_.ttlMicros, micros(term.arguments[0]));
        }
        return {};
    }
    const bool isHop = term.name == "hop";
    if (count != (isHop ? 2 : 1))
        return fail(term.at, isHop
                                 ? "write hop('1 minute', '10 seconds'): a window, and how far it "
                                   "moves"
                                 : "write tumble('1 minute')");
    TM_ASSIGN(groups_.windowMicros, micros(term.arguments[0]));
    groups_.slideMicros = groups_.windowMicros;
    if (isHop) {
        TM_ASSIGN(groups_.slideMicros, micros(term.arguments[1]));
        if (groups_.slideMicros > groups_.windowMicros)
            return fail(term.at, "a window does not move farther than it is long");
    }
    return {};
}

Result<void> Planner::findGroups() {
    for (const Term& term : select_.groupBy) {
        isGrouped_ = true;
        if (isWindow(term)) {
            TM_TRY(window(term));
            continue;
        }
        Term key = term;
        if (term.kind == Term::Kind::kInt) {  // the place of a result
            std::size_t place = 0;
            std::from_chars(term.name.data(), term.name.data() + term.name.size(), place);
            if (place < 1 || place > select_.items.size())
                return fail(term.at, "there is no result " + term.name);
            key = select_.items[place - 1].term;
        } else if (term.kind == Term::Kind::kColumn && term.table.empty() &&
                   !resolved(term, sources_.size())) {
            for (const Item& item : select_.items)
                if (item.as == term.name) key = item.term;
        }
        if (hasAggregate(key)) return fail(term.at, "an aggregate is no part of group by");
        keys_.push_back(std::move(key));
    }
    isGrouped_ = isGrouped_ || select_.having.has_value();
    for (const Item& item : select_.items) isGrouped_ = isGrouped_ || hasAggregate(item.term);
    for (const Order& order : select_.orderBy) isGrouped_ = isGrouped_ || hasAggregate(order.term);
    return {};
}

Result<Planner::Aggregate> Planner::aggregateOf(const Term& term) const {
    const AggregateFunction& function = *functionNamed(term.name);
    Aggregate made;
    made.call = term;
    std::string name = term.name;
    if (name == "stddev_samp") name = "stddev";
    if (name == "var_samp") name = "variance";
    made.column.function = name;
    if (term.star || (name == "count" && term.arguments.empty())) {
        if (name != "count") return fail(term.at, name + "(*) is not evaluated here");
        return made;
    }
    std::vector<Term> arguments = term.arguments;
    if (function.takesNumber) {
        if (arguments.size() != 2)
            return fail(term.at, name == "top" ? "write top(FIELD, 3)"
                                               : "write approx_percentile(FIELD, 0.99)");
        const auto isNumber = [](const Term& of) {
            return of.kind == Term::Kind::kInt || of.kind == Term::Kind::kFloat;
        };
        if (!isNumber(arguments[1])) std::swap(arguments[0], arguments[1]);
        double number = 0;
        const std::string& digits = arguments[1].name;
        if (!isNumber(arguments[1]) ||
            std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc())
            return fail(term.at, name + " takes a number that is a constant");
        if (name == "top" && !(number >= 1 && number <= 999'999 &&
                               number == static_cast<double>(static_cast<int>(number))))
            return fail(term.at, "top takes a whole number from 1 to 999999");
        if (name != "top" && !(number >= 0 && number <= 1))
            return fail(term.at, "approx_percentile takes a share from 0 to 1");
        made.column.number = number;
        arguments.pop_back();
    }
    if (arguments.size() != 1) return fail(term.at, name + " takes one field");
    if (hasAggregate(arguments[0]))
        return fail(arguments[0].at, "an aggregate of an aggregate is not evaluated here");
    if (term.distinct) {
        if (name == "count") made.column.function = "count_distinct";
        else if (name != "min" && name != "max")  // these do not change
            return fail(term.at, name + "(distinct …) is not evaluated here; count(distinct x) is");
    }
    TM_ASSIGN(const auto argument, bound(arguments[0]));
    const Type type = argument->type();
    if (function.needsNumbers && type != Type::kInt && type != Type::kFloat)
        return fail(term.at,
                    name + " takes numbers, but " + textOf(arguments[0]) + " is " + toString(type) +
                        (type == Type::kText ? ": write " + textOf(arguments[0]) + "::int" : ""));
    made.column.type = function.result.value_or(type);
    made.argument = std::move(arguments[0]);
    return made;
}

std::string Planner::freeName(std::string name) const {
    const auto isTaken = [&](const std::string& wanted) {
        return std::find(keyNames_.begin(), keyNames_.end(), wanted) != keyNames_.end() ||
               std::any_of(aggregates_.begin(), aggregates_.end(),
                           [&](const Aggregate& one) { return one.column.name == wanted; });
    };
    std::string made = name;
    for (int i = 2; isTaken(made); ++i) made = name + " " + std::to_string(i);
    return made;
}

Result<void> Planner::findAggregates(const Term& term, const std::string& wantedName) {
    if (!isAggregate(term)) {
        for (const Term& argument : term.arguments) TM_TRY(findAggregates(argument, ""));
        return {};
    }
    for (const Aggregate& known : aggregates_)
        if (isSame(known.call, term)) return {};
    TM_ASSIGN(Aggregate made, aggregateOf(term));
    made.column.name = freeName(wantedName.empty() ? textOf(term) : wantedName);
    aggregates_.push_back(std::move(made));
    return {};
}

Result<void> Planner::aggregate() {
    // The names of results are taken where a key or an aggregate is one.
    const auto nameOf = [&](const Term& term) {
        for (std::size_t i = 0; i < select_.items.size(); ++i)
            if (isSame(select_.items[i].term, term)) return itemNames_[i];
        return term.kind == Term::Kind::kColumn ? term.name : textOf(term);
    };
    for (const Term& key : keys_) keyNames_.push_back(freeName(nameOf(key)));
    for (std::size_t i = 0; i < select_.items.size(); ++i)
        TM_TRY(findAggregates(select_.items[i].term, itemNames_[i]));
    if (select_.having) TM_TRY(findAggregates(*select_.having, ""));
    for (const Order& order : select_.orderBy) {
        // A name of a result is no column of the streams.
        if (!hasAggregate(order.term)) continue;
        TM_ASSIGN(const Term term, resolved(order.term, sources_.size()));
        TM_TRY(findAggregates(term, ""));
    }
    // What the aggregation reads: the keys, then the arguments, each once.
    std::vector<NamedExpression> columns;
    std::vector<ColumnSpec> specs;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (hasAggregate(keys_[i])) return fail(keys_[i].at, "an aggregate is no part of group by");
        TM_ASSIGN(auto expression, bound(keys_[i]));
        specs.push_back({keyNames_[i], expression->type()});
        columns.push_back({keyNames_[i], std::move(expression)});
        groups_.key.push_back(keyNames_[i]);
    }
    for (Aggregate& one : aggregates_) {
        if (one.argument) {
            TM_ASSIGN(auto expression, bound(*one.argument));
            const auto found =
                std::find_if(columns.begin(), columns.end(), [&](const auto& column) {
                    return column.expression->text() == expression->text();
                });
            if (found != columns.end()) {
                one.column.argument = found->name;
            } else {
                std::string name = textOf(*one.argument);
                const auto isTaken = [&] {
                    return std::any_of(columns.begin(), columns.end(),
                                       [&](const auto& column) { return column.name == name; });
                };
                while (isTaken()) name += " ";
                one.column.argument = name;
                columns.push_back({std::move(name), std::move(expression)});
            }
        }
        specs.push_back({one.column.name, one.column.type});
        groups_.columns.push_back(one.column);
    }
    TM_ASSIGN(Schema made, Schema::of(std::move(specs)));
    if (!columns.empty()) {
        // Of columns that are there under their names nothing needs to be picked.
        bool areThere = true;
        for (const auto& column : columns) {
            const auto place = schema().find(column.name);
            if (!place) {
                areThere = false;
                break;
            }
            TM_ASSIGN(const auto plain, bound(columnTerm(column.name, kNowhere)));
            areThere = areThere && plain->text() == column.expression->text();
        }
        if (!areThere) TM_TRY(addSelect(std::move(columns)));
    }
    add(std::move(groups_), std::move(made));
    if (!select_.having) return {};
    TM_ASSIGN(const Term having, overGroups(*select_.having));
    TM_ASSIGN(auto condition, bound(having));
    if (condition->type() != Type::kBool)
        return fail(select_.having->at,
                    std::string("having wants bool, not ") + toString(condition->type()));
    add(WhereStep{std::move(condition), true}, Schema(schema()));
    return {};
}

Result<Term> Planner::overGroups(const Term& term) const {
    for (std::size_t i = 0; i < keys_.size(); ++i)
        if (isSame(keys_[i], term)) return columnTerm(keyNames_[i], term.at);
    for (const Aggregate& one : aggregates_)
        if (isSame(one.call, term)) return columnTerm(one.column.name, term.at);
    if (term.kind == Term::Kind::kColumn)
        return fail(term.at, "the field \"" + term.name +
                                 "\" has no one value in a group: name it "
                                 "in group by, or take an aggregate such as max(" +
                                 term.name + ")");
    Term made = term;
    for (Term& argument : made.arguments) {
        TM_ASSIGN(argument, overGroups(argument));
    }
    return made;
}

}  // namespace tidemill::rows::sql
