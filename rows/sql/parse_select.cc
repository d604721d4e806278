#include <map>

#include "rows/sql/tree.h"

namespace tidemill::rows::sql {

using core::Result;

namespace {

// Clauses of a select that are not evaluated here.
const std::map<std::string, std::string>& refusedClauses() {
    static const std::map<std::string, std::string> kClauses = {
        {"withClause", "with (a common table expression)"},
        {"windowClause", "window"},
        {"lockingClause", "for update"},
        {"intoClause", "into"},
        {"valuesLists", "values"},
        {"limitOffset", "offset"},
        {"groupDistinct", "group by distinct"},
    };
    return kClauses;
}

class SelectReader {
public:
    explicit SelectReader(const SqlText& sql) : sql_(sql), terms_(sql, 0) {}

    Result<Select> select(const Json& tree);

private:
    Result<void> refuseClauses(const Json& tree);
    Result<void> from(const Json& node, Stream::Join join, Select& into);
    Result<void> stream(const Json& range, Stream::Join join, Select& into);
    Result<void> joined(const Json& expression, Select& into);
    Result<void> order(const Json& node, Select& into);
    Result<std::optional<Term>> optionalTerm(const Json& node);

    const SqlText& sql_;
    TermReader terms_;
    std::size_t depth_ = 0;
};

Result<void> SelectReader::refuseClauses(const Json& tree) {
    for (const auto& [key, words] : refusedClauses())
        if (tree.contains(key)) {
            // Some have a place of their own.
            const Json& clause = tree[key];
            const Json& placed = clause.is_array() && !clause.empty() && clause[0].is_object() &&
                                         clause[0].size() == 1
                                     ? clause[0].begin().value()
                                     : clause;
            return terms_.refuse(placed.is_object() ? placed : tree,
                                 words + " is not evaluated here");
        }
    const std::string set = text(tree, "op");
    if (set != "SETOP_NONE")
        return sql_.fail(kNowhere, (set == "SETOP_UNION"       ? "union"
                                    : set == "SETOP_INTERSECT" ? "intersect"
                                                               : "except") +
                                       std::string(" is not evaluated here; the step union joins "
                                                   "streams"));
    if (text(tree, "limitOption") == "LIMIT_OPTION_WITH_TIES")
        return sql_.fail(kNowhere, "with ties is not evaluated here");
    return {};
}

Result<Select> SelectReader::select(const Json& tree) {
    TM_TRY(refuseClauses(tree));
    Select made;
    if (const Json& distinct = member(tree, "distinctClause"); distinct.is_array()) {
        made.distinct = true;
        if (!distinct.empty() && distinct[0].is_object() && !distinct[0].empty())
            return terms_.refuse(distinct[0].begin().value(),
                                 "distinct on (…) is not evaluated here");
    }
    for (const Json& node : member(tree, "targetList")) {
        const Json& target = member(node, "ResTarget");
        TM_ASSIGN(Term term, terms_.term(member(target, "val")));
        made.items.push_back({std::move(term), text(target, "name")});
    }
    if (made.items.empty()) return sql_.fail(kNowhere, "the select list is empty");
    const Json& streams = member(tree, "fromClause");
    if (!streams.is_array() || streams.empty())
        return sql_.fail(kNowhere, "\"from\" with a stream is missing");
    if (streams.size() > 1)
        return sql_.fail(kNowhere, "streams are joined by \"join … on …\", not by a comma");
    TM_TRY(from(streams[0], Stream::Join::kNone, made));
    TM_ASSIGN(made.where, optionalTerm(member(tree, "whereClause")));
    for (const Json& node : member(tree, "groupClause")) {
        if (node.contains("GroupingSet"))
            return terms_.refuse(node["GroupingSet"],
                                 "rollup, cube and grouping sets are not evaluated here");
        TM_ASSIGN(Term term, terms_.term(node));
        made.groupBy.push_back(std::move(term));
    }
    TM_ASSIGN(made.having, optionalTerm(member(tree, "havingClause")));
    for (const Json& node : member(tree, "sortClause")) TM_TRY(order(member(node, "SortBy"), made));
    TM_ASSIGN(made.limit, optionalTerm(member(tree, "limitCount")));
    return made;
}

Result<std::optional<Term>> SelectReader::optionalTerm(const Json& node) {
    if (node.is_null()) return std::optional<Term>();
    TM_ASSIGN(Term term, terms_.term(node));
    return std::optional<Term>(std::move(term));
}

Result<void> SelectReader::from(const Json& node, Stream::Join join, Select& into) {
    if (node.contains("RangeVar")) return stream(node["RangeVar"], join, into);
    if (node.contains("JoinExpr") && join == Stream::Join::kNone)
        return joined(node["JoinExpr"], into);
    if (node.contains("JoinExpr"))
        return sql_.fail(kNowhere,
                         "a join in brackets is not evaluated here: write a join b on … "
                         "join c on …");
    if (node.contains("RangeSubselect"))
        return sql_.fail(kNowhere,
                         "a subquery in from is not evaluated here; make it a step of its "
                         "own");
    if (node.contains("RangeFunction"))
        return sql_.fail(kNowhere,
                         "a function in from is not evaluated here; windows stand in "
                         "group by: tumble('1 minute')");
    return sql_.fail(kNowhere,
                     "from holds streams, not " + (node.empty() ? "nothing" : node.begin().key()));
}

Result<void> SelectReader::stream(const Json& range, Stream::Join join, Select& into) {
    if (range.contains("schemaname"))
        return terms_.refuse(range, "streams have no schema: write " + text(range, "relname"));
    Stream made;
    made.name = text(range, "relname");
    made.at = terms_.place(range);
    made.alias = made.name;
    made.join = join;
    if (const Json& alias = member(range, "alias"); alias.is_object()) {
        made.alias = text(alias, "aliasname");
        if (alias.contains("colnames"))
            return terms_.refuse(range,
                                 "names of fields behind a stream's name are not evaluated "
                                 "here");
    }
    into.streams.push_back(std::move(made));
    return {};
}

Result<void> SelectReader::joined(const Json& expression, Select& into) {
    if (++depth_ > 16) return sql_.fail(kNowhere, "at most 16 streams are joined");
    TM_TRY(from(member(expression, "larg"), Stream::Join::kNone, into));
    const std::string kind = text(expression, "jointype");
    TM_TRY(from(member(expression, "rarg"),
                kind == "JOIN_LEFT"    ? Stream::Join::kLeft
                : kind == "JOIN_RIGHT" ? Stream::Join::kRight
                : kind == "JOIN_FULL"  ? Stream::Join::kFull
                                       : Stream::Join::kInner,
                into));
    Stream& right = into.streams.back();
    if (expression.contains("isNatural") && expression["isNatural"].get<bool>())
        return sql_.fail(right.at, "natural join is not evaluated here; write on or using");
    if (const Json& names = member(expression, "usingClause"); names.is_array())
        for (const Json& name : names)
            right.usingColumns.push_back(text(member(name, "String"), "sval"));
    TM_ASSIGN(right.on, optionalTerm(member(expression, "quals")));
    if (!right.on && right.usingColumns.empty())
        return sql_.fail(right.at, "a join without \"on a.x = b.y\" is not evaluated here");
    return {};
}

Result<void> SelectReader::order(const Json& node, Select& into) {
    Order made;
    TM_ASSIGN(made.term, terms_.term(member(node, "node")));
    const std::string direction = text(node, "sortby_dir");
    if (direction == "SORTBY_USING")
        return sql_.fail(made.term.at, "order by … using is not evaluated here");
    made.descending = direction == "SORTBY_DESC";
    made.nullsFirst = text(node, "sortby_nulls") == "SORTBY_NULLS_FIRST";
    into.orderBy.push_back(std::move(made));
    return {};
}

}  // namespace

Result<Select> parseSelect(std::string_view text) {
    const SqlText sql(text);
    TM_ASSIGN(const Json tree, selectStatement(sql, ""));
    return SelectReader(sql).select(tree);
}

}  // namespace tidemill::rows::sql
