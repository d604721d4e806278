// How keys become bytes: canonical, so that keys are equal exactly when their bytes are.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/big_endian.h"
#include "core/cereal_archive.h"
#include "core/error.h"
#include "core/type_signature.h"
#include "core/workers.h"

namespace tidemill::core {

// Types that can be keys. A type without a serialize function fails in KeyCodec, with Cereal's
// message.
template <class K>
concept StorableKey =
    !signature_detail::kHoldsUnordered<K> && !std::is_pointer_v<K> && !std::is_reference_v<K>;

namespace key_detail {

// As many bytes as T, most significant first; order of bytes = order of numbers.
template <class T>
auto orderedBits(T value) {
    if constexpr (std::is_floating_point_v<T>) {
        using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
        const auto bits = std::bit_cast<Bits>(canonicalFloat(value));
        constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
        return static_cast<Bits>(bits & kSign ? ~bits : bits | kSign);
    } else {
        using Bits = std::make_unsigned_t<T>;
        constexpr Bits kFlip =
            std::is_signed_v<T> ? static_cast<Bits>(Bits{1} << (8 * sizeof(T) - 1)) : Bits{0};
        return static_cast<Bits>(static_cast<Bits>(value) ^ kFlip);
    }
}

template <class T, class Bits>
T fromOrderedBits(Bits bits) {
    constexpr Bits kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
    if constexpr (std::is_floating_point_v<T>) {
        return std::bit_cast<T>(static_cast<Bits>(bits & kSign ? bits ^ kSign : ~bits));
    } else {
        return static_cast<T>(std::is_signed_v<T> ? static_cast<Bits>(bits ^ kSign) : bits);
    }
}

// What one key, or one part of a composite one, looks like. `append` and `take` are for a part:
// they mark its end. A key that stands alone ends with its bytes.
template <class T>
struct Part {
    static constexpr bool kText =
        std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>;

    static void whole(const T& value, std::string& out) {
        if constexpr (kText) out.append(value);
        else if constexpr (kNumber) append(value, out);
        else cerealEncode(value, out, true);
    }
    static bool wholeFrom(std::string_view bytes, T& value) {
        if constexpr (kText) {
            value = T(bytes);
            return true;
        } else if constexpr (kNumber) {
            return take(bytes, value) && bytes.empty();
        } else {
            return cerealDecode(bytes, value).has_value();
        }
    }
    static void append(const T& value, std::string& out) {
        if constexpr (std::is_same_v<T, bool>) {
            out.push_back(value ? '\1' : '\0');
        } else if constexpr (std::is_enum_v<T>) {
            using Number = std::underlying_type_t<T>;
            Part<Number>::append(static_cast<Number>(value), out);
        } else if constexpr (std::is_arithmetic_v<T>) {
            appendBigEndian(orderedBits(value), out);
        } else {
            const std::size_t at = out.size();
            out.append(4, '\0');
            whole(value, out);
            const auto size = static_cast<std::uint32_t>(out.size() - at - 4);
            storeBigEndian(size, out.data() + at);
        }
    }
    static bool take(std::string_view& bytes, T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t byte = 0;
            if (!takeBigEndian(bytes, byte) || byte > 1) return false;
            value = byte != 0;
            return true;
        } else if constexpr (std::is_enum_v<T>) {
            std::underlying_type_t<T> number{};
            if (!Part<std::underlying_type_t<T>>::take(bytes, number)) return false;
            value = static_cast<T>(number);
            return true;
        } else if constexpr (std::is_arithmetic_v<T>) {
            decltype(orderedBits(value)) bits{};
            if (!takeBigEndian(bytes, bits)) return false;
            value = fromOrderedBits<T>(bits);
            return true;
        } else {
            std::uint32_t size = 0;
            if (!takeBigEndian(bytes, size) || size > bytes.size()) return false;
            if (!wholeFrom(bytes.substr(0, size), value)) return false;
            bytes.remove_prefix(size);
            return true;
        }
    }

private:
    static constexpr bool kNumber = std::is_arithmetic_v<T> || std::is_enum_v<T>;
    static_assert(!std::is_same_v<T, long double>, "long double differs between machines");
};

// Composites: their parts one after another.
template <class T>
struct CompositePart {
    static void whole(const T& value, std::string& out) { Part<T>::append(value, out); }
    static bool wholeFrom(std::string_view bytes, T& value) {
        return Part<T>::take(bytes, value) && bytes.empty();
    }
};
template <class T>
struct TuplePart : CompositePart<T> {
    static void append(const T& value, std::string& out) {
        std::apply(
            [&](const auto&... parts) {
                (Part<std::remove_cvref_t<decltype(parts)>>::append(parts, out), ...);
            },
            value);
    }
    static bool take(std::string_view& bytes, T& value) {
        return std::apply(
            [&](auto&... parts) {
                return (Part<std::remove_cvref_t<decltype(parts)>>::take(bytes, parts) && ...);
            },
            value);
    }
};
template <class A, class B>
struct Part<std::pair<A, B>> : TuplePart<std::pair<A, B>> {};
template <class... Ts>
struct Part<std::tuple<Ts...>> : TuplePart<std::tuple<Ts...>> {};
template <class T, std::size_t N>
struct Part<std::array<T, N>> : TuplePart<std::array<T, N>> {};

template <class T>
struct Part<std::optional<T>> : CompositePart<std::optional<T>> {
    static void append(const std::optional<T>& value, std::string& out) {
        Part<bool>::append(value.has_value(), out);
        if (value) Part<T>::append(*value, out);
    }
    static bool take(std::string_view& bytes, std::optional<T>& value) {
        bool present = false;
        if (!Part<bool>::take(bytes, present)) return false;
        value.reset();
        return !present || Part<T>::take(bytes, value.emplace());
    }
};
template <class T>
struct Part<std::vector<T>> : CompositePart<std::vector<T>> {
    static void append(const std::vector<T>& value, std::string& out) {
        appendBigEndian(static_cast<std::uint32_t>(value.size()), out);
        for (const T& part : value) Part<T>::append(part, out);
    }
    static bool take(std::string_view& bytes, std::vector<T>& value) {
        std::uint32_t count = 0;
        if (!takeBigEndian(bytes, count) || count > bytes.size()) return false;
        value.clear();
        for (; count != 0; --count) {
            T part{};
            if (!Part<T>::take(bytes, part)) return false;
            value.push_back(std::move(part));
        }
        return true;
    }
};

}  // namespace key_detail

