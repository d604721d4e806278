// Rows in an order, as bytes: one row comes before another exactly when its bytes do.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rows/chunk.h"
#include "rows/schema.h"

namespace tidemill::rows {

struct SortColumn {
    std::size_t place = 0;
    bool isDescending = false;
    bool isLoose = false;  // a text or JSON: numbers first, by their size
};

// Appends the bytes of one row. Within a column come values, NaN, null, in both directions.
void appendSortKey(std::string& out, const Chunk& chunk, std::size_t row,
                   const std::vector<SortColumn>& columns);

}  // namespace tidemill::rows
