#include "rows/expressions/cast.h"

#include <algorithm>
#include <cmath>

#include "rows/expressions/call.h"
#include "rows/expressions/float_result.h"
#include "rows/parse_value.h"
#include "rows/write_value.h"

namespace tidemill::rows::expressions {
namespace {

constexpr Type kInt = Type::kInt, kFloat = Type::kFloat, kBool = Type::kBool, kText = Type::kText,
               kTime = Type::kTime, kJson = Type::kJson;

// Blanks as C's isspace() has them: what PostgreSQL passes over before and behind a value.
std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\n\v\f\r";
    const auto begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string wrongText(Parsed parsed, std::string_view text, Type type) {
    constexpr std::size_t kVisible = 60;
    std::string message =
        "\"" + std::string(text.substr(0, kVisible)) + (text.size() > kVisible ? "…" : "") + "\" ";
    const std::string article = type == kInt ? "an " : "a ";
    return message + (parsed == Parsed::kOutOfRange ? "does not fit " + article : "is no ") +
           (type == kJson ? "JSON" : toString(type));
}

template <Type type>
Held<type> fromText(Call& call, std::string_view text) {
    Held<type> value{};
    Parsed parsed = Parsed::kValue;
    if constexpr (type == kInt) {
        parsed = parseInt(trimmed(text), value);
    } else if constexpr (type == kFloat) {
        parsed = parseFloat(trimmed(text), value);
    } else if constexpr (type == kBool) {
        parsed = parseBool(trimmed(text), value);
    } else if constexpr (type == kTime) {
        parsed = parseTime(trimmed(text), value);
    } else {
        parsed = isJson(text) ? Parsed::kValue : Parsed::kNoValue;
        value = text;
    }
    if (parsed != Parsed::kValue) [[unlikely]]
        call.fail(wrongText(parsed, text, type));
    return value;
}

std::string_view intText(Call& call, std::int64_t value) {
    char bytes[kValueTextMax];
    return call.arena.copy({bytes, static_cast<std::size_t>(writeInt(bytes, value) - bytes)});
}
std::string_view floatAsText(Call& call, double value) {
    char bytes[kValueTextMax];
    return call.arena.copy({bytes, static_cast<std::size_t>(writeFloat(bytes, value) - bytes)});
}
std::string_view timeText(Call& call, std::int64_t value) {
    char bytes[kValueTextMax];
    return call.arena.copy({bytes, static_cast<std::size_t>(writeTime(bytes, value) - bytes)});
}
std::string_view boolAsText(Call&, std::uint8_t value) { return boolText(value); }
std::string_view sameText(Call&, std::string_view text) { return text; }

double intToFloat(std::int64_t value) { return static_cast<double>(value); }
std::uint8_t intToBool(std::int64_t value) { return value != 0; }
std::int64_t boolToInt(std::uint8_t value) { return value != 0; }

std::int64_t floatToInt(Call& call, double value) {
    const double rounded = std::rint(value);
    // Both limits are floats; the upper one is the first that does not fit.
    if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0)) {
        call.fail(floatText(value) + " does not fit an int");
        return 0;
    }
    return static_cast<std::int64_t>(rounded);
}

struct Cast {
    Type from, to;
    MakeEval make;
    bool canFail;
    bool isCheap;
};

const std::vector<Cast>& casts() {
    static const std::vector<Cast> kCasts = {
        {kInt, kFloat, loop<intToFloat, kFloat, kInt>(), false, true},
        {kInt, kBool, loop<intToBool, kBool, kInt>(), false, true},
        {kInt, kText, map<intText, kText, kInt>(), false, false},
        {kFloat, kInt, map<floatToInt, kInt, kFloat>(), true, false},
        {kFloat, kText, map<floatAsText, kText, kFloat>(), false, false},
        {kBool, kInt, loop<boolToInt, kInt, kBool>(), false, true},
        {kBool, kText, map<boolAsText, kText, kBool>(), false, false},
        {kText, kInt, map<fromText<kInt>, kInt, kText>(), true, false},
        {kText, kFloat, map<fromText<kFloat>, kFloat, kText>(), true, false},
        {kText, kBool, map<fromText<kBool>, kBool, kText>(), true, false},
        {kText, kTime, map<fromText<kTime>, kTime, kText>(), true, false},
        {kText, kJson, map<fromText<kJson>, kJson, kText>(), true, false},
        {kTime, kText, map<timeText, kText, kTime>(), false, false},
        {kJson, kText, map<sameText, kText, kJson>(), false, true},
    };
    return kCasts;
}

}  // namespace

NodePtr castNode(const NodePtr& node, Type to) {
    if (node->type == to) return node;
    if (node->constant && node->constant->isNull) {
        const bool exists = std::any_of(casts().begin(), casts().end(), [&](const Cast& cast) {
            return cast.from == node->type && cast.to == to;
        });
        return exists ? constantNode(Value::null(to)) : nullptr;
    }
    for (const Cast& cast : casts())
        if (cast.from == node->type && cast.to == to) {
            auto made = callNode(to, node->text + "::" + toString(to), {node}, cast.make,
                                 cast.canFail, cast.isCheap);
            if (cast.from != kInt || to != kFloat) return made;
            auto whole = std::make_shared<Node>(*made);
            whole->isWhole = true;
            return whole;
        }
    return nullptr;
}

core::Result<Value> valueOfText(std::string_view text, Type type) {
    Value value{type, false, 0, 0, std::string(text)};
    const std::string_view inner = trimmed(text);
    Parsed parsed = Parsed::kValue;
    std::uint8_t truth = 0;
    switch (type) {
        case kInt: parsed = parseInt(inner, value.number); break;
        case kFloat: parsed = parseFloat(inner, value.real); break;
        case kBool:
            parsed = parseBool(inner, truth);
            value.number = truth;
            break;
        case kTime: parsed = parseTime(inner, value.number); break;
        case kJson:
            if (!isJson(text)) parsed = Parsed::kNoValue;
            break;
        case kText: break;
    }
    if (parsed != Parsed::kValue)
        return core::fail(core::ErrorKind::kInvalid, wrongText(parsed, text, type));
    return value;
}

}  // namespace tidemill::rows::expressions