// Strings are their bytes. Integers and enums are fixed width big-endian with the sign bit flipped,
// float and double likewise (-0.0 as 0.0, one NaN): byte order is numeric order. Pairs, tuples,
// arrays, optionals and vectors are their parts, strings in them after their u32 length. Everything
// else by Cereal. Format: docs/formats/state_rows.md.
template <class K>
struct KeyCodec {
    static_assert(!signature_detail::kHoldsUnordered<K>,
                  "an unordered container has no stable order of bytes and cannot be a key: "
                  "use std::map, std::set or a sorted std::vector");

    // Throws only what a user's serialize function throws.
    static void encode(const K& key, std::string& appendTo) {
        key_detail::Part<K>::whole(key, appendTo);
    }

    // Keys of one width, sizeof(K) bytes: numbers.
    static constexpr bool kFixedWidth = (std::is_integral_v<K> && !std::is_same_v<K, bool>) ||
                                        std::is_same_v<K, float> || std::is_same_v<K, double>;
    static void encodeAt(K key, char* to) requires kFixedWidth {
        storeBigEndian(key_detail::orderedBits(key), to);
    }

    // The encoded key as a little-endian number, its first byte the lowest.
    static std::uint64_t encodedWord(K key) requires kFixedWidth {
        std::uint64_t word = 0;
        encodeAt(key, reinterpret_cast<char*>(&word));
        return word;
    }

    // Strings of type std::string_view become views into `bytes`. Errors: kCorrupt.
    static Result<> decodeInto(std::string_view bytes, K& key) {
        if (key_detail::Part<K>::wholeFrom(bytes, key)) [[likely]]
            return {};
        return fail(ErrorKind::kCorrupt, "stored key cannot be read: type=" + signature() +
                                             " bytes=" + std::to_string(bytes.size()));
    }

    // The same; an error is thrown as TaskFailure.
    static K decode(std::string_view bytes) {
        if constexpr (std::is_same_v<K, std::string_view>) {
            return bytes;
        } else {
            K key{};
            orThrow(decodeInto(bytes, key));
            return key;
        }
    }

    static std::string signature() { return typeSignature<K>(); }
};

}  // namespace tidemill::core
