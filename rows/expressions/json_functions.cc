// Parts of JSON. A part is a view of the text it is in.
#include <charconv>

#include "rows/expressions/call.h"
#include "rows/expressions/function_table.h"
#include "rows/expressions/json_text.h"
#include "rows/parse_value.h"

namespace tidemill::rows::expressions {
namespace {

using Text = std::string_view;
using Int = std::int64_t;
constexpr Type kInt = Type::kInt, kText = Type::kText, kJson = Type::kJson;
using Constants = std::vector<const Value*>;
using Part = std::optional<Text>;

Text orNull(Call& call, const Part& part) {
    if (!part) call.null();
    return part.value_or(Text());
}

// A string without its quotes and escapes, null of null, all else as it is written.
class AsText {
public:
    Text operator()(Call& call, const Part& part) {
        if (!part) return orNull(call, part);
        const Text json = withoutBlanks(*part);
        if (json == "null") return orNull(call, std::nullopt);
        if (!json.starts_with('"')) return json;
        if (json.find('\\') == Text::npos) return json.substr(1, json.size() - 2);
        text_.clear();
        if (!appendUnescaped(json, text_)) {
            call.fail("a JSON string with an escape of no character: " +
                      std::string(json.substr(0, 60)));
            return {};
        }
        return call.arena.copy(text_);
    }

private:
    std::string text_;  // its memory is used again
};

Text member(Call& call, Text json, Text name) { return orNull(call, jsonMember(json, name)); }
Text element(Call& call, Text json, Int place) { return orNull(call, jsonElement(json, place)); }

struct MemberText {
    AsText asText;
    Text operator()(Call& call, Text json, Text name) {
        return asText(call, jsonMember(json, name));
    }
};
struct ElementText {
    AsText asText;
    Text operator()(Call& call, Text json, Int place) {
        return asText(call, jsonElement(json, place));
    }
};

// '{a,0,b}' as PostgreSQL writes a list of texts: a backslash takes a character's meaning, quotes
// take that of all between them.
core::Result<std::vector<std::string>> pathOf(Text text) {
    const auto wrong = [&] {
        return core::fail(core::ErrorKind::kInvalid,
                          "\"" + std::string(text) + "\" is no path; write '{name,0,name}'");
    };
    std::vector<std::string> path;
    if (text.size() < 2 || text.front() != '{' || text.back() != '}') return wrong();
    Text rest = text.substr(1, text.size() - 2);
    if (rest.empty()) return path;
    while (true) {
        std::string part;
        while (rest.starts_with(' ')) rest.remove_prefix(1);
        const bool isQuoted = rest.starts_with('"');
        if (isQuoted) rest.remove_prefix(1);
        while (!rest.empty() && rest[0] != (isQuoted ? '"' : ',')) {
            if (rest[0] == '\\') rest.remove_prefix(1);
            if (rest.empty() || (!isQuoted && (rest[0] == '{' || rest[0] == '}'))) return wrong();
            part += rest[0];
            rest.remove_prefix(1);
        }
        if (isQuoted) {
            if (rest.empty()) return wrong();
            rest.remove_prefix(1);
        } else {
            while (part.ends_with(' ')) part.pop_back();
            if (part.empty()) return wrong();
        }
        path.push_back(std::move(part));
        while (rest.starts_with(' ')) rest.remove_prefix(1);
        if (rest.empty()) return path;
        if (rest[0] != ',') return wrong();
        rest.remove_prefix(1);
    }
}

Part at(Text json, const std::vector<std::string>& path) {
    Part part = json;
    for (const std::string& step : path) {
        if (jsonKind(*part) == "array") {
            Int place = 0;
            if (parseInt(step, place) != Parsed::kValue) return std::nullopt;
            part = jsonElement(*part, place);
        } else {
            part = jsonMember(*part, step);
        }
        if (!part) return part;
    }
    return part;
}

core::Result<std::vector<std::string>> constantPath(const Constants& constants) {
    if (constants[1] == nullptr || constants[1]->isNull)
        return core::fail(core::ErrorKind::kInvalid, "the path into JSON is a constant here");
    return pathOf(constants[1]->text);
}

core::Result<MakeEval> path(const Constants& constants) {
    TM_ASSIGN(const auto steps, constantPath(constants));
    return mapWith<kJson, kJson, kText>(
        [steps](Call& call, Text json, Text) { return orNull(call, at(json, steps)); });
}

core::Result<MakeEval> pathText(const Constants& constants) {
    TM_ASSIGN(const auto steps, constantPath(constants));
    return mapWith<kText, kJson, kText>(
        [steps, asText = AsText()](Call& call, Text json, Text) mutable {
            return asText(call, at(json, steps));
        });
}

Int arrayLength(Call& call, Text json) {
    const auto count = jsonArrayLength(json);
    if (!count)
        call.fail("the length of a JSON " + std::string(jsonKind(json)) + ", which is no array");
    return count.value_or(0);
}

Text kind(Call&, Text json) { return jsonKind(json); }

}  // namespace

Family jsonFunctions() {
    std::vector<Function> all;
    const auto add = [&](std::string name, std::vector<Type> arguments, Type result, MakeEval make,
                         std::string meaning, bool canFail = false) {
        all.push_back({std::move(name), std::move(arguments), result, std::move(meaning), canFail,
                       false, always(std::move(make))});
    };
    add("json_get", {kJson, kText}, kJson, map<member, kJson, kJson, kText>(),
        "`j -> 'name'`: a member of an object; null when there is none");
    add("json_get", {kJson, kInt}, kJson, map<element, kJson, kJson, kInt>(),
        "`j -> 0`: an element of an array; -1 is the last");
    add("json_get_text", {kJson, kText}, kText, mapWith<kText, kJson, kText>(MemberText()),
        "`j ->> 'name'`: likewise as text, a string without its quotes; null of null", true);
    add("json_get_text", {kJson, kInt}, kText, mapWith<kText, kJson, kInt>(ElementText()),
        "`j ->> 0`: likewise", true);
    all.push_back({"json_path",
                   {kJson, kText},
                   kJson,
                   "`j #> '{a,0,b}'`: through several names and places",
                   false,
                   false,
                   path});
    all.push_back({"json_path_text",
                   {kJson, kText},
                   kText,
                   "`j #>> '{a,0,b}'`: likewise as text",
                   true,
                   false,
                   pathText});
    add("json_array_length", {kJson}, kInt, map<arrayLength, kInt, kJson>(),
        "how many elements an array has", true);
    add("json_typeof", {kJson}, kText, map<kind, kText, kJson>(),
        "object, array, string, number, boolean or null");
    return {"JSON", std::move(all)};
}

}  // namespace tidemill::rows::expressions
