// A checked expression: names are columns, every part has a type.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rows/expressions/eval.h"
#include "rows/expressions/value.h"
#include "rows/type.h"

namespace tidemill::rows::expressions {

struct Node;
using NodePtr = std::shared_ptr<const Node>;

// Exactly one of column, constant and make is set. Thread safety: immutable.
struct Node {
    Type type = Type::kText;
    std::string text;  // normal form
    std::optional<std::size_t> column;
    std::optional<Value> constant;
    std::vector<NodePtr> arguments;
    MakeEval make;
    bool canFail = false;  // some row, itself or an argument
    bool isWhole = false;  // a float made of an int
    bool isCheap =
        false;  // so much that computing it for rows nobody wants is quicker than choosing
};

NodePtr columnNode(std::size_t column, Type type, const std::string& name);
NodePtr constantNode(Value value);

// A node of constants only that does not fail becomes its value.
NodePtr callNode(Type type, std::string text, std::vector<NodePtr> arguments, MakeEval make,
                 bool canFail, bool isCheap);

Operand operandOf(const Node& node);

// "a" or "\"a b\"", as SQL wants names; a text in single quotes.
std::string nameText(const std::string& name);
std::string quoted(const std::string& text);

}  // namespace tidemill::rows::expressions
