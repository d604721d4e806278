#include "rows/query.h"

#include "rows/aggregate.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

constexpr std::int64_t kMicrosPerMilli = 1000;

class PlanRunner {
public:
    PlanRunner(const std::map<std::string, RowStream>& streams, const std::string& name)
        : streams_(streams), name_(name) {}

    Result<RowStream> run(const sql::Plan& plan) {
        RowStream rows;
        for (const auto& step : plan.steps) {
            TM_ASSIGN(rows,
                      std::visit([&](const auto& what) { return apply(rows, what); }, step.what));
        }
        return rows;
    }

private:
    Result<RowStream> apply(const RowStream&, const sql::FromStep& step) {
        const auto found = streams_.find(step.stream);
        if (found != streams_.end()) return found->second;
        return fail(ErrorKind::kInvalid, "there is no stream \"" + step.stream + "\"");
    }
    Result<RowStream> apply(const RowStream& rows, const sql::JoinStep& step) {
        TM_ASSIGN(const auto other, run(*step.other));
        return join(rows, other, step.on, static_cast<JoinKind>(step.kind));
    }
    Result<RowStream> apply(const RowStream& rows, const sql::WhereStep& step) {
        return where(rows, step.condition, step.isHaving ? "having" : "where");
    }
    Result<RowStream> apply(const RowStream& rows, const sql::SelectStep& step) {
        // Under names of their own first: an item may have the name of a column that others use.
        std::vector<ComputedColumn> computed;
        std::vector<PickedColumn> picked;
        for (const auto& column : step.columns) {
            picked.push_back({rows.schema.size() + computed.size(), column.name});
            computed.push_back(
                {"(item " + std::to_string(computed.size() + 1) + ")", column.expression});
        }
        TM_ASSIGN(const auto all, compute(rows, std::move(computed)));
        return pick(all, picked);
    }
    Result<RowStream> apply(const RowStream& rows, const sql::AggregateStep& step) {
        Aggregation how;
        how.key = step.key;
        for (const auto& column : step.columns)
            how.calls.emplace_back(column.name,
                                   AggregateCall{column.function, column.argument, column.number});
        how.window = Duration(step.windowMicros / kMicrosPerMilli);
        how.slide = Duration(step.slideMicros / kMicrosPerMilli);
        how.running = step.isRunning;
        how.ttl = Duration(step.ttlMicros / kMicrosPerMilli);
        how.name = name_;
        if (how.running && name_.empty())
            return fail(ErrorKind::kInvalid,
                        "running() groups are kept under the step's name: give it one");
        return aggregate(rows, how);
    }
    Result<RowStream> apply(const RowStream& rows, const sql::DistinctStep&) {
        return distinct(rows, {});
    }
    Result<RowStream> apply(const RowStream& rows, const sql::TopStep& step) {
        std::vector<OrderBy> by;
        for (const auto& column : step.order) by.push_back({column.name, column.isDescending});
        return top(rows, by, step.count);
    }

    const std::map<std::string, RowStream>& streams_;
    const std::string& name_;
};

}  // namespace

Result<RowStream> runPlan(const sql::Plan& plan, const std::map<std::string, RowStream>& streams,
                          const std::string& name) {
    return PlanRunner(streams, name).run(plan);
}

}  // namespace tidemill::rows
