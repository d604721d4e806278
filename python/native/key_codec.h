// Python objects as keys: bytes that are equal when the objects are, in every process.
// Format: docs/formats/python_values.md.
#pragma once

#include <string_view>

#include "core/arena.h"
#include "python/native/object.h"

namespace tidemill::python {

// str (its UTF-8, as it is), bytes, numbers (1 == 1.0 == True; 0.0 == -0.0; every NaN is one key),
// None, and tuples and frozensets of these; subclasses by what they inherit. Points into `key` or
// into `arena`. Throws PythonError, a TypeError that says what keys may be, for others. Requires
// the lock.
std::string_view keyBytes(PyObject* key, core::Arena& arena);

// Of all keys with these bytes the plainest one: int rather than float or bool. Throws
// core::TaskFailure (kCorrupt). Requires the lock.
Object keyFrom(std::string_view bytes);

// Whether keyFrom gives this key back, its types included. Requires the lock.
bool isPlainKey(PyObject* key);

}  // namespace tidemill::python
