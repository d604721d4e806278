// A job file: what to read, which steps to take, where results go. Reference: docs/job_file.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "sources/file_stream_options.h"
#include "tidemill/options.h"
#include "tools/aggregate.h"
#include "tools/field_reader.h"

namespace tidemill::tools {

// Where in the file something stands; lines and columns from 1.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct SourceSpec {
    enum class Type { kSocket, kListen, kListenAcknowledged, kFiles } type = Type::kSocket;
    std::string name;
    std::string directory;  // files
    FileStreamOptions files;
    std::string host;
    std::uint16_t port = 0;
    std::size_t connectionsMax = 1024;
    std::size_t connectionsPerAddressMax = 64;
    bool allowRemote = false;
    bool wrong = false;  // it has errors: nothing can be said about what reads it
    Position at;
};

struct StepSpec {
    enum class Type {
        kSplit, kLowerCase, kFilter, kCount, kRunningTotals, kFields, kAggregate, kTop, kJoin
    } type = Type::kSplit;
    std::string name;
    std::string from;     // empty: the step or source before it
    std::string pattern;  // filter, fields
    bool drop = false;    // filter: drop what matches instead of keeping it

    // fields
    FieldsBy fieldsBy = FieldsBy::kSplit;
    std::string separator;
    std::vector<FieldSpec> fields;

    // count, aggregate: zero without a window
    Duration window{0};
    Duration slide{0};

    // aggregate
    std::vector<std::string> key;
    std::vector<AggregateSpec> compute;
    bool running = false;

    // top
    std::size_t n = 10;
    std::string by;

    // join
    enum class Join { kInner, kLeft, kRight, kFull } join = Join::kInner;
    std::string with;
    std::string on;

    bool wrong = false;  // as of a source
    Position at;
    Position fromAt;
};

// What stands in the file behind `do`: "running_totals".
const char* stepWord(StepSpec::Type type);

struct OutputSpec {
    enum class Type { kPrint, kTextFiles, kJsonLines } type = Type::kPrint;
    std::string from;  // empty: the last step
    std::size_t num = 10;
    std::string prefix;
    std::string suffix;
    std::string path;  // json_lines: a directory, or "stdout"
    bool wrong = false;
    bool emptyBatches = false;  // json_lines
    Position at;
    Position fromAt;
};

struct JobFile {
    std::string path;
    std::string name;
    // Relative paths count from the working directory. Empty: ./NAME.data.
    std::string dataDirectory;
    StreamingOptions options;
    bool intervalWrong = false;  // as of a source: windows cannot be judged
    std::vector<SourceSpec> sources;
    std::vector<StepSpec> steps;
    std::vector<OutputSpec> outputs;
};

// Errors (kInvalid, kNotFound): all that is wrong with the file, one line each:
// "FILE:LINE:COLUMN: what, the value, and what is allowed".
core::Result<JobFile> readJobFile(const std::string& path);
// The same from text; `path` is for messages.
core::Result<JobFile> parseJobFile(const std::string& text, const std::string& path);

}  // namespace tidemill::tools
