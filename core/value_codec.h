// How values become the bytes that are stored or logged, and back.
#pragma once

#include <concepts>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/cereal_archive.h"
#include "core/error.h"
#include "core/type_signature.h"
#include "core/views.h"

namespace tidemill::core {

// Types that state can hold. A type without a serialize function fails in ValueCodec, with
// Cereal's message.
template <class V>
concept StorableValue = !signature_detail::kHoldsUnordered<V> && !std::is_pointer_v<V> &&
                        !std::is_reference_v<V> && !kHoldsViews<V>;

// Integers, bool, float and double: fixed width little-endian. Strings: their bytes. Everything
// else by Cereal (core/cereal_archive.h).
template <class T>
struct ValueCodec {
    static_assert(!signature_detail::kHoldsUnordered<T>,
                  "an unordered container has no stable order of bytes and cannot be stored: "
                  "use std::map or std::set");

    // Throws only what a user's serialize function throws.
    static void encode(const T& value, std::string& appendTo) {
        if constexpr (kDirect) {
            appendTo.append(reinterpret_cast<const char*>(&value), sizeof value);
        } else if constexpr (kText) {
            appendTo.append(value);
        } else {
            cerealEncode(value, appendTo, false);
        }
    }

    // A std::string_view becomes a view into `bytes`. Errors: kCorrupt; `value` is then any value.
    static Result<> decode(std::string_view bytes, T& value) {
        if constexpr (kDirect) {
            bool fits = bytes.size() == sizeof value;
            if constexpr (std::is_same_v<T, bool>)
                fits = fits && static_cast<unsigned char>(bytes[0]) <= 1;
            if (!fits) [[unlikely]]
                return fail(ErrorKind::kCorrupt,
                            "stored value has the wrong size or content: type=" + signature() +
                                " bytes=" + std::to_string(bytes.size()));
            std::memcpy(&value, bytes.data(), sizeof value);
            return {};
        } else if constexpr (kText) {
            value = T(bytes);
            return {};
        } else {
            return cerealDecode(bytes, value);
        }
    }

    static std::string signature() { return typeSignature<T>(); }

private:
    static constexpr bool kDirect = std::is_arithmetic_v<T> && !std::is_same_v<T, long double>;
    static constexpr bool kText =
        std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>;
};

}  // namespace tidemill::core
