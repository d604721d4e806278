// aggregate: rows into groups by key, of each batch, of windows, or for ever.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/time.h"
#include "rows/aggregates/functions.h"
#include "rows/row_stream.h"

namespace tidemill::rows {

struct Aggregation {
    std::vector<std::string> key = {};  // names of columns; none: one group of all rows
    // Name of the column made, and the call: {"total", "sum(bytes)"}.
    std::vector<std::pair<std::string, std::string>> compute = {};

    // The same taken apart already, behind those of `compute`; arguments are columns.
    std::vector<std::pair<std::string, AggregateCall>> calls = {};

    // At most one of these.
    Duration window{0};
    Duration slide{0};  // with a window; zero: as the stream's batches
    bool running =
        false;  // the groups go on for ever; the rows given are those of the batch's groups

    // Under which state is found again; required when running.
    std::string name = {};
    // Running: a group without rows for longer than this is forgotten; zero: never.
    Duration ttl{0};
};

// Errors (kInvalid): a column that is not there, a function that does not take its type, two
// columns of one name. Throws std::invalid_argument for windows that do not fit, as DStream does.
core::Result<RowStream> aggregate(const RowStream& from, const Aggregation& how);

// The first row of each different combination of these columns; none: of all.
core::Result<RowStream> distinct(const RowStream& from, const std::vector<std::string>& by);

}  // namespace tidemill::rows
