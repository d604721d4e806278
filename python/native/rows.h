// Rows: a stream of named, typed columns, what Python's tidemill.rows.Rows stands for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/native/stream.h"
#include "rows/aggregate.h"
#include "rows/front_end.h"
#include "rows/outputs.h"
#include "rows/row_stream.h"

namespace tidemill::python {

// What the operations mean is said in python/tidemill/rows.py. Their errors: std::invalid_argument,
// std::logic_error after the start. Thread safety: for the thread that builds the job, which holds
// Python's lock.
class Rows {
public:
    using Ptr = std::shared_ptr<Rows>;
    using Texts = std::vector<std::string>;
    using NamedTexts = std::vector<std::pair<std::string, std::string>>;

    explicit Rows(::tidemill::rows::RowStream rows) : rows_(std::move(rows)) {}

    // A column that a program asks for: its type, or none for what the way of reading gives.
    struct Field {
        ::tidemill::rows::FieldSpec spec;
        std::string type;
    };
    static Ptr read(Stream& lines, const std::string& by, std::vector<Field> fields,
                    ::tidemill::rows::ReaderSpec how);
    // (name, type) of each.
    NamedTexts columns() const;

    Ptr where(const std::string& condition) const;
    Ptr compute(const NamedTexts& columns) const;
    Ptr select(const Texts& names) const;
    Ptr drop(const Texts& names) const;
    Ptr rename(const NamedTexts& names) const;
    Ptr distinct(const Texts& by) const;
    Ptr unite(const Rows& other) const;
    Ptr explode(const std::string& name, const std::string& separator) const;
    // Pairs of a name and whether it descends.
    Ptr top(const std::vector<std::pair<std::string, bool>>& by, std::size_t rows) const;
    Ptr join(const Rows& other, const Texts& on, const std::string& kind) const;
    Ptr aggregate(const ::tidemill::rows::Aggregation& how) const;
    static Ptr sql(const std::map<std::string, Ptr>& streams, const std::string& query,
                   const std::string& name);

    // Of Python objects: a dict for each row.
    Stream::Ptr dicts() const;

    // Function(time in milliseconds, number of the batch, list of columns), of its first rows; 0:
    // of all.
    void forEachBatch(std::string description, Function function, std::size_t rows) const;
    void saveAsTextFiles(const std::string& prefix, const std::string& suffix) const;
    // `kind`: "json_lines", "csv" or "tsv".
    void save(const std::string& kind, const std::string& path, bool emptyBatches) const;
    // `mode`: "append", "upsert" or "replace", for the others' too.
    void toPostgres(PostgresOutputOptions options, const std::string& mode) const;
    void toSqlite(SqliteOutputOptions options, const std::string& mode) const;
    void toKafka(::tidemill::rows::RowKafka kafka) const;

private:
    Ptr made(core::Result<::tidemill::rows::RowStream> rows, const char* operation) const;
    void requireOpen(const char* operation) const { requireNotStarted(*rows_.job, operation); }

    ::tidemill::rows::RowStream rows_;
};

}  // namespace tidemill::python
