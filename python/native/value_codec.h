// Python values as bytes: what is stored in state and windows and logged of queues.
// Format: docs/formats/python_values.md.
#pragma once

#include <string>
#include <string_view>

#include "python/native/object.h"

namespace tidemill::python {

// None, bool, int, float, str, bytes, tuple, list, dict, set and frozenset have a form of their
// own, which is the same for equal values made in the same way, whatever the seed of hashes; all
// else is pickled. Throws PythonError for what cannot be. Requires the lock.
void appendValue(PyObject* value, std::string& out);

// Throws core::TaskFailure (kCorrupt) for bytes that appendValue does not make, PythonError when a
// pickled value cannot be made again. Requires the lock.
Object valueFrom(std::string_view bytes);

}  // namespace tidemill::python
