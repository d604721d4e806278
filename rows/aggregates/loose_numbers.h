// Numbers in columns of text or JSON of which nobody said that they are numbers: sum, avg, min and
// max take whole ones exactly, others as floating point, as it is in the text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rows/chunk.h"
#include "rows/number.h"
#include "rows/row_failures.h"

namespace tidemill::rows {

// The numbers of one column after another. Thread safety: worker-confined.
class LooseNumbers {
public:
    explicit LooseNumbers(std::string name)
        : name_(std::move(name)), numbers_(std::make_unique<Number[]>(kChunkRows)) {}

    // A column whose array is of `Number`s; nulls stay null. A row whose text is no number, or a
    // whole one of more than 64 bits, fails. Holds until the next call.
    Column read(const Chunk& chunk, const Column& column, RowFailures& failures);

private:
    const std::string name_;
    std::unique_ptr<Number[]> numbers_;
};

}  // namespace tidemill::rows
