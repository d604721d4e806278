#include "python/native/value_codec.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "core/workers.h"
#include "python/native/errors.h"
#include "python/native/varint.h"

namespace tidemill::python {
namespace {

// Stored: never change one, only add.
enum Tag : unsigned char {
    kNone = 0,
    kFalse = 1,
    kTrue = 2,
    kInt = 3,     // varint of the zigzag form
    kBigInt = 4,  // varint size, two's complement, little-endian
    kFloat = 5,   // 8 bytes, little-endian
    kStr = 6,     // varint size, UTF-8
    kBytes = 7,   // varint size, bytes
    kTuple = 8,   // varint count, values
    kList = 9,
    kDict = 10,  // varint count, key and value each, in the dict's order
    kSet = 11,   // varint count, values in the order of their bytes
    kFrozenSet = 12,
    kPickle = 13,  // varint size, bytes
};

// Deeper ones, and those that hold themselves, are pickled.
constexpr int kDepthMost = 50;

PyObject* pickleFunction(const char* name) {
    const auto module = orThrow(PyImport_ImportModule("pickle"));
    return orThrow(PyObject_GetAttrString(module.get(), name)).release();
}

void appendSized(std::string& out, Tag tag, const char* bytes, std::size_t size) {
    out.push_back(static_cast<char>(tag));
    appendVarint(out, size);
    out.append(bytes, size);
}

void appendPickled(PyObject* value, std::string& out) {
    static PyObject* const dumps = pickleFunction("dumps");
    static PyObject* const protocol = PyLong_FromLong(4);
    const auto bytes = orThrow(PyObject_CallFunctionObjArgs(dumps, value, protocol, nullptr));
    appendSized(out, kPickle, PyBytes_AS_STRING(bytes.get()),
                static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
}

void appendInt(PyObject* value, std::string& out) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
        out.push_back(kInt);
        appendVarint(out, (static_cast<std::uint64_t>(number) << 1) ^
                              static_cast<std::uint64_t>(number >> 63));
        return;
    }
    const auto bits = orThrow(PyObject_CallMethod(value, "bit_length", nullptr));
    const Py_ssize_t size = PyLong_AsSsize_t(bits.get()) / 8 + 1;
    const auto method = orThrow(PyObject_GetAttrString(value, "to_bytes"));
    const auto arguments = orThrow(Py_BuildValue("(ns)", size, "little"));
    const auto names = orThrow(Py_BuildValue("{sO}", "signed", Py_True));
    const auto bytes = orThrow(PyObject_Call(method.get(), arguments.get(), names.get()));
    appendSized(out, kBigInt, PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(size));
}

void append(PyObject* value, std::string& out, int depth);

void appendSet(PyObject* set, std::string& out, int depth) {
    std::vector<std::string> parts;
    const auto iterator = orThrow(PyObject_GetIter(set));
    while (const auto part = Object::owned(PyIter_Next(iterator.get())))
        append(part.get(), parts.emplace_back(), depth + 1);
    if (PyErr_Occurred() != nullptr) throwPythonError();
    std::sort(parts.begin(), parts.end());
    out.push_back(static_cast<char>(PyFrozenSet_CheckExact(set) ? kFrozenSet : kSet));
    appendVarint(out, parts.size());
    for (const auto& part : parts) out += part;
}

void append(PyObject* value, std::string& out, int depth) {
    if (value == Py_None) {
        out.push_back(kNone);
    } else if (PyUnicode_CheckExact(value)) {
        Py_ssize_t size = 0;
        if (const char* bytes = PyUnicode_AsUTF8AndSize(value, &size)) {
            appendSized(out, kStr, bytes, static_cast<std::size_t>(size));
        } else {
            PyErr_Clear();
            const std::string text = textOf(value);
            appendSized(out, kStr, text.data(), text.size());
        }
    } else if (PyLong_CheckExact(value)) {
        appendInt(value, out);
    } else if (PyBool_Check(value)) {
        out.push_back(static_cast<char>(value == Py_True ? kTrue : kFalse));
    } else if (PyFloat_CheckExact(value)) {
        const double number = PyFloat_AS_DOUBLE(value);
        out.push_back(kFloat);
        out.append(reinterpret_cast<const char*>(&number), sizeof number);
    } else if (PyBytes_CheckExact(value)) {
        appendSized(out, kBytes, PyBytes_AS_STRING(value),
                    static_cast<std::size_t>(PyBytes_GET_SIZE(value)));
    } else if (depth > kDepthMost) {
        appendPickled(value, out);
    } else if (PyTuple_CheckExact(value) || PyList_CheckExact(value)) {
        out.push_back(static_cast<char>(PyTuple_CheckExact(value) ? kTuple : kList));
        const Py_ssize_t count = PySequence_Fast_GET_SIZE(value);
        appendVarint(out, static_cast<std::uint64_t>(count));
        for (Py_ssize_t i = 0; i < count; ++i)
            append(PySequence_Fast_GET_ITEM(value, i), out, depth + 1);
    } else if (PyDict_CheckExact(value)) {
        out.push_back(kDict);
        appendVarint(out, static_cast<std::uint64_t>(PyDict_GET_SIZE(value)));
        Py_ssize_t place = 0;
        PyObject *key = nullptr, *held = nullptr;
        while (PyDict_Next(value, &place, &key, &held)) {
            append(key, out, depth + 1);
            append(held, out, depth + 1);
        }
    } else if (PyAnySet_CheckExact(value)) {
        appendSet(value, out, depth);
    } else {
        appendPickled(value, out);
    }
}

class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    bool finished() const { return bytes_.empty(); }

