// Rows as the lines of results: JSON, CSV, TSV, text by a template, tuples.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/chunk.h"
#include "rows/schema.h"

namespace tidemill::rows {

// Of which batch the lines are.
struct BatchStamp {
    std::uint64_t batch = 0;
    std::int64_t timeMillis = 0;
};

// Thread safety: immutable.
class RowFormat {
public:
    virtual ~RowFormat() = default;
    // What begins a file; empty: nothing.
    virtual std::string header() const { return {}; }
    // Appends one row with its '\n'.
    virtual void append(std::string& out, const BatchStamp& stamp, const Chunk& chunk,
                        std::size_t row) const = 0;
    // For `--check`: "csv", "each line with \"batch\" and \"time\"".
    virtual std::string describe() const = 0;
};

// {"batch": 7, "time": 1000, "path": "/", "n": 3}. Batch and time stand under "_batch" and "_time"
// when a column has one of the plainer names. Errors (kInvalid): columns named like the latter.
core::Result<std::shared_ptr<const RowFormat>> makeJsonFormat(const Schema& schema);

// RFC 4180 with a header line; null is an empty field, an empty text "".
std::shared_ptr<const RowFormat> makeCsvFormat(const Schema& schema);

// Tab-separated with a header line; tab, line feed, carriage return and backslash as \t, \n, \r,
// \\; null is \N.
std::shared_ptr<const RowFormat> makeTsvFormat(const Schema& schema);

// "{path} was asked for {n} times": columns by name, and {batch} and {time} when no column is named
// so; {{ and }} for the braces. Errors: kInvalid, a name that is none, a brace left open.
core::Result<std::shared_ptr<const RowFormat>> makeTemplateFormat(const std::string& text,
                                                                  const Schema& schema);

}  // namespace tidemill::rows
