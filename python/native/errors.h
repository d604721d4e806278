// Exceptions on their way between Python and the engine.
#pragma once

#include <stdexcept>
#include <string>

#include "python/native/object.h"

namespace tidemill::python {

// A Python function raised; what() is the whole traceback.
class PythonError : public std::runtime_error {
public:
    using runtime_error::runtime_error;
};

// Throws the exception that Python has set, as PythonError. Requires the lock.
[[noreturn]] void throwPythonError();

// The object, or the exception that was set instead of making it. Requires the lock.
inline Object orThrow(PyObject* made) {
    if (made == nullptr) [[unlikely]]
        throwPythonError();
    return Object::owned(made);
}

// A text's UTF-8, lone surrogates as what Python calls surrogatepass. Requires the lock.
std::string textOf(PyObject* text);

}  // namespace tidemill::python
