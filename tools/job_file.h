// A job file: what to read, which steps to take, where results go. Reference: docs/job_file.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/compression.h"
#include "core/error.h"
#include "core/rate.h"
#include "outputs/sql/options.h"
#include "rows/aggregate.h"
#include "rows/outputs/growing_files.h"
#include "rows/row_stream.h"
#include "sources/file_stream_options.h"
#include "sources/flume/flume_options.h"
#include "sources/follow/follow_options.h"
#include "sources/http/http_options.h"
#include "sources/kafka/kafka_options.h"
#include "sources/kinesis/kinesis_options.h"
#include "tidemill/options.h"
#include "tools/kafka_output_spec.h"
#include "tools/web/http_server.h"

namespace tidemill::tools {

// Where in the file something stands; lines and columns from 1.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct SourceSpec {
    enum class Type {
        kSocket,
        kListen,
        kListenAcknowledged,
        kFiles,
        kKafka,
        kHttp,
        kFlume,
        kKinesis
    } type = Type::kSocket;
    std::string name;
    std::string directory;  // files
    FileStreamOptions files;
    std::optional<FollowOptions> follow{};  // files: they are followed
    std::string path;                       // of those
    std::optional<CsvRecords> csv;          // none: lines
    KafkaOptions kafka;
    std::vector<std::string> headers;  // kafka, flume: of records, that are columns
    KinesisOptions kinesis;
    HttpOptions http;
    FlumeOptions flume;
    std::string host;
    std::uint16_t port = 0;
    std::size_t connectionsMax = 1024;
    std::size_t connectionsPerAddressMax = 64;
    bool allowRemote = false;
    std::string certFile{}, keyFile{}, tokenFile{};  // listen, listen_acknowledged
    bool tls = false;                                // socket
    std::string caFile{};                            // socket, with tls
    std::optional<Rate> maxRate;
    bool wrong = false;  // it has errors: nothing can be said about what reads it
    Position at;
};

// What stands in the file behind `type`: "listen_acknowledged".
const char* sourceWord(SourceSpec::Type type);

struct StepSpec {
    enum class Type {
        kSplit,
        kLowerCase,
        kFilter,
        kCount,
        kRunningTotals,
        kFields,
        kAggregate,
        kTop,
        kJoin,
        kWhere,
        kCompute,
        kSelect,
        kRename,
        kDrop,
        kDistinct,
        kUnion,
        kExplode,
        kSql,
        kLookup
    } type = Type::kSplit;
    std::string name;
    std::string from;     // empty: the step or source before it
    std::string pattern;  // filter
    bool drop = false;    // filter: drop what matches instead of keeping it

    // fields
    std::shared_ptr<const rows::Reader> reader;
    std::vector<std::string> loose;  // columns of no stated type
    std::optional<CsvRecords> csv;   // by = "csv": how records are read

    // count: zero without a window
    Duration window{0};
    Duration slide{0};

    rows::Aggregation aggregation;
    std::string having;

    // where; also of fields (behind) and aggregate (before)
    std::string where;
    // compute, rename: pairs of a name and an expression, or of a name and the one it gets
    std::vector<std::pair<std::string, std::string>> pairs;
    // select, drop, distinct
    std::vector<std::string> columns;

    // top
    std::size_t n = 10;
    std::vector<rows::OrderBy> by;

    // join, union
    rows::JoinKind join = rows::JoinKind::kInner;
    std::string with;
    std::vector<std::string> on;

    // explode
    std::string column;
    std::string separator;

    // sql
    std::string query;

    // lookup; its reader is that of the table
    std::string file;

    std::string content;  // all that the file says of it, without names
    bool wrong = false;   // as of a source
    Position at;
    Position fromAt;
    std::vector<std::pair<std::string, Position>> keys;  // where they stand

    // Where a key stands, else the step.
    Position place(std::string_view key) const {
        for (const auto& [word, position] : keys)
            if (word == key) return position;
        return at;
    }
    bool keepsState() const { return type == Type::kRunningTotals || aggregation.running; }
};

// What stands in the file behind `do`: "running_totals".
const char* stepWord(StepSpec::Type type);

struct OutputSpec {
    enum class Type {
        kPrint,
        kTextFiles,
        kJsonLines,
        kKafka,
        kCsv,
        kTsv,
        kText,
        kPostgres,
        kSqlite
    } type = Type::kPrint;
    std::string from;  // empty: the last step
    std::size_t num = 10;
    std::string prefix;
    std::string suffix;
    std::string path;  // of the others: a directory, or "stdout"
    std::string line;  // text: the template
    KafkaOutputSpec kafka;
    PostgresOutputOptions postgres;
    SqliteOutputOptions sqlite;
    bool wrong = false;
    bool emptyBatches = false;
    bool skipEmpty = false;  // print, text_files: nothing for batches without elements
    std::optional<rows::GrowingOptions> growing;   // one file that grows
    Compression compression = Compression::kNone;  // of files
    Position at;
    Position fromAt;
};

struct PageSpec {
    HttpAddress address;
    PageFiles files;
};

struct JobFile {
    std::string path;
    std::string name;
    // Relative paths count from the working directory. Empty: ./NAME.data.
    std::string dataDirectory;
    StreamingOptions options;
    bool intervalWrong = false;    // as of a source: windows cannot be judged
    std::optional<PageSpec> page;  // where the daemon shows it
    std::vector<SourceSpec> sources;
    std::vector<StepSpec> steps;
    std::vector<OutputSpec> outputs;

    // Where it keeps its data: `given` on the command line, else dataDirectory, else ./NAME.data.
    std::string directoryOr(const std::string& given) const {
        if (!given.empty()) return given;
        return dataDirectory.empty() ? name + ".data" : dataDirectory;
    }
};

// Errors (kInvalid, kNotFound): all that is wrong with the file, one line each:
// "FILE:LINE:COLUMN: what, the value, and what is allowed".
core::Result<JobFile> readJobFile(const std::string& path);
// The same from text; `path` is for messages.
core::Result<JobFile> parseJobFile(const std::string& text, const std::string& path);

}  // namespace tidemill::tools
