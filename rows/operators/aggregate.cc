// aggregate and distinct: which nodes a step becomes.
#include "rows/aggregate.h"

#include <algorithm>

#include "rows/operators/groups.h"
#include "rows/operators/running_groups.h"
#include "state/operators/cut_window.h"
#include "state/operators/tumbling_window.h"
#include "tidemill/state_stream.h"
#include "tidemill/windows.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;
using Layout = std::shared_ptr<const GroupLayout>;
using Results = std::shared_ptr<core::StreamNode<Chunk>>;

bool isName(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c >= 0x80;
    });
}

// The rows with a column for each argument that is an expression.
Result<RowStream> withArguments(const RowStream& from,
                                const std::vector<std::pair<std::string, AggregateCall>>& calls) {
    std::vector<ComputedColumn> computed;
    for (const auto& [name, call] : calls) {
        const auto& argument = call.argument;
        if (argument.empty() || from.schema.find(argument)) continue;
        if (isName(argument)) TM_TRY(from.schema.indexOf(argument));
        const bool isKnown = std::any_of(computed.begin(), computed.end(),
                                         [&](const auto& one) { return one.name == argument; });
        if (isKnown) continue;
        TM_ASSIGN(auto expression, parseExpression(argument, from.schema));
        computed.push_back({argument, std::move(expression)});
    }
    if (computed.empty()) return from;
    return compute(from, std::move(computed));
}

template <class Strategy, class View>
Results addWindow(Job& job, const char* operation, const Layout& layout,
                  std::shared_ptr<core::StreamNode<StoredGroup>> stored,
                  const state::WindowTimes& times, const std::string& name, Strategy strategy,
                  View view) {
    const std::string types =
        std::string(Strategy::kForm) + layout->signature() + " rows=" + Strategy::kRows;
    auto tables = detail::declareWindow(job, operation, name, types, times, stored->slide());
    const auto node = job.graph.add(
        std::make_shared<state::KeyedWindowNode<std::string_view, std::string_view, Strategy>>(
            operation, std::move(stored), tables, times, std::move(strategy)));
    auto all = job.graph.add(std::make_shared<state::AllView<std::string_view, std::string, View>>(
        tables, operation, std::move(view)));
    job.states.back().node = node.get();
    all->setOrigin(*node);
    return job.graph.add(makeResults(std::move(all), layout));
}

Results addWindow(const RowStream& from, const Aggregation& how, const Layout& layout,
                  std::shared_ptr<core::StreamNode<StoredGroup>> stored) {
    const auto times =
        detail::windowTimes(*from.job, "aggregate", from.node->slide(), how.window, how.slide);
    const GroupMerge merge(layout);
    if (times.panes == 1)
        return addWindow(*from.job, "aggregate", layout, std::move(stored), times, how.name,
                         state::TumblingWindow<std::string, GroupMerge>{merge},
                         state::StoredState<std::string>());
    using Cut = state::CutWindow<std::string, GroupMerge>;
    return addWindow(*from.job, "aggregate", layout, std::move(stored), times, how.name, Cut{merge},
                     typename Cut::Value{merge});
}

Results addRunning(const RowStream& from, const Aggregation& how, const Layout& layout,
                   std::shared_ptr<core::StreamNode<StoredGroup>> stored) {
    const detail::DeclaredState declared(*from.job, "aggregate", how.name,
                                         "running" + layout->signature(), state::ValueKind::kBytes,
                                         from.node->slide());
    if (how.ttl != Duration(0)) declared.ttl(*from.job, how.ttl);
    auto touched = std::make_shared<TouchedGroups>(declared.table());
    const auto node = from.job->graph.add(std::make_shared<RunningGroupsNode>(
        std::move(stored), declared.table(), touched, GroupMerge(layout)));
    from.job->graph.add(touched);
    declared.madeBy(*from.job, *node);
    touched->setOrigin(*node);
    return from.job->graph.add(makeResults(std::move(touched), layout));
}

}  // namespace

Result<RowStream> aggregate(const RowStream& given, const Aggregation& how) {
    std::vector<std::pair<std::string, AggregateCall>> calls;
    for (const auto& [name, text] : how.compute) {
        auto call = parseAggregateCall(text);
        if (!call) return fail(call.error().kind, name + " = " + call.error().message);
        calls.emplace_back(name, std::move(*call));
    }
    calls.insert(calls.end(), how.calls.begin(), how.calls.end());
    TM_ASSIGN(const auto from, withArguments(given, calls));
    std::vector<ColumnSpec> key;
    std::vector<std::size_t> places;
    for (const auto& name : how.key) {
        TM_ASSIGN(const auto place, from.schema.indexOf(name));
        key.push_back(from.schema[place]);
        places.push_back(place);
    }
    std::vector<AggregateColumn> columns;
    for (const auto& [name, call] : calls) {
        AggregateColumn column;
        column.name = name;
        column.call = call;
        if (!call.argument.empty()) {
            TM_ASSIGN(const auto place, from.schema.indexOf(call.argument));
            column.place = place;
            column.type = from.schema[place].type;
            column.isLoose = from.schema[place].isLoose && takesLooseNumbers(call);
        }
        auto made = makeAccumulator(call, column.type, column.isLoose);
        if (!made) return fail(made.error().kind, column.name + ": " + made.error().message);
        column.accumulator = std::move(*made);
        columns.push_back(std::move(column));
    }
    const auto layout = std::make_shared<GroupLayout>(std::move(key), std::move(columns));
    TM_ASSIGN(auto schema, layout->schema());
    auto& graph = from.job->graph;
    auto groups = graph.add(makeGroups(from.node, layout, std::move(places)));
    Results results;
    if (how.window == Duration(0) && !how.running) {
        results = graph.add(makeResults(std::move(groups), layout));
    } else {
        auto stored = graph.add(makeStored(std::move(groups), layout));
        results = how.running ? addRunning(from, how, layout, std::move(stored))
                              : addWindow(from, how, layout, std::move(stored));
    }
    return RowStream{from.job, std::move(results), std::move(schema)};
}

Result<RowStream> distinct(const RowStream& from, const std::vector<std::string>& by) {
    Aggregation how;
    how.key = by;
    if (by.empty())
        for (const auto& column : from.schema.columns()) how.key.push_back(column.name);
    std::vector<std::string> names;
    for (const auto& column : from.schema.columns()) {
        names.push_back(column.name);
        if (std::find(how.key.begin(), how.key.end(), column.name) == how.key.end())
            how.calls.emplace_back(column.name,
                                   AggregateCall{"first_row", column.name, std::nullopt});
    }
    TM_ASSIGN(const auto groups, aggregate(from, how));
    return select(groups, names);
}

}  // namespace tidemill::rows
