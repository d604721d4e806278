// A PostgreSQL table: found or made, and compared with the rows that are to go there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "outputs/sql/postgres/connection.h"

namespace tidemill::outputs {

// How a value is sent.
enum class PgForm : std::uint8_t {
    kInt2,
    kInt4,
    kInt8,
    kFloat8,
    kBool,
    kText,  // varchar and json too
    kJsonb,
    kTimestamptz,
};

// A column of the table that rows have a value for.
struct PgColumn {
    PgForm form = PgForm::kText;
    bool isRequired = false;         // not null
    std::int64_t charactersMax = 0;  // varchar(n); 0: no limit
    bool isComparedByBytes = true;   // equal values have equal bytes
};

struct PgTable {
    std::string name;    // "public.totals", as the progress has it
    std::string quoted;  // for statements
    std::string id;      // the same for the same table of the same server, however it was named
    std::vector<PgColumn> columns;  // of the rows, in their order
};

// Errors: the table is missing, or is not what the rows need; the message has the columns and types
// of both.
SqlResult<PgTable> openPgTable(PgConnection& connection, const SqlTable& wanted,
                               const std::string& place);

// The two parts of a name: "schema.table" or "table".
std::string quotedPgName(const PgConnection& connection, const std::string& name);

}  // namespace tidemill::outputs
