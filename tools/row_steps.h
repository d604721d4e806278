// The steps of job files that work on rows: fields, aggregate, top, join.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "tidemill/tidemill.h"
#include "tools/job_file.h"
#include "tools/row.h"

namespace tidemill::tools {

struct RowStream {
    DStream<Row> rows;
    std::vector<std::string> columns;
};

RowStream takeFields(const DStream<std::string_view>& lines, const StepSpec& step);

// The pairs of a count step as rows of "value" and "count".
RowStream rowsOf(const DStream<std::pair<std::string_view, std::int64_t>>& counts);

// Errors (kInvalid): a column that is not there, two of one name. Windows that do not fit throw
// std::invalid_argument, as DStream does.
core::Result<RowStream> aggregate(const RowStream& from, const StepSpec& step);
core::Result<RowStream> top(const RowStream& from, const StepSpec& step);
core::Result<RowStream> join(const RowStream& left, const RowStream& right, const StepSpec& step);

// Appends "name": value for each field.
void appendJsonFields(std::string& out, const std::vector<std::string>& columns, const Row& row);

}  // namespace tidemill::tools
