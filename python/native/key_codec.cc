#include "python/native/key_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/big_endian.h"
#include "core/error.h"
#include "core/workers.h"
#include "python/native/errors.h"
#include "python/native/varint.h"

namespace tidemill::python {
namespace {

// The first bytes of what is no str: none of them begins UTF-8. Stored: never change one.
enum Tag : unsigned char {
    kNone = 0xF8,
    kInt = 0xF9,    // size and sign, magnitude: byte order is the order of the numbers
    kFloat = 0xFA,  // of numbers that are no integers: 8 bytes, in their order
    kBytes = 0xFB,  // bytes
    kTuple = 0xFC,  // for each part varint size and its bytes
    kFrozenSet = 0xFD,
};

constexpr unsigned char kZero = 0x80;
constexpr std::size_t kShortMost = 0x7E;
constexpr int kDepthMost = 50;

void append(PyObject* key, std::string& out, int depth);

[[noreturn]] void refuse(PyObject* key) {
    PyErr_Format(PyExc_TypeError,
                 "a key of type %s cannot be used, because equal ones must have equal bytes in "
                 "every process: keys are str, bytes, int, float, bool, None, and tuples and "
                 "frozensets of these; make one of them, such as str(key), or a tuple of its parts",
                 Py_TYPE(key)->tp_name);
    throwPythonError();
}

// A subclass that compares as `base` does.
bool comparesAs(PyObject* key, const PyTypeObject& base) {
    return Py_TYPE(key)->tp_richcompare == base.tp_richcompare;
}

// `magnitude`: big-endian, without zeros in front.
void appendMagnitude(std::string& out, std::string_view magnitude, bool negative) {
    out.push_back(static_cast<char>(kInt));
    const unsigned char flip = negative ? 0xFF : 0;
    const std::size_t size = magnitude.size();
    if (size <= kShortMost) {
        out.push_back(static_cast<char>(negative ? kZero - 1 - size : kZero + size));
    } else {
        out.push_back(static_cast<char>(negative ? 0x00 : 0xFF));
        for (int shift = 24; shift >= 0; shift -= 8)
            out.push_back(static_cast<char>((size >> shift & 0xFF) ^ flip));
    }
    for (const char byte : magnitude) out.push_back(static_cast<char>(byte ^ flip));
}

void appendInt(PyObject* key, std::string& out) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(key, &overflow);
    if (overflow == 0 && number == -1 && PyErr_Occurred() != nullptr) throwPythonError();
    if (overflow == 0) {
        const auto unsignedNumber = static_cast<std::uint64_t>(number);
        char bytes[8];
        core::storeBigEndian(number < 0 ? 0 - unsignedNumber : unsignedNumber, bytes);
        std::string_view magnitude(bytes, sizeof bytes);
        while (!magnitude.empty() && magnitude.front() == 0) magnitude.remove_prefix(1);
        return appendMagnitude(out, magnitude, number < 0);
    }
    const auto magnitude = orThrow(PyNumber_Absolute(key));
    const auto bits = orThrow(PyObject_CallMethod(magnitude.get(), "bit_length", nullptr));
    const Py_ssize_t size = (PyLong_AsSsize_t(bits.get()) + 7) / 8;
    const auto bytes = orThrow(PyObject_CallMethod(magnitude.get(), "to_bytes", "ns", size, "big"));
    appendMagnitude(out, {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(size)},
                    overflow < 0);
}

void appendFloat(double number, std::string& out) {
    if (std::isfinite(number) && std::trunc(number) == number)
        return appendInt(orThrow(PyLong_FromDouble(number)).get(), out);
    if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
    const auto bits = std::bit_cast<std::uint64_t>(number);
    constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
    char bytes[8];
    core::storeBigEndian((bits & kSign) != 0 ? ~bits : bits | kSign, bytes);
    out.push_back(static_cast<char>(kFloat));
    out.append(bytes, sizeof bytes);
}

void appendPart(std::string& out, std::string_view part) {
    appendVarint(out, part.size());
    out += part;
}

void appendFrozenSet(PyObject* key, std::string& out, int depth) {
    std::vector<std::string> parts;
    const auto iterator = orThrow(PyObject_GetIter(key));
    while (const auto part = Object::owned(PyIter_Next(iterator.get())))
        append(part.get(), parts.emplace_back(), depth + 1);
    if (PyErr_Occurred() != nullptr) throwPythonError();
    std::sort(parts.begin(), parts.end());
    out.push_back(static_cast<char>(kFrozenSet));
    for (const auto& part : parts) appendPart(out, part);
}

void append(PyObject* key, std::string& out, int depth) {
    if (depth > kDepthMost) refuse(key);
    if (PyUnicode_Check(key) && comparesAs(key, PyUnicode_Type)) {
        out += textOf(key);
    } else if (PyLong_Check(key)) {
        appendInt(key, out);
    } else if (PyFloat_Check(key)) {
        appendFloat(PyFloat_AS_DOUBLE(key), out);
    } else if (key == Py_None) {
        out.push_back(static_cast<char>(kNone));
    } else if (PyTuple_Check(key) && comparesAs(key, PyTuple_Type)) {
        out.push_back(static_cast<char>(kTuple));
        std::string part;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i) {
            part.clear();
            append(PyTuple_GET_ITEM(key, i), part, depth + 1);
            appendPart(out, part);
        }
    } else if (PyBytes_Check(key) && comparesAs(key, PyBytes_Type)) {
        out.push_back(static_cast<char>(kBytes));
        out.append(PyBytes_AS_STRING(key), static_cast<std::size_t>(PyBytes_GET_SIZE(key)));
    } else if (PyFrozenSet_CheckExact(key)) {
        appendFrozenSet(key, out, depth);
    } else {
        refuse(key);
    }
}

