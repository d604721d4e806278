#include "rows/sql/planner.h"

#include <cctype>
#include <charconv>

#include "rows/sql/bind.h"
#include "rows/sql/term_tree.h"

namespace tidemill::rows::sql {

using core::Result;

Result<Plan> plan(std::string_view query, const std::map<std::string, Schema>& streams) {
    return Planner(query, streams).plan();
}

Result<Plan> Planner::plan() {
    TM_ASSIGN(select_, parseSelect(sql_.text()));
    TM_TRY(findSources());
    TM_TRY(expandStars());
    TM_TRY(nameItems());
    TM_TRY(findGroups());
    TM_TRY(resolveAll());
    TM_TRY(joinSources());
    if (select_.where) {
        TM_ASSIGN(auto condition, bound(*select_.where));
        if (condition->type() != Type::kBool)
            return fail(select_.where->at,
                        std::string("where wants bool, not ") + toString(condition->type()));
        add(WhereStep{std::move(condition), false}, Schema(schema()));
    }
    if (isGrouped_) TM_TRY(aggregate());
    TM_TRY(results());
    return std::move(plan_);
}

Result<std::shared_ptr<const Expression>> Planner::bound(const Term& term) const {
    return expressionOf(term, schema(), sql_.text());
}

Result<void> Planner::addSelect(std::vector<NamedExpression> columns) {
    std::vector<ColumnSpec> specs;
    for (const auto& column : columns) specs.push_back({column.name, column.expression->type()});
    TM_ASSIGN(Schema made, Schema::of(std::move(specs)));
    // The columns that are there already, in their order, need no step.
    bool isSame = made == schema();
    for (std::size_t i = 0; isSame && i < columns.size(); ++i) {
        TM_ASSIGN(const auto plain, bound(columnTerm(columns[i].name, kNowhere)));
        isSame = plain->text() == columns[i].expression->text();
    }
    if (!isSame) add(SelectStep{std::move(columns)}, std::move(made));
    return {};
}

// As PostgreSQL names results: a column by itself, a function by its name.
Result<void> Planner::nameItems() {
    for (const Item& item : select_.items) {
        std::string name = item.as;
        const Term* term = &item.term;
        while (name.empty() && term->kind == Term::Kind::kCast) term = &term->arguments[0];
        if (name.empty() && term->kind == Term::Kind::kColumn) name = term->name;
        if (name.empty() && term->kind == Term::Kind::kCall &&
            std::isalpha(static_cast<unsigned char>(term->name[0])) &&
            term->name.find(' ') == std::string::npos)
            name = term->name;
        if (name.empty())
            return fail(item.term.at, "a result needs a name: " + textOf(item.term) + " as NAME");
        for (const std::string& other : itemNames_)
            if (other == name)
                return fail(item.term.at, "two results are named \"" + name + "\": write " +
                                              textOf(item.term) + " as NAME");
        itemNames_.push_back(std::move(name));
    }
    return {};
}

Result<void> Planner::results() {
    std::vector<NamedExpression> columns;
    for (std::size_t i = 0; i < select_.items.size(); ++i) {
        Term term = select_.items[i].term;
        if (isGrouped_) {
            TM_ASSIGN(term, overGroups(term));
        }
        TM_ASSIGN(auto expression, bound(term));
        columns.push_back({itemNames_[i], std::move(expression)});
    }
    if (!select_.orderBy.empty() || select_.limit) return orderAndLimit(columns);
    TM_TRY(addSelect(std::move(columns)));
    if (select_.distinct) add(DistinctStep{}, Schema(schema()));
    return {};
}

Result<void> Planner::orderAndLimit(std::vector<NamedExpression>& columns) {
    if (!select_.limit)
        return fail(select_.orderBy[0].term.at,
                    "order by needs a limit: the rows of a batch have no order, order by … limit n "
                    "takes the first n of each");
    if (select_.orderBy.empty())
        return fail(select_.limit->at, "limit needs order by: the rows of a batch have no order");
    TopStep top;
    const std::string& digits = select_.limit->name;
    if (select_.limit->kind != Term::Kind::kInt ||
        std::from_chars(digits.data(), digits.data() + digits.size(), top.count).ec !=
            std::errc() ||
        top.count == 0 || top.count > 1'000'000)
        return fail(select_.limit->at, "limit takes a whole number from 1 to 1000000");
    const std::vector<NamedExpression> selected = columns;
    for (const Order& order : select_.orderBy) {
        const Term& term = order.term;
        if (order.nullsFirst)
            return fail(term.at, "nulls first is not evaluated here: null comes last");
        std::string name;
        if (term.kind == Term::Kind::kInt) {
            std::size_t place = 0;
            std::from_chars(term.name.data(), term.name.data() + term.name.size(), place);
            if (place < 1 || place > itemNames_.size())
                return fail(term.at, "there is no result " + term.name);
            name = itemNames_[place - 1];
        } else if (term.kind == Term::Kind::kColumn && term.table.empty()) {
            for (const std::string& item : itemNames_)
                if (item == term.name) name = item;
        }
        if (name.empty()) {
            TM_ASSIGN(Term over, resolved(term, sources_.size()));
            if (isGrouped_) {
                TM_ASSIGN(over, overGroups(over));
            }
            TM_ASSIGN(auto expression, bound(over));
            for (const auto& column : columns)
                if (column.expression->text() == expression->text()) name = column.name;
            if (name.empty()) {
                if (select_.distinct)
                    return fail(term.at, "select distinct is ordered by its results only");
                name = textOf(term);
                columns.push_back({name, std::move(expression)});
            }
        }
        top.order.push_back({std::move(name), order.descending});
    }
    const bool hasMore = columns.size() > selected.size();
    TM_TRY(addSelect(std::move(columns)));
    if (select_.distinct) add(DistinctStep{}, Schema(schema()));
    add(std::move(top), Schema(schema()));
    if (!hasMore) return {};
    std::vector<NamedExpression> kept;
    for (const auto& column : selected) {
        TM_ASSIGN(auto expression, bound(columnTerm(column.name, kNowhere)));
        kept.push_back({column.name, std::move(expression)});
    }
    return addSelect(std::move(kept));
}

}  // namespace tidemill::rows::sql
