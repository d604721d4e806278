#include "rows/expressions/node.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "rows/write_value.h"

namespace tidemill::rows::expressions {
namespace {

std::string textOf(const Value& value) {
    if (value.isNull) return "null";
    switch (value.type) {
        case Type::kInt: return std::to_string(value.number);
        case Type::kFloat: {
            char bytes[kValueTextMax];
            std::string text(bytes, writeFloat(bytes, value.real));
            if (!std::isfinite(value.real)) return "'" + text + "'::float";
            if (text.find_first_of(".e") == std::string::npos) text += ".0";
            return text;
        }
        case Type::kBool: return value.number != 0 ? "true" : "false";
        case Type::kText: return quoted(value.text);
        case Type::kTime: {
            char bytes[kValueTextMax];
            return quoted(std::string(bytes, writeTime(bytes, value.number))) + "::time";
        }
        case Type::kJson: return quoted(value.text) + "::json";
    }
    return "";
}

// The value of an expression without columns; none when it fails.
std::optional<Value> computed(const Node& node) {
    core::Arena arena;
    RowFailures failures;
    Chunk chunk;
    chunk.rows = 1;
    chunk.selectedCount = 1;
    Frame frame{chunk, arena, failures};
    const Operand operand = operandOf(node);
    const Column column = operand.run(frame, {1, nullptr, 1});
    if (!failures.empty()) return std::nullopt;
    Value value = Value::null(node.type);
    if (column.isNull(0)) return value;
    value.isNull = false;
    withType(node.type, [&](auto type) {
        const auto held = column.as<type()>()[0];
        if constexpr (isTextual(type())) value.text = std::string(held);
        else if constexpr (type() == Type::kFloat) value.real = held;
        else value.number = held;
    });
    return value;
}

}  // namespace

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
}

std::string nameText(const std::string& name) {
    const auto isPlain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (!name.empty() && std::all_of(name.begin(), name.end(), isPlain) &&
        !(name[0] >= '0' && name[0] <= '9'))
        return name;
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

NodePtr columnNode(std::size_t column, Type type, const std::string& name) {
    auto node = std::make_shared<Node>();
    node->type = type;
    node->text = nameText(name);
    node->column = column;
    node->isCheap = true;
    return node;
}

NodePtr constantNode(Value value) {
    auto node = std::make_shared<Node>();
    node->type = value.type;
    node->text = textOf(value);
    node->constant = std::move(value);
    node->isCheap = true;
    return node;
}

NodePtr callNode(Type type, std::string text, std::vector<NodePtr> arguments, MakeEval make,
                 bool canFail, bool isCheap) {
    auto node = std::make_shared<Node>();
    node->type = type;
    node->text = std::move(text);
    node->make = std::move(make);
    node->canFail = canFail;
    node->isCheap = isCheap;
    bool isConstant = true;
    for (const auto& argument : arguments) {
        node->canFail = node->canFail || argument->canFail;
        node->isCheap = node->isCheap && argument->isCheap;
        isConstant = isConstant && argument->constant.has_value();
    }
    node->arguments = std::move(arguments);
    if (isConstant)
        if (auto value = computed(*node)) return constantNode(std::move(*value));
    return node;
}

Operand operandOf(const Node& node) {
    Operand operand;
    operand.type = node.type;
    operand.isWhole = node.isWhole;
    if (node.column) {
        operand.eval = makeColumnEval(*node.column);
    } else if (node.constant) {
        operand.eval = makeConstantEval(*node.constant);
        operand.constant = &*node.constant;
    } else {
        Operands operands;
        for (const auto& argument : node.arguments) operands.push_back(operandOf(*argument));
        operand.eval = node.make(std::move(operands), node.text);
    }
    return operand;
}

}  // namespace tidemill::rows::expressions
