// Makes a plan of a select: its streams and joins, its groups, its results.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "rows/sql/plan.h"
#include "rows/sql/syntax.h"

namespace tidemill::rows::sql {

// Thread safety: externally synchronized; for one query.
class Planner {
public:
    Planner(std::string_view query, const std::map<std::string, Schema>& streams)
        : sql_(query), streams_(streams) {}

    core::Result<Plan> plan();

private:
    using Error = tl::unexpected<core::Error>;

    // A stream of the query, and how its columns are called in the plan.
    struct Source {
        const Stream* stream;
        const Schema* schema;
        std::string prefix;  // "alias." when several are joined
    };
    // An aggregate of the query and the column it becomes.
    struct Aggregate {
        Term call;
        AggregateColumn column;
        std::optional<Term> argument;
    };

    // Streams, joins and the names of columns: planner_sources.cc.
    core::Result<void> findSources();
    core::Result<void> joinSources();
    // What a stream is joined on: pairs of a term over the streams before and one over it, and
    // conditions besides.
    struct JoinTerms {
        std::vector<std::pair<Term, Term>> pairs;
        std::vector<Term> others;
    };
    core::Result<JoinTerms> joinTerms(std::size_t right) const;
    core::Result<void> joinOne(std::size_t right, const JoinTerms& terms,
                               const std::set<std::string>& used);
    // By their names in the plan.
    std::set<std::string> usedColumns(const std::vector<JoinTerms>& joins) const;
    core::Result<std::vector<NamedExpression>> sourceColumns(
        const Source& source, const std::set<std::string>& used) const;
    core::Result<void> expandStars();
    // Columns get the names they have in the plan, those of the first `known` sources.
    core::Result<Term> resolved(const Term& term, std::size_t known) const;
    core::Result<Term> resolvedColumn(const Term& term, std::size_t known) const;
    core::Result<void> resolveAll();
    const Source* sourceOf(const std::string& planName) const;

    // Groups and aggregates: planner_groups.cc.
    core::Result<void> findGroups();
    core::Result<void> window(const Term& term);
    core::Result<std::int64_t> micros(const Term& term) const;
    core::Result<void> findAggregates(const Term& term, const std::string& wantedName);
    core::Result<Aggregate> aggregateOf(const Term& term) const;
    core::Result<void> aggregate();
    // A term over the columns that the aggregation gives.
    core::Result<Term> overGroups(const Term& term) const;
    std::string freeName(std::string name) const;

    // Results: planner.cc.
    core::Result<void> nameItems();
    core::Result<void> results();
    core::Result<void> orderAndLimit(std::vector<NamedExpression>& columns);

    core::Result<std::shared_ptr<const Expression>> bound(const Term& term) const;
    core::Result<void> addSelect(std::vector<NamedExpression> columns);
    void add(decltype(Step::what) what, Schema schema) {
        plan_.steps.push_back({std::move(what), std::move(schema)});
    }
    const Schema& schema() const { return plan_.schema(); }
    Error fail(std::size_t at, const std::string& message) const { return sql_.fail(at, message); }

    SqlText sql_;
    const std::map<std::string, Schema>& streams_;
    Select select_;
    std::vector<Source> sources_;
    // Columns of "using": a name without a stream stands for what is there of them.
    std::map<std::string, Term> merged_;
    std::vector<std::string> itemNames_;
    bool isGrouped_ = false;
    std::vector<Term> keys_;
    std::vector<std::string> keyNames_;
    std::vector<Aggregate> aggregates_;
    AggregateStep groups_;
    bool hasWindow_ = false;
    Plan plan_;
};

// Names of aggregate functions of SQL here.
bool isAggregate(const Term& term);

}  // namespace tidemill::rows::sql
