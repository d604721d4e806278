// Rows in the binary format of PostgreSQL's COPY.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "outputs/sql/postgres/table.h"

namespace tidemill::outputs {

inline void beginCopyRows(std::string& out) {
    out.append("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
}
inline void endCopyRows(std::string& out) { out.append("\377\377", 2); }

// Only what refusalOf has nothing against. With `ordinal` a number of the row behind its values.
void appendCopyRow(std::string& out, const std::vector<PgColumn>& columns, SqlRow row,
                   const std::int64_t* ordinal = nullptr);

// Why the table would not take the row, as far as that shows; empty: nothing is known against it.
std::string refusalOf(const std::vector<SqlColumn>& names, const std::vector<PgColumn>& columns,
                      SqlRow row);

}  // namespace tidemill::outputs
