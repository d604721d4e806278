// Between streams of Python objects and streams of rows.
#pragma once

#include <memory>

#include "python/native/step.h"
#include "rows/row_stream.h"

namespace tidemill::python {

// Each row as a dict of the columns' names and values.
std::shared_ptr<core::StreamNode<Object>> makeRowObjects(const rows::RowStream& rows);

}  // namespace tidemill::python