    Object value() {
        switch (static_cast<unsigned char>(raw(1).front())) {
            case kNone: return Object::borrowed(Py_None);
            case kFalse: return Object::borrowed(Py_False);
            case kTrue: return Object::borrowed(Py_True);
            case kInt: {
                const std::uint64_t coded = varint();
                return orThrow(PyLong_FromLongLong(static_cast<long long>(coded >> 1) ^
                                                   -static_cast<long long>(coded & 1)));
            }
            case kBigInt: return bigInt(sized());
            case kFloat: {
                double number = 0;
                std::memcpy(&number, raw(sizeof number).data(), sizeof number);
                return orThrow(PyFloat_FromDouble(number));
            }
            case kStr: {
                const auto text = sized();
                return orThrow(PyUnicode_DecodeUTF8(
                    text.data(), static_cast<Py_ssize_t>(text.size()), "surrogatepass"));
            }
            case kBytes: {
                const auto bytes = sized();
                return orThrow(
                    PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
            }
            case kTuple: {
                auto tuple = orThrow(PyTuple_New(count()));
                for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.get()); ++i)
                    PyTuple_SET_ITEM(tuple.get(), i, value().release());
                return tuple;
            }
            case kList: {
                auto list = orThrow(PyList_New(count()));
                for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i)
                    PyList_SET_ITEM(list.get(), i, value().release());
                return list;
            }
            case kDict: return dict();
            case kSet: return filledSet(orThrow(PySet_New(nullptr)));
            case kFrozenSet: return filledSet(orThrow(PyFrozenSet_New(nullptr)));
            case kPickle: return unpickled(sized());
            default: corrupt();
        }
    }

private:
    [[noreturn]] static void corrupt() {
        throw core::TaskFailure(
            core::Error{core::ErrorKind::kCorrupt, "a stored Python value does not parse"});
    }

    std::string_view raw(std::size_t size) {
        if (size > bytes_.size()) corrupt();
        const auto taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }
    std::uint64_t varint() {
        std::uint64_t number = 0;
        if (!takeVarint(bytes_, number)) corrupt();
        return number;
    }
    std::string_view sized() { return raw(varint()); }
    // Of values that must still follow, each at least a byte.
    Py_ssize_t count() {
        const std::uint64_t count = varint();
        if (count > bytes_.size()) corrupt();
        return static_cast<Py_ssize_t>(count);
    }

    Object dict() {
        auto dict = orThrow(PyDict_New());
        for (Py_ssize_t left = count(); left != 0; --left) {
            const Object key = value();
            const Object held = value();
            if (PyDict_SetItem(dict.get(), key.get(), held.get()) != 0) throwPythonError();
        }
        return dict;
    }
    Object filledSet(Object set) {
        for (Py_ssize_t left = count(); left != 0; --left)
            if (PySet_Add(set.get(), value().get()) != 0) throwPythonError();
        return set;
    }

    static Object bigInt(std::string_view bytes) {
        const auto method = orThrow(
            PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyLong_Type), "from_bytes"));
        const auto arguments = orThrow(
            Py_BuildValue("(y#s)", bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "little"));
        const auto names = orThrow(Py_BuildValue("{sO}", "signed", Py_True));
        return orThrow(PyObject_Call(method.get(), arguments.get(), names.get()));
    }
    static Object unpickled(std::string_view bytes) {
        static PyObject* const loads = pickleFunction("loads");
        const auto argument =
            orThrow(PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
        return orThrow(PyObject_CallOneArg(loads, argument.get()));
    }

    std::string_view bytes_;
};

}  // namespace

void appendValue(PyObject* value, std::string& out) { append(value, out, 0); }

Object valueFrom(std::string_view bytes) {
    Reader reader(bytes);
    Object value = reader.value();
    if (!reader.finished())
        throw core::TaskFailure(
            core::Error{core::ErrorKind::kCorrupt, "bytes are left behind a stored Python value"});
    return value;
}

}  // namespace tidemill::python
