// RowStream: the handle on a stream of rows, and the operators that make one from another. They
// hang in the same graph as every DStream's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/stream_node.h"
#include "rows/chunk.h"
#include "rows/expression.h"
#include "rows/reader.h"
#include "rows/schema.h"
#include "tidemill/dstream.h"

namespace tidemill::rows {

// Sinks of chunks count rows where others count elements: Sink::wanted() is a number of rows.
struct RowStream {
    std::shared_ptr<Job> job;
    std::shared_ptr<core::StreamNode<Chunk>> node;
    Schema schema;
};

// A row for each line. What `reader` cannot read is left to the job's error policy.
RowStream readRows(const DStream<std::string_view>& lines, std::shared_ptr<const Reader> reader);

// The pairs of a count as rows of "value" (text) and "count" (int).
RowStream rowsOfCounts(const DStream<std::pair<std::string_view, std::int64_t>>& counts);

// The rows that `condition`, of type bool, holds for; null is not true.
RowStream where(const RowStream& from, std::shared_ptr<const Expression> condition,
                const char* kind = "where");

// The rows with columns that are computed from theirs: a column that is there already is replaced,
// others are added behind. Each is made from the columns of `from`.
struct ComputedColumn {
    std::string name;
    std::shared_ptr<const Expression> expression;
};
core::Result<RowStream> compute(const RowStream& from, std::vector<ComputedColumn> columns);

// The columns at these places, under these names. Errors: kInvalid, two of one name.
struct PickedColumn {
    std::size_t place = 0;
    std::string name;
};
core::Result<RowStream> pick(const RowStream& from, const std::vector<PickedColumn>& columns);

// By names. Errors (kInvalid): a column that is not there, two of one name, none left.
core::Result<RowStream> select(const RowStream& from, const std::vector<std::string>& names);
core::Result<RowStream> drop(const RowStream& from, const std::vector<std::string>& names);
// Pairs of a column's name and the one it gets.
core::Result<RowStream> rename(const RowStream& from,
                               const std::vector<std::pair<std::string, std::string>>& names);

// The rows of both. The second stream's columns may lie in another order. Errors: kInvalid, columns
// of other names or types.
core::Result<RowStream> unite(const RowStream& first, const RowStream& second);

// A row for each part of column `name`: of a text the pieces between `separator`s, of JSON the
// elements of the array it must be. A null makes no row, nor do an empty text and an empty array.
// Errors: kInvalid, a column that is not there or of another type.
core::Result<RowStream> explode(const RowStream& from, const std::string& name,
                                const std::string& separator);

// The first `n` rows of a batch when ordered by these columns, then by all others, ascending. NaN
// comes behind all numbers and null behind everything, in both directions; of a loose column
// numbers come by their size, before everything else. Errors: kInvalid, a column that is not there.
struct OrderBy {
    std::string name;
    bool isDescending = true;
};
core::Result<RowStream> top(const RowStream& from, const std::vector<OrderBy>& by, std::size_t n);

// Rows of two streams whose columns `on` are equal, in each batch; null equals nothing. The columns
// are those of `on`, then the others of the left and of the right stream; what is missing is null.
// Errors: kInvalid, a column that is not there, types that differ, two columns of one name, streams
// that slide differently. A text and a JSON string of that text are equal.
enum class JoinKind { kInner, kLeft, kRight, kFull };
core::Result<RowStream> join(const RowStream& left, const RowStream& right,
                             const std::vector<std::string>& on, JoinKind kind);

}  // namespace tidemill::rows
