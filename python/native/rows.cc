#include "python/native/rows.h"

#include <algorithm>
#include <stdexcept>

#include "core/output.h"
#include "python/native/accumulators.h"
#include "python/native/row_columns.h"
#include "python/native/row_objects.h"
#include "rows/outputs/scan_rows.h"
#include "rows/query.h"

namespace tidemill::python {
namespace {

namespace rw = ::tidemill::rows;
using rw::RowStream;

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
    throw std::invalid_argument(where + ": " + why);
}

// The place of `word` among `names`.
template <class Enum>
Enum choice(const std::string& where, const std::string& what, const std::string& word,
            const std::vector<std::string>& names) {
    const auto found = std::find(names.begin(), names.end(), word);
    if (found != names.end()) return static_cast<Enum>(found - names.begin());
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "'" : ", '") + name + "'";
    refuse(where, what + " is '" + word + "': it is one of " + all);
}

class LookAtRows final : public core::OutputOperation {
public:
    LookAtRows(std::string description, RowStream rows, Function function, std::size_t rowsMax,
               std::uint32_t place)
        : description_(std::move(description)),
          rows_(std::move(rows)),
          function_(std::move(function)),
          rowsMax_(rowsMax == 0 ? rw::kAllRows : rowsMax),
          place_(place) {
        rows_.node->require();
    }
    std::string describe() const override { return description_; }
    bool holdsRecords() const override {
        return rowsMax_ == rw::kAllRows && rows_.node->perRecord();
    }
    core::Visibility run(core::BatchRun& run) override {
        if (!run.isActive(rows_.node->slide())) return core::Visibility::kNow;
        const auto columns = collectColumns(*rows_.node, run, rows_.schema, rowsMax_);
        const GilScope gil;
        const AddScope adds(AddScope::Of::kBatch, place_);
        const auto list = orThrow(PyList_New(static_cast<Py_ssize_t>(columns.size())));
        for (std::size_t i = 0; i < columns.size(); ++i)
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), wrapped(columns[i]).release());
        const auto time = orThrow(PyLong_FromLongLong(toMillis(run.record().time)));
        const auto id = orThrow(PyLong_FromUnsignedLongLong(run.record().batch.value));
        function_(time.get(), id.get(), list.get());
        return core::Visibility::kNow;
    }

private:
    const std::string description_;
    const RowStream rows_;
    const Function function_;
    const std::size_t rowsMax_;
    const std::uint32_t place_;
};

}  // namespace

Rows::Ptr Rows::made(core::Result<RowStream> rows, const char* operation) const {
    if (!rows) refuse(operation, rows.error().message);
    return std::make_shared<Rows>(std::move(*rows));
}

Rows::Ptr Rows::read(Stream& lines, const std::string& by, std::vector<Field> fields,
                     rw::ReaderSpec how) {
    static const std::vector<std::string> kTypes{"int", "float", "bool", "text", "time", "json"};
    how.by = choice<rw::ReadBy>("fields", "by", by, rw::readByNames());
    std::vector<std::string> loose;
    for (auto& [field, type] : fields) {
        if (field.place.empty())
            field.place = (how.by == rw::ReadBy::kJson ? "/" : "") + field.name;
        if (!type.empty())
            field.type = choice<rw::Type>("fields", "the type of " + field.name, type, kTypes);
        else if (!field.format.empty()) field.type = rw::Type::kTime;
        else if (rw::completeType(how.by, field)) loose.push_back(field.name);
        how.fields.push_back(std::move(field));
    }
    auto reader = rw::makeReader(std::move(how));
    if (!reader) refuse("fields", reader.error().message);
    return std::make_shared<Rows>(
        rw::readRows(lines.textLines("fields"), std::move(*reader), loose));
}

Rows::NamedTexts Rows::columns() const {
    NamedTexts all;
    for (const auto& column : rows_.schema.columns())
        all.emplace_back(column.name, rw::toString(column.type));
    return all;
}

Rows::Ptr Rows::where(const std::string& condition) const {
    requireOpen("where");
    auto expression = rw::parseCondition(condition, rows_.schema);
    if (!expression) refuse("where \"" + condition + "\"", expression.error().message);
    return std::make_shared<Rows>(rw::where(rows_, std::move(*expression)));
}

Rows::Ptr Rows::compute(const NamedTexts& columns) const {
    requireOpen("compute");
    std::vector<rw::ComputedColumn> computed;
    for (const auto& [name, text] : columns) {
        auto expression = rw::parseExpression(text, rows_.schema);
        if (!expression)
            refuse("compute " + name + " = \"" + text + "\"", expression.error().message);
        computed.push_back({name, std::move(*expression)});
    }
    return made(rw::compute(rows_, std::move(computed)), "compute");
}

