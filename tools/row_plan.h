// Steps of a job file that work on rows, as streams.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "rows/row_stream.h"
#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// True when the step takes rows.
bool takesRows(StepSpec::Type type);

// None when the step does not fit what it is given; then errors say why. May throw
// std::invalid_argument, as DStream does. `with`: the other stream, of join and union.
std::optional<rows::RowStream> planFields(const DStream<std::string_view>& lines,
                                          const StepSpec& step, JobFileErrors& errors);
std::optional<rows::RowStream> planRows(const rows::RowStream& from, const rows::RowStream* with,
                                        const StepSpec& step, JobFileErrors& errors);

// The query of a sql step over the steps that give rows, by name; `became` are the steps that it
// was planned into, a line each.
std::optional<rows::RowStream> planSql(const std::map<std::string, rows::RowStream>& streams,
                                       const StepSpec& step, JobFileErrors& errors,
                                       std::string& became);

// Errors (kInvalid): a column of a name that the format reserves, a template that does not fit.
core::Result<> planOutput(const rows::RowStream& from, const OutputSpec& output);

}  // namespace tidemill::tools
