// Events of Flume agents as rows.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "rows/row_stream.h"
#include "tidemill/dstream.h"

namespace tidemill {

struct FlumeEvent;

namespace rows {

// Column body (text), and one of text for each of `headers`, by its name; what an event does not
// have is null. Errors: kInvalid, a header that is called like another column.
core::Result<RowStream> rowsOfFlume(const DStream<FlumeEvent>& events,
                                    const std::vector<std::string>& headers);

}  // namespace rows
}  // namespace tidemill
