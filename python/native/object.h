// Object: a reference to a Python object, the element type of Python's streams.
#pragma once

#include <Python.h>

#include <iosfwd>
#include <utility>

#include "core/views.h"
#include "python/native/gil.h"

namespace tidemill::python {

// May be moved, copied and destroyed by threads that do not hold Python's lock: a copy takes it, a
// reference that ends without it is given up soon after. Thread safety: as of a pointer.
class Object {
public:
    Object() = default;
    // Takes over a reference; null: none.
    static Object owned(PyObject* object) {
        Object made;
        made.object_ = object;
        return made;
    }
    // A reference of its own. Requires the lock.
    static Object borrowed(PyObject* object) {
        Py_XINCREF(object);
        return owned(object);
    }

    Object(const Object& other) : object_(other.object_) {
        if (object_ == nullptr) return;
        if (holdsGil()) Py_INCREF(object_);
        else retain();
    }
    Object(Object&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Object& operator=(const Object& other) {
        Object(other).swap(*this);
        return *this;
    }
    Object& operator=(Object&& other) noexcept {
        Object(std::move(other)).swap(*this);
        return *this;
    }
    ~Object() {
        if (object_ == nullptr) return;
        if (holdsGil()) Py_DECREF(object_);
        else drop();
    }
    void swap(Object& other) noexcept { std::swap(object_, other.object_); }

    PyObject* get() const { return object_; }
    // Hands the reference over.
    PyObject* release() { return std::exchange(object_, nullptr); }
    explicit operator bool() const { return object_ != nullptr; }

private:
    void retain();
    void drop();

    PyObject* object_ = nullptr;
};

// As repr() has it.
std::ostream& operator<<(std::ostream& out, const Object& object);

}  // namespace tidemill::python

template <>
inline constexpr bool tidemill::kOwnsItsBytes<tidemill::python::Object> = true;
