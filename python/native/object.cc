#include "python/native/object.h"

#include <ostream>
#include <string_view>

namespace tidemill::python {

void Object::retain() {
    const GilScope gil;
    Py_INCREF(object_);
}

void Object::drop() {
    if (gil_detail::hasLock()) Py_DECREF(object_);
    else dropLater(object_);
}

std::ostream& operator<<(std::ostream& out, const Object& object) {
    if (!object) return out << "NULL";
    const GilScope gil;
    // Called to describe what failed, so that it must not fail.
    const auto text = Object::owned(PyObject_Repr(object.get()));
    if (text) {
        Py_ssize_t size = 0;
        const char* bytes = PyUnicode_AsUTF8AndSize(text.get(), &size);
        if (bytes != nullptr) return out << std::string_view(bytes, static_cast<std::size_t>(size));
    }
    PyErr_Clear();
    return out << "(an object whose repr() fails)";
}

}  // namespace tidemill::python
