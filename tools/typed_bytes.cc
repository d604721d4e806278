#include "tools/typed_bytes.h"

#include <charconv>
#include <cstring>
#include <functional>
#include <type_traits>

#include "core/format.h"
#include "core/key_codec.h"
#include "core/reversible_text.h"
#include "core/value_codec.h"
#include "rows/json.h"

namespace tidemill::tools {
namespace {

std::string wordAfter(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == text.npos) return "";
    text.remove_prefix(at + name.size());
    return std::string(text.substr(0, text.find(' ')));
}

// Calls use(T{}) for the number type of that name; false when it names none.
template <class Use>
bool asNumberType(const std::string& type, Use&& use) {
    if (type == "i64") return use(std::int64_t{}), true;
    if (type == "u64") return use(std::uint64_t{}), true;
    if (type == "i32") return use(std::int32_t{}), true;
    if (type == "u32") return use(std::uint32_t{}), true;
    if (type == "i16") return use(std::int16_t{}), true;
    if (type == "u16") return use(std::uint16_t{}), true;
    if (type == "f64") return use(double{}), true;
    if (type == "f32") return use(float{}), true;
    return false;
}

template <class T>
std::string digits(T number) {
    std::string text;
    core::appendElement(text, number);
    return text;
}

std::optional<std::string> keyNumber(const std::string& type, std::string_view bytes) {
    std::optional<std::string> text;
    asNumberType(type, [&](auto number) {
        if (core::KeyCodec<decltype(number)>::decodeInto(bytes, number)) text = digits(number);
    });
    return text;
}

// Numbers in tables that are reduced exactly fill 8 bytes whatever their type.
std::optional<std::string> valueNumber(const std::string& type, std::string_view bytes) {
    std::optional<std::string> text;
    asNumberType(type, [&](auto number) {
        using T = decltype(number);
        if (bytes.size() == sizeof(T) || (std::is_integral_v<T> && bytes.size() == 8)) {
            std::memcpy(&number, bytes.data(), sizeof number);
            text = digits(number);
        }
    });
    return text;
}

void append(std::string& out, const char* name, const std::optional<std::string>& number,
            std::string_view bytes) {
    if (number) out += "\"" + std::string(name) + "\": " + *number;
    else rows::appendJsonBytes(out, name, bytes);
}

std::string printed(const std::optional<std::string>& number, std::string_view bytes) {
    if (number) return *number;
    std::string text;
    core::appendReversible(text, bytes);
    return text;
}

}  // namespace

TableTypes typesOf(std::string_view signature) {
    TableTypes types{wordAfter(signature, "key="), wordAfter(signature, "value=")};
    if (types.value.empty()) types.value = wordAfter(signature, "state=");
    return types;
}

void appendTypedKey(std::string& out, const std::string& type, std::string_view bytes) {
    append(out, "key", keyNumber(type, bytes), bytes);
}
void appendTypedValue(std::string& out, const std::string& type, std::string_view bytes) {
    append(out, "value", valueNumber(type, bytes), bytes);
}
std::string shownKey(const std::string& type, std::string_view bytes) {
    return printed(keyNumber(type, bytes), bytes);
}
std::string shownValue(const std::string& type, std::string_view bytes) {
    return printed(valueNumber(type, bytes), bytes);
}

core::Result<std::string> typedKey(const std::string& type, const std::string& text) {
    std::string bytes;
    bool good = true;
    const bool isNumber = asNumberType(type, [&](auto number) {
        const char* end = text.data() + text.size();
        const auto [at, error] = std::from_chars(text.data(), end, number);
        good = error == std::errc() && at == end;
        if (good) core::KeyCodec<decltype(number)>::encode(number, bytes);
    });
    if (!good)
        return core::fail(core::ErrorKind::kInvalid,
                          "\"" + text + "\" is no key of this table: its keys are " + type);
    return isNumber ? bytes : core::fromReversible(text);
}

}  // namespace tidemill::tools
