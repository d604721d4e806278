// Random rows and the records that a reader takes them from.
#pragma once

#include <string>

#include "tests/differential/row_model.h"

namespace tidemill::rows::test {

// A step `fields`, the rows that it gives, and the lines of each batch.
struct DrawnSource {
    std::string kind;  // of the reader
    std::string toml;  // the step, without its name
    NaiveStream made;
    std::map<std::int64_t, std::string> text;
};

// `rowsMax` a batch. Some lines are no records; they are left out.
DrawnSource drawSource(Draw& draw, std::int64_t rowsMax);

}  // namespace tidemill::rows::test
