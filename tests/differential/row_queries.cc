// sql steps: queries whose results are those of the steps they become.
#include <algorithm>

#include "tests/differential/row_model.h"

namespace tidemill::rows::test {
namespace {

DrawnStep queryStep(const char* kind, const std::string& query, NaiveStream made,
                    const std::string& more = "") {
    return {kind, "do = \"sql\"\n" + more + "query = " + tomlText(query), std::move(made)};
}

std::string secondsOf(std::int64_t ticks) { return "'" + std::to_string(ticks) + " seconds'"; }

std::optional<DrawnStep> selected(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    NaiveStream made;
    made.slide = from.slide;
    made.ordered = from.ordered;
    std::vector<DrawnExpression> columns;
    std::string list;
    constexpr Type kTypes[] = {Type::kInt, Type::kFloat, Type::kText, Type::kBool};
    for (auto left = draw.number(1, 4); left > 0; --left) {
        const Type type = draw.oneIn(2) ? draw.one(from.fields).type : draw.one(kTypes);
        columns.push_back(
            drawExpression(draw, from.fields, type, static_cast<int>(draw.number(0, 2))));
        made.fields.push_back({draw.name("q"), type});
        list += (list.empty() ? "" : ", ") + columns.back().sql + " as " + made.fields.back().name;
    }
    const auto condition = drawExpression(draw, from.fields, Type::kBool, 1);
    made.history =
        eachRow(kept(from.history, condition), [&](const Cells& row) -> std::optional<Cells> {
            Cells cells;
            for (const auto& column : columns) cells.push_back(column.of(row));
            return cells;
        });
    return queryStep("sql select",
                     "select " + list + " from " + from.name + " where " + condition.sql,
                     std::move(made));
}

std::optional<DrawnStep> groupedBy(Draw& draw, const NaiveStream& given, const NaiveStream&) {
    NaiveStream from = given;
    const auto how = drawGrouping(draw, from);
    if (how.window < how.slide) return std::nullopt;  // is refused
    std::string query, groups;
    for (const auto place : how.key) {
        query += (query.empty() ? "" : ", ") + from.fields[place].name;
        groups += (groups.empty() ? "" : ", ") + from.fields[place].name;
    }
    for (const auto& function : how.functions)
        query += (query.empty() ? "" : ", ") + function.sql + " as " + function.field.name;
    query = "select " + query + " from " + from.name;
    if (draw.oneIn(3)) {
        const auto condition = drawExpression(draw, from.fields, Type::kBool, 1);
        query += " where " + condition.sql;
        from.history = kept(from.history, condition);
    }
    std::string more;
    std::string when;
    if (how.running) when = "running()";
    else if (how.window != 0)
        when = how.window == how.slide
                   ? "tumble(" + secondsOf(how.window) + ")"
                   : "hop(" + secondsOf(how.window) + ", " + secondsOf(how.slide) + ")";
    if (how.ttl != 0) more = "ttl = \"" + std::to_string(how.ttl) + "s\"\n";
    if (!when.empty()) groups += (groups.empty() ? "" : ", ") + when;
    if (!groups.empty()) query += " group by " + groups;
    NaiveStream made = grouped(from, how, draw.ticks);
    if (draw.oneIn(3)) {
        const auto& first = how.functions[0];
        query += " having " + first.sql + " is not null";
        const std::size_t place = how.key.size();
        made.history = eachRow(made.history, [&](const Cells& row) -> std::optional<Cells> {
            if (isNull(row[place])) return std::nullopt;
            return row;
        });
    }
    return queryStep("sql group by", query, std::move(made), more);
}

std::optional<DrawnStep> distinctOf(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    NaiveStream made;
    made.slide = from.slide;
    made.ordered = false;
    const auto place =
        static_cast<std::size_t>(draw.number(0, static_cast<std::int64_t>(from.fields.size()) - 1));
    made.fields = {from.fields[place]};
    for (const auto& [tick, rows] : from.history) {
        std::map<Cells, bool, CellsLess> seen;
        auto& into = made.history[tick];
        for (const auto& row : rows)
            if (seen.emplace(Cells{row[place]}, true).second) into.push_back({row[place]});
    }
    return queryStep("sql distinct",
                     "select distinct " + from.fields[place].name + " from " + from.name,
                     std::move(made));
}

}  // namespace

std::vector<StepKind> sqlSteps() {
    return {{"sql select", selected}, {"sql group by", groupedBy}, {"sql distinct", distinctOf}};
}

}  // namespace tidemill::rows::test
