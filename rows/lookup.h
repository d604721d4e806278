// lookup: rows with the columns of a table that lies in a file, by equal keys.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/csv_records.h"
#include "rows/reader.h"
#include "rows/row_stream.h"

namespace tidemill::rows {

// A file of lines, or of records of CSV, one row each; empty ones are passed over. It is read again
// when it has changed, between two batches; each batch's record says which version it sees, so that
// a batch that is run again sees the same. Of a version that cannot be read nothing is taken: the
// one before stays, and the log says why.
struct LookupTableFile {
    std::string path;
    std::shared_ptr<const Reader> reader;
    // Of the columns without a stated type, see ColumnSpec::isLoose.
    std::vector<std::string> loose = {};
    // How its records are cut; none: at line ends.
    std::optional<CsvRecords> csv = {};
};

// The columns are those of `from`, then those of the file that are not in `on`. A key comes once in
// the file; null equals nothing. kInner leaves rows out that have no partner, kLeft gives them
// nulls. Errors: kInvalid, a column that is not there, types that differ, two columns of one name,
// another kind of join.
core::Result<RowStream> lookup(const RowStream& from, LookupTableFile file,
                               const std::vector<std::string>& on, JoinKind kind);

}  // namespace tidemill::rows
