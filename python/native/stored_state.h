// What a checkpoint holds, for tests: the bytes of states and windows.
#pragma once

#include <string>

#include "python/native/object.h"

namespace tidemill::python {

// A list of (operator's name, number of the table, key, value), the last two as bytes, of every
// row in the tables of operators of the checkpoint in the directory `generation`, in the order of
// operators, tables and keys. Throws std::runtime_error when it cannot be read. Requires the lock.
Object storedRows(const std::string& generation);

}  // namespace tidemill::python
