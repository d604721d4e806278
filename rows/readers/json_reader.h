// Fields of JSON records by JSON pointers.
#pragma once

#include <memory>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

// Places are JSON pointers (RFC 6901): "/user/name", "/items/0/price", "" for all of the record.
// Values keep their types: an int takes whole numbers that 64 bits hold, a float numbers and the
// strings "NaN", "Infinity" and "-Infinity", a bool true and false, a time a string (or a number
// where its format is of seconds or milliseconds), a text strings, and numbers, true and false as
// they are written; json takes any value. null is null; of a name that comes twice, the last
// counts. A record must be one JSON value; strings that no field asks for are not searched for
// wrong escapes. Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeJsonReader(std::vector<FieldSpec> fields);

}  // namespace tidemill::rows
