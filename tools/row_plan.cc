#include "tools/row_plan.h"

#include <iostream>

#include "rows/expression.h"
#include "rows/front_end.h"
#include "rows/lookup.h"
#include "rows/outputs.h"
#include "rows/query.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;
using rows::RowStream;
using Type = StepSpec::Type;

class RowPlanner {
public:
    RowPlanner(const StepSpec& step, JobFileErrors& errors) : step_(step), errors_(errors) {}

    std::optional<RowStream> made(const RowStream& from, const RowStream* with) {
        switch (step_.type) {
            case Type::kAggregate: return aggregate(from);
            case Type::kTop: return known(rows::top(from, step_.by, step_.n), "by");
            case Type::kLookup:
                return known(rows::lookup(from, {step_.file, step_.reader, step_.loose, step_.csv},
                                          step_.on, step_.join),
                             "on");
            case Type::kJoin: return known(rows::join(from, *with, step_.on, step_.join), "on");
            case Type::kWhere: return where(from, step_.where, "where");
            case Type::kCompute: return compute(from);
            case Type::kSelect: return known(rows::select(from, step_.columns), "select");
            case Type::kRename: return known(rows::rename(from, step_.pairs), "rename");
            case Type::kDrop: return known(rows::drop(from, step_.columns), "drop");
            case Type::kDistinct: return known(rows::distinct(from, step_.columns), "by");
            case Type::kUnion: return known(rows::unite(from, *with), "with");
            case Type::kExplode:
                return known(rows::explode(from, step_.column, step_.separator), "explode");
            default: break;
        }
        return std::nullopt;
    }

    std::optional<RowStream> where(const RowStream& from, const std::string& condition,
                                   const char* key) {
        if (condition.empty()) return from;
        auto expression = rows::parseCondition(condition, from.schema);
        if (!expression) {
            errors_.add(step_.place(key), std::string(key) + " = \"" + condition +
                                              "\": " + expression.error().message);
            return std::nullopt;
        }
        return rows::where(from, std::move(*expression), key);
    }

private:
    std::optional<RowStream> known(Result<RowStream> result, const char* key) {
        if (result) return std::move(*result);
        errors_.add(step_.place(key), result.error().message);
        return std::nullopt;
    }

    std::optional<RowStream> aggregate(const RowStream& given) {
        const auto from = where(given, step_.where, "where");
        if (!from) return std::nullopt;
        for (const auto& name : step_.aggregation.key)
            if (const auto place = from->schema.indexOf(name); !place) {
                errors_.add(step_.place("key"), place.error().message);
                return std::nullopt;
            }
        const auto groups = known(rows::aggregate(*from, step_.aggregation), "compute");
        if (!groups) return std::nullopt;
        return where(*groups, step_.having, "having");
    }

    std::optional<RowStream> compute(const RowStream& from) {
        std::vector<rows::ComputedColumn> columns;
        for (const auto& [name, text] : step_.pairs) {
            auto expression = rows::parseExpression(text, from.schema);
            if (!expression)
                errors_.add(step_.place("compute"),
                            name + " = \"" + text + "\": " + expression.error().message);
            else columns.push_back({name, std::move(*expression)});
        }
        if (columns.size() != step_.pairs.size()) return std::nullopt;
        return known(rows::compute(from, std::move(columns)), "compute");
    }

    const StepSpec& step_;
    JobFileErrors& errors_;
};

// `ttl` of a step is that of its running groups.
Result<> setTtl(rows::sql::Plan& plan, Duration ttl) {
    for (auto& step : plan.steps) {
        auto* groups = std::get_if<rows::sql::AggregateStep>(&step.what);
        if (groups == nullptr || !groups->isRunning) continue;
        if (groups->ttlMicros != 0)
            return fail(ErrorKind::kInvalid,
                        "the query says how long running groups may be idle already");
        groups->ttlMicros = ttl.count() * 1000;
        return {};
    }
    return fail(ErrorKind::kInvalid,
                "ttl says how long a group may be idle, but the query has no running()");
}

}  // namespace

bool takesRows(Type type) { return type >= Type::kAggregate; }

std::optional<RowStream> planFields(const DStream<std::string_view>& lines, const StepSpec& step,
                                    JobFileErrors& errors) {
    return RowPlanner(step, errors)
        .where(rows::readRows(lines, step.reader, step.loose), step.where, "where");
}

std::optional<RowStream> planRows(const RowStream& from, const RowStream* with,
                                  const StepSpec& step, JobFileErrors& errors) {
    return RowPlanner(step, errors).made(from, with);
}

std::optional<RowStream> planSql(const std::map<std::string, RowStream>& streams,
                                 const StepSpec& step, JobFileErrors& errors, std::string& became) {
    std::map<std::string, rows::Schema> schemas;
    for (const auto& [name, stream] : streams) schemas.emplace(name, stream.schema);
    auto planned = rows::sql::plan(step.query, schemas);
    if (!planned) {
        errors.add(step.place("query"), planned.error().message);
        return std::nullopt;
    }
    if (step.aggregation.ttl != Duration(0)) {
        const auto given = setTtl(*planned, step.aggregation.ttl);
        if (!given) {
            errors.add(step.place("ttl"), given.error().message);
            return std::nullopt;
        }
    }
    became = planned->text();
    auto rows = rows::runPlan(*planned, streams, step.name);
    if (rows) return std::move(*rows);
    errors.add(step.place("query"), rows.error().message);
    return std::nullopt;
}

Result<> planOutput(const RowStream& from, const OutputSpec& output) {
    using To = OutputSpec::Type;
    rows::RowFiles files;
    files.path = output.path;
    files.emptyBatches = output.emptyBatches;
    files.growing = output.growing;
    files.compression = output.compression;
    switch (output.type) {
        case To::kPrint: rows::print(from, output.num, std::cout, output.skipEmpty); return {};
        case To::kTextFiles:
            rows::saveAsTextFiles(from, output.prefix, output.suffix, output.skipEmpty,
                                  output.compression);
            return {};
        case To::kKafka: {
            const auto& kafka = output.kafka;
            return rows::sendToKafka(from, {kafka.options, kafka.key, kafka.value, kafka.headers});
        }
        case To::kPostgres: return rows::sendToPostgres(from, output.postgres);
        case To::kSqlite: return rows::sendToSqlite(from, output.sqlite);
        case To::kJsonLines: {
            files.kind = "json_lines";
            TM_ASSIGN(files.format, rows::makeJsonFormat(from.schema));
            break;
        }
        case To::kCsv:
            files.kind = "csv";
            files.suffix = ".csv";
            files.format = rows::makeCsvFormat(from.schema);
            break;
        case To::kTsv:
            files.kind = "tsv";
            files.suffix = ".tsv";
            files.format = rows::makeTsvFormat(from.schema);
            break;
        case To::kText: {
            files.kind = "text";
            files.suffix = ".txt";
            TM_ASSIGN(files.format, rows::makeTemplateFormat(output.line, from.schema));
            break;
        }
    }
    rows::saveRows(from, std::move(files));
    return {};
}

}  // namespace tidemill::tools
