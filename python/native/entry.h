// Entry: what a pair of a Python stream is beside the bytes of its key; and how objects and entries
// are stored.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/value_codec.h"
#include "python/native/object.h"

namespace tidemill::python {

// The key as the program gave it (of several that are equal the first: True is not 1 when it is
// printed), or none when it is the plain one of its bytes; and the value.
struct Entry {
    Object key;
    Object value;
};

// Of keyBytes. The bytes live as long as the entry's key, or as the batch.
using Pair = std::pair<std::string_view, Entry>;

// The pair's key as an object. Requires the lock.
Object keyOf(const Pair& pair);
// The same of a key's bytes and what is kept of the key beside them.
Object keyOf(std::string_view bytes, const Object& key);

}  // namespace tidemill::python

template <>
inline constexpr bool tidemill::kOwnsItsBytes<tidemill::python::Entry> = true;

namespace tidemill::core {

// As docs/formats/python_values.md says.
template <>
struct ValueCodec<python::Object> {
    static void encode(const python::Object& value, std::string& appendTo);
    static Result<> decode(std::string_view bytes, python::Object& value);
    static std::string signature() { return "python:1"; }
};

template <>
struct ValueCodec<python::Entry> {
    static void encode(const python::Entry& entry, std::string& appendTo);
    static Result<> decode(std::string_view bytes, python::Entry& entry);
    static std::string signature() { return "python_keyed:1"; }
};

}  // namespace tidemill::core
