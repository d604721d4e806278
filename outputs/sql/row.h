// Rows on their way to a database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_run.h"

namespace tidemill::outputs {

enum class SqlType : std::uint8_t { kInt, kFloat, kBool, kText, kTime, kJson };

// "int", "float", "bool", "text", "time", "json"
const char* toString(SqlType type);

struct SqlColumn {
    std::string name;
    SqlType type = SqlType::kText;
};

// A value of the type that its column has.
struct SqlCell {
    bool isNull = true;
    std::int64_t integer = 0;  // int; bool: 0 or 1; time: microseconds since 1970-01-01 UTC
    double real = 0;
    std::string_view text;  // text, json
};

// A cell for each column.
using SqlRow = std::span<const SqlCell>;

// Where an output's rows come from.
struct SqlRows {
    std::vector<SqlColumn> columns;
    std::function<bool(const core::BatchRun&)>
        isActive;  // whether the batch is one of the stream's
    // Calls the function for each row of the batch, in the same order each time that it is called
    // with one batch. The function may throw, which must come out again.
    std::function<void(core::BatchRun&, const std::function<void(SqlRow)>&)> scan;
};

// As a tuple, for messages: "(a,1,null)".
std::string textOf(const std::vector<SqlColumn>& columns, SqlRow row);

// Why no database would take the text: it is no UTF-8, or holds a NUL byte; empty: nothing is
// wrong.
std::string_view wrongText(std::string_view text);

}  // namespace tidemill::outputs
