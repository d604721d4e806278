// Cereal over one contiguous buffer: what ValueCodec and KeyCodec use for types they have no direct
// form for. Numbers are fixed width little-endian, sizes u64; class versions are kept
// (CEREAL_CLASS_VERSION). Reading bounds every size by the bytes that are left.
#pragma once

#include <bit>
#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/error.h"
#include "core/type_signature.h"

namespace tidemill::core {

static_assert(std::endian::native == std::endian::little,
              "stored numbers are little-endian; a big-endian build must swap them here");

// -0.0 as 0.0 and one NaN, so that equal numbers have equal bytes.
template <class T>
T canonicalFloat(T value) {
    if (value == T{0}) return T{0};
    return value != value ? std::numeric_limits<T>::quiet_NaN() : value;
}

class CerealWriter : public cereal::OutputArchive<CerealWriter, cereal::AllowEmptyClassElision> {
public:
    // `canonical`: floating point numbers in their canonical form, for keys.
    CerealWriter(std::string& out, bool canonical)
        : OutputArchive(this), out_(out), canonical_(canonical) {}

    void write(const void* bytes, std::size_t sizeBytes) {
        out_.append(static_cast<const char*>(bytes), sizeBytes);
    }
    bool canonical() const { return canonical_; }

private:
    std::string& out_;
    bool canonical_;
};

class CerealReader : public cereal::InputArchive<CerealReader, cereal::AllowEmptyClassElision> {
public:
    explicit CerealReader(std::string_view bytes) : InputArchive(this), left_(bytes) {}

    void read(void* into, std::size_t sizeBytes) {
        if (sizeBytes > left_.size()) throw cereal::Exception("the bytes end too early");
        if (sizeBytes != 0) std::memcpy(into, left_.data(), sizeBytes);
        left_.remove_prefix(sizeBytes);
    }
    // Elements may take no bytes (empty classes), but hardly many of them.
    void checkSize(std::uint64_t count) const {
        if (count > left_.size() + 4096) throw cereal::Exception("a size is larger than the bytes");
    }
    std::size_t left() const { return left_.size(); }

private:
    std::string_view left_;
};

// Found by Cereal for every value written, also deep inside users' classes.
template <class T>
requires signature_detail::kUnordered<T>
void prologue(CerealWriter&, const T&) {
    static_assert(!signature_detail::kUnordered<T>,
                  "an unordered container has no stable order of bytes and cannot be stored: "
                  "use std::map or std::set");
}

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(CerealWriter& out, const T& value) {
    T written = value;
    if constexpr (std::is_floating_point_v<T>) {
        static_assert(!std::is_same_v<T, long double>, "long double differs between machines");
        if (out.canonical()) written = canonicalFloat(value);
    }
    out.write(&written, sizeof written);
}
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(CerealReader& in, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        unsigned char byte = 0;
        in.read(&byte, 1);
        if (byte > 1) throw cereal::Exception("a bool is neither 0 nor 1");
        value = byte != 0;
    } else {
        in.read(&value, sizeof value);
    }
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CerealWriter& out, const cereal::BinaryData<T>& data) {
    using Element = std::remove_cv_t<std::remove_pointer_t<T>>;
    if constexpr (std::is_floating_point_v<Element>) {
        const auto* elements = static_cast<const Element*>(data.data);
        if (out.canonical()) {
            for (std::size_t i = 0; i < data.size / sizeof(Element); ++i)
                CEREAL_SAVE_FUNCTION_NAME(out, elements[i]);
            return;
        }
    }
    out.write(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CerealReader& in, cereal::BinaryData<T>& data) {
    in.read(data.data, static_cast<std::size_t>(data.size));
}

template <class Archive, class T>
requires std::is_same_v<Archive, CerealWriter> || std::is_same_v<Archive, CerealReader>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::NameValuePair<T>& pair) {
    archive(pair.value);
}
template <class Archive, class T>
requires std::is_same_v<Archive, CerealWriter> || std::is_same_v<Archive, CerealReader>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::SizeTag<T>& tag) {
    archive(tag.size);
    if constexpr (std::is_same_v<Archive, CerealReader>) archive.checkSize(tag.size);
}

// Throws only what a user's serialize function throws.
template <class T>
void cerealEncode(const T& value, std::string& appendTo, bool canonical) {
    CerealWriter writer(appendTo, canonical);
    writer(value);
}

// The one place where what Cereal throws becomes an error. Errors: kCorrupt.
template <class T>
Result<> cerealDecode(std::string_view bytes, T& value) {
    try {
        CerealReader reader(bytes);
        reader(value);
        if (reader.left() == 0) return {};
        return fail(ErrorKind::kCorrupt, "stored value has " + std::to_string(reader.left()) +
                                             " bytes too many: type=" + typeSignature<T>());
    } catch (const std::exception& error) {
        return fail(ErrorKind::kCorrupt, "stored value cannot be read: type=" + typeSignature<T>() +
                                             ": " + error.what());
    }
}

}  // namespace tidemill::core

CEREAL_REGISTER_ARCHIVE(tidemill::core::CerealWriter)
CEREAL_REGISTER_ARCHIVE(tidemill::core::CerealReader)
CEREAL_SETUP_ARCHIVE_TRAITS(tidemill::core::CerealReader, tidemill::core::CerealWriter)
