// Readers take typed columns out of records of text: split, csv, regex, json, logfmt, key_value,
// clf, combined, syslog.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/error.h"
#include "core/time.h"
#include "rows/chunk.h"
#include "rows/row_failures.h"
#include "rows/schema.h"

namespace tidemill::rows {

// One column that a reader makes.
struct FieldSpec {
    std::string name;
    // A number from 1 (split, csv, regex), a name (regex group, csv header, logfmt, key_value, clf,
    // combined, syslog) or a JSON pointer.
    std::string place;
    Type type = Type::kText;
    // Text that stands for null: "-".
    std::optional<std::string> nullText;
    // Stands where the field is missing, as text of the column's type; without it a missing field
    // fails the record.
    std::optional<std::string> defaultText;
    bool optional = false;  // a missing field is null
    // Of times, strptime's with %f for fractions of a second; empty: ISO 8601.
    std::string format;
};

// What one task reads with. Thread safety: worker-confined.
class RowReader {
public:
    virtual ~RowReader() = default;

    // Before the first record of a batch: times without a year (syslog's) are the latest that are
    // at most a day after this, the same whenever the batch runs.
    virtual void beginBatch(BatchTime) {}

    // Reads up to kChunkRows records; column i of the answer has a row for each of them, also for
    // those that fail or are left out (a header line). Columns hold until the next call; texts live
    // as long as the records' bytes or `arena`.
    virtual std::span<const Column> read(std::span<const std::string_view> records,
                                         core::Arena& arena, RowFailures& failures) = 0;
};

// A checked reader. Thread safety: immutable; each task makes a RowReader.
class Reader {
public:
    virtual ~Reader() = default;
    virtual const Schema& schema() const = 0;
    virtual std::unique_ptr<RowReader> makeRowReader() const = 0;
};

}  // namespace tidemill::rows
