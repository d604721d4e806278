// Where rows go.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "outputs/kafka/options.h"
#include "outputs/sql/options.h"
#include "rows/format/row_format.h"
#include "rows/outputs/growing_files.h"
#include "rows/row_stream.h"

namespace tidemill::rows {

// The first `rows` rows of each batch, as tuples.
// `skipEmpty`, here and below: nothing for batches without rows.
void print(const RowStream& stream, std::size_t rows, std::ostream& out, bool skipEmpty = false);

// Each batch as a directory PREFIX-TIME[.SUFFIX] of part files with tuples, as saveAsTextFiles.
void saveAsTextFiles(const RowStream& stream, const std::string& prefix, const std::string& suffix,
                     bool skipEmpty = false, Compression compression = Compression::kNone);

// Lines in a format.
struct RowFiles {
    std::string kind;  // of messages: "json_lines"
    std::string path;  // a directory, one file for each batch that has rows; or "stdout"
    std::string suffix = ".jsonl";  // of the files; compressed ones have another behind it
    bool emptyBatches = false;      // files for batches without rows too
    std::shared_ptr<const RowFormat> format;
    // Instead of a file for each batch one that grows, until the next begins.
    std::optional<GrowingOptions> growing = std::nullopt;
    Compression compression = Compression::kNone;
};
void saveRows(const RowStream& stream, RowFiles files);

// Records of a Kafka topic.
struct RowKafka {
    KafkaOutputOptions options;
    // One column: its text, and no key where it is null. Several: a JSON object of them.
    std::vector<std::string> key;
    // A column's text, and a null value where it is null. Empty: the row as JSON.
    std::string value;
    // Name and column; none where that is null.
    std::vector<std::pair<std::string, std::string>> headers;
};
// Errors: kInvalid, a name that is no column.
core::Result<> sendToKafka(const RowStream& stream, RowKafka kafka);

// Rows of a table; `columns` of the options are the stream's. Errors: kInvalid, a key that is no
// column, and what else no table can be.
core::Result<> sendToPostgres(const RowStream& stream, const PostgresOutputOptions& options);
core::Result<> sendToSqlite(const RowStream& stream, const SqliteOutputOptions& options);

}  // namespace tidemill::rows
