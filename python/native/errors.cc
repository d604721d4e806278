#include "python/native/errors.h"

namespace tidemill::python {
namespace {

std::string formatted(PyObject* type, PyObject* value, PyObject* trace) {
    const auto module = Object::owned(PyImport_ImportModule("traceback"));
    if (!module) return {};
    const auto lines = Object::owned(PyObject_CallMethod(module.get(), "format_exception", "OOO",
                                                         type, value != nullptr ? value : Py_None,
                                                         trace != nullptr ? trace : Py_None));
    if (!lines) return {};
    const auto nothing = Object::owned(PyUnicode_FromString(""));
    const auto all = Object::owned(PyUnicode_Join(nothing.get(), lines.get()));
    return all ? textOf(all.get()) : std::string();
}

}  // namespace

void throwPythonError() {
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    if (type == nullptr) throw PythonError("Python reports an error and no exception");
    PyErr_NormalizeException(&type, &value, &trace);
    std::string text = formatted(type, value, trace);
    if (text.empty()) {
        PyErr_Clear();
        text = reinterpret_cast<PyTypeObject*>(type)->tp_name;
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    Py_DECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    throw PythonError(text);
}

std::string textOf(PyObject* text) {
    Py_ssize_t size = 0;
    if (const char* bytes = PyUnicode_AsUTF8AndSize(text, &size))
        return {bytes, static_cast<std::size_t>(size)};
    PyErr_Clear();
    const auto encoded = orThrow(PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass"));
    return {PyBytes_AS_STRING(encoded.get()),
            static_cast<std::size_t>(PyBytes_GET_SIZE(encoded.get()))};
}

}  // namespace tidemill::python
