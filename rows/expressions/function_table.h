// The functions of expressions: what is documented, looked up by name, and checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "rows/expressions/eval.h"
#include "rows/type.h"

namespace tidemill::rows::expressions {

// One function with one list of arguments. Without a null argument it is never called: null is then
// its answer.
struct Function {
    std::string name;
    std::vector<Type> arguments;
    Type result;
    // For users: one line of docs/expressions.md.
    std::string meaning;
    bool canFail = false;
    // A number of the last argument more, or any; each is made text: concat.
    bool isVariadic = false;
    // Makes of the constant arguments what can be made once; of others the pointer is null. Errors:
    // kInvalid, what is wrong with a constant.
    std::function<core::Result<MakeEval>(const std::vector<const Value*>& constants)> prepare;

    // "substr(text, int, int)".
    std::string signature() const;
};

// A group of functions: a heading of the documentation.
struct Family {
    std::string heading;
    std::vector<Function> functions;
};

// All, in the order of the documentation. Thread safety: thread-safe.
const std::vector<Family>& functionFamilies();
std::vector<const Function*> functionsNamed(std::string_view name);
std::vector<std::string> functionNames();

// "lcase" is "lower" elsewhere: a hint for names that other systems have.
std::string_view nameElsewhere(std::string_view name);

// Of functions whose constants need no preparation.
inline auto always(MakeEval make) {
    return [make = std::move(make)](const std::vector<const Value*>&) -> core::Result<MakeEval> {
        return make;
    };
}

Family textFunctions();
Family textShapeFunctions();
Family patternFunctions();
Family numberFunctions();
Family timeFunctions();
Family hashFunctions();
Family jsonFunctions();

}  // namespace tidemill::rows::expressions
