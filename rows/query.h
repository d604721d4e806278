// A planned query over named streams as the operators that every step becomes.
#pragma once

#include <map>
#include <string>

#include "core/error.h"
#include "rows/row_stream.h"
#include "rows/sql/plan.h"

namespace tidemill::rows {

// `streams` are those that the query was planned with. `name`: under which windows and running
// groups are found again; running groups need one. Errors: kInvalid, streams that slide
// differently, a name that is missing. Throws std::invalid_argument for windows that do not fit, as
// DStream does.
core::Result<RowStream> runPlan(const sql::Plan& plan,
                                const std::map<std::string, RowStream>& streams,
                                const std::string& name);

}  // namespace tidemill::rows
