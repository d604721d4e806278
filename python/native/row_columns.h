// The rows of a batch as columns that Python's arrays can look into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/batch_run.h"
#include "core/stream_node.h"
#include "python/native/object.h"
#include "rows/chunk.h"
#include "rows/schema.h"

namespace tidemill::python {

// One column, laid out as Arrow has it. Thread safety: immutable once it is collected.
struct RowColumn {
    std::string name;
    rows::Type type = rows::Type::kInt;
    std::size_t size = 0;
    std::size_t nullCount = 0;
    // Elements as rows::Held has them; of texts (UTF-8) the ends in `text`, 64 bits each, behind a
    // first one of 0. A null's element means nothing, its text is empty.
    std::string values;
    std::string text;
    std::string present;  // a bit for each row, lowest first, set when it is no null; empty: all

    bool isNull(std::size_t row) const {
        return !present.empty() && ((present[row / 8] >> (row % 8)) & 1) == 0;
    }
};
using RowColumns = std::vector<std::shared_ptr<const RowColumn>>;

// The first `rowsMax` rows of a batch; rows::kAllRows: all, made by all workers. Call without
// Python's lock.
RowColumns collectColumns(core::StreamNode<rows::Chunk>& node, core::BatchRun& run,
                          const rows::Schema& schema, std::size_t rowsMax);

// A column as a Python object, and its values as a list; see row_values.h. Require the lock.
Object wrapped(std::shared_ptr<const RowColumn> column);
Object listOf(const RowColumn& column);

}  // namespace tidemill::python