[[noreturn]] void corrupt() {
    throw core::TaskFailure(
        core::Error{core::ErrorKind::kCorrupt, "a stored key of a Python object does not parse"});
}

std::string_view taken(std::string_view& bytes, std::uint64_t size) {
    if (size > bytes.size()) corrupt();
    const auto part = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return part;
}

Object intFrom(std::string_view bytes) {
    const auto head = static_cast<unsigned char>(taken(bytes, 1).front());
    const bool negative = head < kZero;
    const unsigned char flip = negative ? 0xFF : 0;
    std::uint64_t size = negative ? kZero - 1u - head : head - kZero;
    if (size > kShortMost) {
        size = 0;
        for (const char byte : taken(bytes, 4))
            size = size << 8 | (static_cast<unsigned char>(byte) ^ flip);
    }
    if (size != bytes.size()) corrupt();
    std::string magnitude(bytes);
    for (char& byte : magnitude) byte = static_cast<char>(byte ^ flip);
    const auto number = orThrow(
        PyObject_CallMethod(reinterpret_cast<PyObject*>(&PyLong_Type), "from_bytes", "y#s",
                            magnitude.data(), static_cast<Py_ssize_t>(magnitude.size()), "big"));
    return negative ? orThrow(PyNumber_Negative(number.get())) : number;
}

Object floatFrom(std::string_view bytes) {
    std::uint64_t bits = 0;
    if (!core::takeBigEndian(bytes, bits) || !bytes.empty()) corrupt();
    constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
    bits = (bits & kSign) != 0 ? bits ^ kSign : ~bits;
    return orThrow(PyFloat_FromDouble(std::bit_cast<double>(bits)));
}

Object partsFrom(std::string_view bytes) {
    auto list = orThrow(PyList_New(0));
    while (!bytes.empty()) {
        std::uint64_t size = 0;
        if (!takeVarint(bytes, size)) corrupt();
        const Object part = keyFrom(taken(bytes, size));
        if (PyList_Append(list.get(), part.get()) != 0) throwPythonError();
    }
    return list;
}

}  // namespace

std::string_view keyBytes(PyObject* key, core::Arena& arena) {
    if (PyUnicode_CheckExact(key)) {
        Py_ssize_t size = 0;
        if (const char* bytes = PyUnicode_AsUTF8AndSize(key, &size))
            return {bytes, static_cast<std::size_t>(size)};
        PyErr_Clear();
    }
    std::string bytes;
    append(key, bytes, 0);
    return arena.copy(bytes);
}

Object keyFrom(std::string_view bytes) {
    const auto first = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front());
    if (first < kNone)
        return orThrow(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()),
                                            "surrogatepass"));
    bytes.remove_prefix(1);
    switch (first) {
        case kNone: return Object::borrowed(Py_None);
        case kInt: return intFrom(bytes);
        case kFloat: return floatFrom(bytes);
        case kBytes:
            return orThrow(
                PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
        case kTuple: return orThrow(PyList_AsTuple(partsFrom(bytes).get()));
        case kFrozenSet: return orThrow(PyFrozenSet_New(partsFrom(bytes).get()));
        default: corrupt();
    }
}

bool isPlainKey(PyObject* key) {
    if (PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || key == Py_None ||
        PyBytes_CheckExact(key))
        return true;
    if (PyFloat_CheckExact(key)) {
        const double number = PyFloat_AS_DOUBLE(key);
        return !std::isfinite(number) || std::trunc(number) != number;
    }
    if (PyTuple_CheckExact(key)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i)
            if (!isPlainKey(PyTuple_GET_ITEM(key, i))) return false;
        return true;
    }
    if (!PyFrozenSet_CheckExact(key)) return false;
    const auto iterator = orThrow(PyObject_GetIter(key));
    while (const auto part = Object::owned(PyIter_Next(iterator.get())))
        if (!isPlainKey(part.get())) return false;
    return true;
}

}  // namespace tidemill::python
