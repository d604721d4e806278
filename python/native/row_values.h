// Values of rows as Python objects. All may throw PythonError and require Python's lock.
#pragma once

#include <cstdint>
#include <string_view>

#include "python/native/object.h"
#include "rows/chunk.h"

namespace tidemill::python {

Object rowInt(std::int64_t value);
Object rowFloat(double value);
Object rowBool(bool value);
// UTF-8; what is none becomes U+FFFD.
Object rowText(std::string_view text);
// A datetime in UTC. Throws for years before 1 and behind 9999.
Object rowTime(std::int64_t micros);
// What a JSON text says: dict, list, str, int, float, bool or None.
Object rowJson(std::string_view text);

// That of a row's column; None for null.
Object rowValue(const rows::Column& column, std::size_t row);

}  // namespace tidemill::python
