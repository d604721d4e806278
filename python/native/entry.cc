#include "python/native/entry.h"

#include "core/workers.h"
#include "python/native/errors.h"
#include "python/native/key_codec.h"
#include "python/native/value_codec.h"
#include "python/native/varint.h"

namespace tidemill::python {

Object keyOf(std::string_view bytes, const Object& key) { return key ? key : keyFrom(bytes); }
Object keyOf(const Pair& pair) { return keyOf(pair.first, pair.second.key); }

}  // namespace tidemill::python

namespace tidemill::core {
namespace {

// What stands before a value: whether its key is the plain one of its bytes, or follows.
constexpr char kPlainKey = 0;
constexpr char kOtherKey = 1;  // varint size, the key as a value

Result<> corrupt() {
    return fail(ErrorKind::kCorrupt, "a stored value of a Python key does not parse");
}

}  // namespace

using python::GilScope;

void ValueCodec<python::Object>::encode(const python::Object& value, std::string& appendTo) {
    const GilScope gil;
    python::appendValue(value.get(), appendTo);
}

Result<> ValueCodec<python::Object>::decode(std::string_view bytes, python::Object& value) {
    const GilScope gil;
    return catchingAll([&] { value = python::valueFrom(bytes); });
}

void ValueCodec<python::Entry>::encode(const python::Entry& entry, std::string& appendTo) {
    const GilScope gil;
    if (!entry.key || python::isPlainKey(entry.key.get())) {
        appendTo.push_back(kPlainKey);
    } else {
        std::string key;
        python::appendValue(entry.key.get(), key);
        appendTo.push_back(kOtherKey);
        python::appendVarint(appendTo, key.size());
        appendTo += key;
    }
    python::appendValue(entry.value.get(), appendTo);
}

Result<> ValueCodec<python::Entry>::decode(std::string_view bytes, python::Entry& entry) {
    if (bytes.empty() || bytes.front() < kPlainKey || bytes.front() > kOtherKey) return corrupt();
    const bool plain = bytes.front() == kPlainKey;
    bytes.remove_prefix(1);
    std::uint64_t keySize = 0;
    if (!plain && (!python::takeVarint(bytes, keySize) || keySize > bytes.size())) return corrupt();
    const GilScope gil;
    return catchingAll([&] {
        entry.key = plain ? python::Object() : python::valueFrom(bytes.substr(0, keySize));
        entry.value = python::valueFrom(bytes.substr(keySize));
    });
}

}  // namespace tidemill::core
