#include "aws/json.h"

#include <array>
#include <cmath>

namespace tidemill::aws {
namespace {

constexpr std::size_t kDepthMax = 16;
constexpr double kNumberMax = 9e15;  // exact in a double, and in milliseconds
constexpr double kMillis = 1'000;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 0xff;

constexpr auto kValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNone);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i)
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}();

}  // namespace

void JsonObject::fault(const char* name, const std::string& what) {
    if (wrong_->empty()) *wrong_ = std::string("\"") + name + "\" " + what;
}

std::optional<simdjson::dom::element> JsonObject::find(const char* name) {
    simdjson::dom::element element;
    if (object_.at_key(name).get(element) != simdjson::SUCCESS || element.is_null())
        return std::nullopt;
    return element;
}

std::optional<std::string_view> JsonObject::text(const char* name, std::size_t bytesMax) {
    const auto element = find(name);
    if (!element) return std::nullopt;
    std::string_view text;
    if (element->get_string().get(text) != simdjson::SUCCESS) {
        fault(name, "is no text");
        return std::nullopt;
    }
    if (text.size() > bytesMax) {
        fault(name, "has " + std::to_string(text.size()) + " bytes, more than " +
                        std::to_string(bytesMax));
        return std::nullopt;
    }
    return text;
}

std::string_view JsonObject::requiredText(const char* name, std::size_t bytesMax) {
    const auto found = text(name, bytesMax);
    if (!found) fault(name, "is missing");
    return found.value_or(std::string_view());
}

std::optional<JsonObject> JsonObject::object(const char* name) {
    const auto element = find(name);
    if (!element) return std::nullopt;
    simdjson::dom::object object;
    if (element->get_object().get(object) == simdjson::SUCCESS) return JsonObject(object, *wrong_);
    fault(name, "is no object");
    return std::nullopt;
}

std::optional<simdjson::dom::array> JsonObject::array(const char* name, std::size_t elementsMax) {
    const auto element = find(name);
    if (!element) return std::nullopt;
    simdjson::dom::array array;
    if (element->get_array().get(array) != simdjson::SUCCESS) {
        fault(name, "is no list");
        return std::nullopt;
    }
    if (array.size() > elementsMax) {
        fault(name, "has more than " + std::to_string(elementsMax) + " elements");
        return std::nullopt;
    }
    return array;
}

std::optional<double> JsonObject::number(const char* name) {
    const auto element = find(name);
    if (!element) return std::nullopt;
    double number = 0;
    if (element->get_double().get(number) == simdjson::SUCCESS && std::abs(number) < kNumberMax)
        return number;
    fault(name, "is no number that fits");
    return std::nullopt;
}

std::optional<std::int64_t> JsonObject::integer(const char* name) {
    const auto found = number(name);
    if (!found) return std::nullopt;
    return static_cast<std::int64_t>(*found);
}

std::optional<std::int64_t> JsonObject::millis(const char* name) {
    const auto seconds = number(name);
    if (!seconds) return std::nullopt;
    return std::llround(*seconds * kMillis);
}

std::int64_t JsonObject::requiredMillis(const char* name) {
    const auto found = millis(name);
    if (!found) fault(name, "is missing");
    return found.value_or(0);
}

core::Result<JsonObject> JsonAnswer::parse(std::string_view text) {
    wrong_.clear();
    simdjson::dom::object object;
    auto error = parser_.allocate(std::max<std::size_t>(text.size(), 64), kDepthMax);
    if (error == simdjson::SUCCESS)
        error = parser_.parse(text.data(), text.size()).get_object().get(object);
    if (error != simdjson::SUCCESS)
        return core::fail(core::ErrorKind::kCorrupt, std::string("the answer is no JSON object: ") +
                                                         simdjson::error_message(error));
    return JsonObject(object, wrong_);
}

core::Result<> JsonAnswer::checked() const {
    if (wrong_.empty()) return {};
    return core::fail(core::ErrorKind::kCorrupt, "the answer is not as it should be: " + wrong_);
}

std::optional<std::string> decodeBase64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
        ++padding;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool isPadding = i >= text.size() - padding;
        const auto value = isPadding ? 0 : kValues[static_cast<unsigned char>(text[i])];
        if (value == kNone) return std::nullopt;
        bits = bits << 6 | value;
        if (i % 4 != 3) continue;
        for (const int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift & 0xff);
        bits = 0;
    }
    // What the padding covers is zero, so that each text of bytes has one form.
    for (; padding > 0; --padding) {
        if (bytes.back() != '\0') return std::nullopt;
        bytes.pop_back();
    }
    return bytes;
}

std::string encodeBase64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits =
                bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
        for (std::size_t k = 0; k < 4; ++k)
            text += i + k > bytes.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 63];
    }
    return text;
}

std::string quoted(std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') (out += '\\') += c;
        else if (byte < 0x20) ((out += "\\u00") += kDigits[byte >> 4]) += kDigits[byte & 15];
        else out += c;
    }
    return out += '"';
}

}  // namespace tidemill::aws
