#include "rows/expressions/function_table.h"

#include <algorithm>
#include <map>
#include <set>

namespace tidemill::rows::expressions {

std::string Function::signature() const {
    std::string text = name + "(";
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (i != 0) text += ", ";
        text += isVariadic && i + 1 == arguments.size() ? "…" : toString(arguments[i]);
    }
    return text + ")";
}

const std::vector<Family>& functionFamilies() {
    static const std::vector<Family> kFamilies = [] {
        std::vector<Family> families;
        families.push_back(textFunctions());
        for (Family more : {textShapeFunctions(), patternFunctions()})
            for (Function& function : more.functions)
                families.back().functions.push_back(std::move(function));
        families.push_back(numberFunctions());
        families.push_back(timeFunctions());
        families.push_back(hashFunctions());
        families.push_back(jsonFunctions());
        return families;
    }();
    return kFamilies;
}

std::vector<const Function*> functionsNamed(std::string_view name) {
    std::vector<const Function*> found;
    for (const Family& family : functionFamilies())
        for (const Function& function : family.functions)
            if (function.name == name) found.push_back(&function);
    return found;
}

std::vector<std::string> functionNames() {
    std::set<std::string> names = {"coalesce", "nullif", "greatest", "least", "extract"};
    for (const Family& family : functionFamilies())
        for (const Function& function : family.functions) names.insert(function.name);
    return {names.begin(), names.end()};
}

std::string_view nameElsewhere(std::string_view name) {
    static const std::map<std::string_view, std::string_view> kNames = {
        {"lcase", "lower"},
        {"ucase", "upper"},
        {"len", "length"},
        {"instr", "strpos"},
        {"locate", "strpos"},
        {"charindex", "strpos"},
        {"ifnull", "coalesce"},
        {"isnull", "is null"},
        {"nvl", "coalesce"},
        {"mid", "substr"},
        {"if", "case when … then … else … end"},
        {"iif", "case when … then … else … end"},
        {"pow", "power"},
        {"date_format", "to_char"},
        {"strftime", "to_char"},
        {"unix_timestamp", "extract(epoch from x)"},
        {"from_unixtime", "to_timestamp"},
        {"hour", "extract(hour from x)"},
        {"year", "extract(year from x)"},
        {"month", "extract(month from x)"},
        {"day", "extract(day from x)"},
        {"minute", "extract(minute from x)"},
        {"regexp_extract", "regexp_match"},
        {"rlike", "~"},
        {"contains", "strpos(x, y) > 0"},
        {"startswith", "starts_with"},
        {"truncate", "trunc"},
        {"sha2", "sha256"},
        {"get_json_object", "#>>"},
        {"json_extract", "#>>"},
        {"json_extract_path_text", "#>>"},
    };
    const auto found = kNames.find(name);
    return found == kNames.end() ? std::string_view() : found->second;
}

}  // namespace tidemill::rows::expressions