Rows::Ptr Rows::select(const Texts& names) const {
    requireOpen("select");
    return made(rw::select(rows_, names), "select");
}
Rows::Ptr Rows::drop(const Texts& names) const {
    requireOpen("drop");
    return made(rw::drop(rows_, names), "drop");
}
Rows::Ptr Rows::rename(const NamedTexts& names) const {
    requireOpen("rename");
    return made(rw::rename(rows_, names), "rename");
}
Rows::Ptr Rows::distinct(const Texts& by) const {
    requireOpen("distinct");
    return made(rw::distinct(rows_, by), "distinct");
}
Rows::Ptr Rows::explode(const std::string& name, const std::string& separator) const {
    requireOpen("explode");
    return made(rw::explode(rows_, name, separator), "explode");
}

Rows::Ptr Rows::unite(const Rows& other) const {
    requireOpen("union");
    return made(rw::unite(rows_, other.rows_), "union");
}

Rows::Ptr Rows::top(const std::vector<std::pair<std::string, bool>>& by, std::size_t rows) const {
    requireOpen("top");
    std::vector<rw::OrderBy> order;
    for (const auto& [name, descends] : by) order.push_back({name, descends});
    return made(rw::top(rows_, order, rows), "top");
}

Rows::Ptr Rows::join(const Rows& other, const Texts& on, const std::string& kind) const {
    requireOpen("join");
    return made(
        rw::join(rows_, other.rows_, on,
                 choice<rw::JoinKind>("join", "how", kind, {"inner", "left", "right", "full"})),
        "join");
}

Rows::Ptr Rows::aggregate(const rw::Aggregation& how) const {
    requireOpen("aggregate");
    return made(rw::aggregate(rows_, how), "aggregate");
}

Rows::Ptr Rows::sql(const std::map<std::string, Ptr>& streams, const std::string& query,
                    const std::string& name) {
    std::map<std::string, rw::Schema> schemas;
    std::map<std::string, RowStream> named;
    for (const auto& [called, rows] : streams) {
        rows->requireOpen("sql");
        schemas.emplace(called, rows->rows_.schema);
        named.emplace(called, rows->rows_);
    }
    const auto plan = rw::sql::plan(query, schemas);
    if (!plan) refuse("sql", plan.error().message);
    return streams.begin()->second->made(rw::runPlan(*plan, named, name), "sql");
}

Stream::Ptr Rows::dicts() const {
    requireOpen("toDStream");
    return std::make_shared<Stream>(rows_.job, rows_.job->graph.add(makeRowObjects(rows_)));
}

void Rows::forEachBatch(std::string description, Function function, std::size_t rows) const {
    requireOpen(description.c_str());
    auto& graph = rows_.job->graph;
    graph.addOutput(std::make_unique<LookAtRows>(std::move(description), rows_, std::move(function),
                                                 rows,
                                                 static_cast<std::uint32_t>(graph.nodes().size())));
}

void Rows::saveAsTextFiles(const std::string& prefix, const std::string& suffix) const {
    requireOpen("saveAsTextFiles");
    rw::saveAsTextFiles(rows_, prefix, suffix);
}

void Rows::save(const std::string& kind, const std::string& path, bool emptyBatches) const {
    requireOpen("save");
    rw::RowFiles files;
    files.kind = kind;
    files.path = path;
    files.emptyBatches = emptyBatches;
    if (kind == "json_lines") {
        auto format = rw::makeJsonFormat(rows_.schema);
        if (!format) refuse("save", format.error().message);
        files.format = std::move(*format);
    } else {
        files.suffix = "." + kind;
        files.format =
            kind == "csv" ? rw::makeCsvFormat(rows_.schema) : rw::makeTsvFormat(rows_.schema);
    }
    rw::saveRows(rows_, std::move(files));
}

namespace {

SqlMode modeOf(const char* operation, const std::string& mode) {
    return choice<SqlMode>(operation, "mode", mode, {"append", "upsert", "replace"});
}

void require(const char* operation, const core::Result<>& done) {
    if (!done) refuse(operation, done.error().message);
}

}  // namespace

void Rows::toPostgres(PostgresOutputOptions options, const std::string& mode) const {
    requireOpen("toPostgres");
    options.mode = modeOf("toPostgres", mode);
    require("toPostgres", rw::sendToPostgres(rows_, options));
}

void Rows::toSqlite(SqliteOutputOptions options, const std::string& mode) const {
    requireOpen("toSqlite");
    options.mode = modeOf("toSqlite", mode);
    require("toSqlite", rw::sendToSqlite(rows_, options));
}

void Rows::toKafka(rw::RowKafka kafka) const {
    requireOpen("toKafka");
    require("toKafka", rw::sendToKafka(rows_, std::move(kafka)));
}

}  // namespace tidemill::python
