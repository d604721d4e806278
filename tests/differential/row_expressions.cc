// Random expressions with a naive evaluation of their own, row by row.
#include <cmath>
#include <limits>

#include "tests/differential/row_model.h"

namespace tidemill::rows::test {
namespace {

using Int = std::int64_t;
__extension__ using Wide = __int128;

class Drawing {
public:
    Drawing(Draw& draw, const std::vector<Field>& fields) : draw_(draw), fields_(fields) {}

    DrawnExpression of(Type type, int depth) {
        if (!hasType(fields_, type) && type != Type::kBool) return constant(type);
        if (depth == 0) return type == Type::kBool ? simpleCondition() : column(type);
        if (type != Type::kJson && draw_.oneIn(6)) return chosen(type, depth);
        switch (type) {
            case Type::kInt: return whole(depth);
            case Type::kFloat: return real(depth);
            case Type::kBool: return condition(depth);
            case Type::kText: return text(depth);
            case Type::kTime:
            case Type::kJson: break;
        }
        return column(type);
    }

private:
    using Of = std::function<Cell(const Cells&)>;

    DrawnExpression column(Type type) {
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < fields_.size(); ++i)
            if (fields_[i].type == type) places.push_back(i);
        const auto place = draw_.one(places);
        return {fields_[place].name, type, [place](const Cells& row) { return row[place]; }};
    }

    DrawnExpression constant(Type type) {
        switch (type) {
            case Type::kInt: {
                const Int value = draw_.number(-3, 9);
                return {value < 0 ? "(" + std::to_string(value) + ")" : std::to_string(value), type,
                        [value](const Cells&) { return Cell(value); }};
            }
            case Type::kFloat: {
                const double value = static_cast<double>(draw_.number(0, 40)) / 8;
                return {std::to_string(value), type, [value](const Cells&) { return Cell(value); }};
            }
            case Type::kBool: {
                const bool value = draw_.oneIn(2);
                return {value ? "true" : "false", type,
                        [value](const Cells&) { return Cell(value); }};
            }
            case Type::kTime: {
                const auto& time = draw_.one(kTimes);
                return {"'" + std::string(time.text) + "'::time", type,
                        [micros = time.micros](const Cells&) { return Cell(micros); }};
            }
            case Type::kText:
            case Type::kJson: break;
        }
        static const std::vector<std::string> kTexts{"a", "b", "ab", "", "\xC3\xBC"};
        const std::string value = type == Type::kJson ? "[1, 2]" : draw_.one(kTexts);
        return {"'" + value + "'" + (type == Type::kJson ? "::json" : ""), type,
                [value](const Cells&) { return Cell(value); }};
    }
    DrawnExpression columnOrConstant(Type type) {
        return draw_.oneIn(2) || !hasType(fields_, type) ? constant(type) : column(type);
    }

    // f of two values; null when one is.
    template <class F>
    static Of both(const DrawnExpression& a, const DrawnExpression& b, F f) {
        return [left = a.of, right = b.of, f](const Cells& row) -> Cell {
            const Cell x = left(row), y = right(row);
            if (isNull(x) || isNull(y)) return {};
            return f(x, y);
        };
    }

    static Int narrowed(Wide value) {
        if (value > std::numeric_limits<Int>::max() || value < std::numeric_limits<Int>::min())
            throw RowFails();
        return static_cast<Int>(value);
    }

    DrawnExpression whole(int depth) {
        const auto a = of(Type::kInt, depth - 1);
        if (draw_.oneIn(6) && hasType(fields_, Type::kText)) {
            const auto text = of(Type::kText, depth - 1);
            return {"octet_length(" + text.sql + ")", Type::kInt,
                    [of = text.of](const Cells& row) -> Cell {
                        const Cell value = of(row);
                        if (isNull(value)) return {};
                        return static_cast<Int>(std::get<std::string>(value).size());
                    }};
        }
        const auto b = draw_.oneIn(2) ? constant(Type::kInt) : of(Type::kInt, depth - 1);
        const char operation = "+-*/%"[draw_.number(0, 4)];
        return {"(" + a.sql + " " + operation + " " + b.sql + ")", Type::kInt,
                both(a, b, [operation](const Cell& left, const Cell& right) -> Cell {
                    const Wide x = std::get<Int>(left), y = std::get<Int>(right);
                    if (operation == '+') return narrowed(x + y);
                    if (operation == '-') return narrowed(x - y);
                    if (operation == '*') return narrowed(x * y);
                    if (y == 0) throw RowFails();
                    return narrowed(operation == '/' ? x / y : x % y);
                })};
    }

    // Exact, so that sums do not depend on their order.
    DrawnExpression real(int depth) {
        const auto a = of(Type::kFloat, depth - 1);
        const auto b = draw_.oneIn(2) ? constant(Type::kFloat) : of(Type::kFloat, depth - 1);
        const bool adds = draw_.oneIn(2);
        return {"(" + a.sql + (adds ? " + " : " - ") + b.sql + ")", Type::kFloat,
                both(a, b, [adds](const Cell& x, const Cell& y) -> Cell {
                    const double left = std::get<double>(x), right = std::get<double>(y);
                    return adds ? left + right : left - right;
                })};
    }

    DrawnExpression text(int depth) {
        const auto a = of(Type::kText, depth - 1);
        switch (draw_.number(0, 2)) {
            case 0: {
                const auto b = columnOrConstant(Type::kText);
                return {"(" + a.sql + " || " + b.sql + ")", Type::kText,
                        both(a, b, [](const Cell& x, const Cell& y) -> Cell {
                            return std::get<std::string>(x) + std::get<std::string>(y);
                        })};
            }
            case 1: {
                if (!hasType(fields_, Type::kInt)) break;
                const auto number = of(Type::kInt, depth - 1);
                return {number.sql + "::text", Type::kText,
                        [of = number.of](const Cells& row) -> Cell {
                            const Cell value = of(row);
                            if (isNull(value)) return {};
                            return std::to_string(std::get<Int>(value));
                        }};
            }
            default: break;
        }
        const auto length = draw_.number(0, 3);
        return {"left(replace(" + a.sql + ", '\xC3\xBC', 'u'), " + std::to_string(length) + ")",
                Type::kText, [of = a.of, length](const Cells& row) -> Cell {
                    const Cell value = of(row);
                    if (isNull(value)) return {};
                    std::string text = std::get<std::string>(value);
                    for (auto at = text.find("\xC3\xBC"); at != text.npos;
                         at = text.find("\xC3\xBC"))
                        text.replace(at, 2, "u");
                    return text.substr(0, static_cast<std::size_t>(length));
                }};
    }

    DrawnExpression chosen(Type type, int depth) {
        const auto a = of(type, depth - 1), b = columnOrConstant(type);
        if (draw_.oneIn(2))
            return {"coalesce(" + a.sql + ", " + b.sql + ")", type,
                    [left = a.of, right = b.of](const Cells& row) -> Cell {
                        Cell value = left(row);
                        return isNull(value) ? right(row) : value;
                    }};
        const auto when = of(Type::kBool, depth - 1);
        return {"case when " + when.sql + " then " + a.sql + " else " + b.sql + " end", type,
                [of = when.of, left = a.of, right = b.of](const Cells& row) -> Cell {
                    const Cell holds = of(row);
                    return !isNull(holds) && std::get<bool>(holds) ? left(row) : right(row);
                }};
    }

    DrawnExpression compared(Type type, int depth) {
        const auto a = of(type, depth), b = columnOrConstant(type);
        static const std::vector<std::string> kOperators{"=", "<>", "<", "<=", ">", ">="};
        const auto operation = static_cast<std::size_t>(draw_.number(0, 5));
        return {"(" + a.sql + " " + kOperators[operation] + " " + b.sql + ")", Type::kBool,
                both(a, b, [operation](const Cell& x, const Cell& y) -> Cell {
                    const bool less = isLess(x, y), more = isLess(y, x);
                    const bool results[] = {!less && !more, less || more, less, !more, more, !less};
                    return results[operation];
                })};
    }

    DrawnExpression simpleCondition() {
        if (hasType(fields_, Type::kBool) && draw_.oneIn(4)) return column(Type::kBool);
        const auto& field = draw_.one(fields_);
        if (field.type == Type::kJson || draw_.oneIn(5)) {
            const auto value = column(field.type);
            return {"(" + value.sql + " is not null)", Type::kBool,
                    [of = value.of](const Cells& row) -> Cell { return !isNull(of(row)); }};
        }
        if (field.type == Type::kInt && draw_.oneIn(4)) {
            const auto value = column(Type::kInt);
            return {"(" + value.sql + " in (0, 1, 7, 8))", Type::kBool,
                    [of = value.of](const Cells& row) -> Cell {
                        const Cell cell = of(row);
                        if (isNull(cell)) return {};
                        const Int number = std::get<Int>(cell);
                        return number == 0 || number == 1 || number == 7 || number == 8;
                    }};
        }
        if (field.type == Type::kText && draw_.oneIn(4)) {
            const auto value = column(Type::kText);
            return {"(" + value.sql + " like 'a%')", Type::kBool,
                    [of = value.of](const Cells& row) -> Cell {
                        const Cell cell = of(row);
                        if (isNull(cell)) return {};
                        return std::get<std::string>(cell).starts_with('a');
                    }};
        }
        return compared(field.type, 0);
    }

    DrawnExpression condition(int depth) {
        if (draw_.oneIn(4)) {
            constexpr Type kCompared[] = {Type::kInt, Type::kFloat, Type::kText};
            const Type type = draw_.one(kCompared);
            if (hasType(fields_, type)) return compared(type, depth - 1);
        }
        const auto a = of(Type::kBool, depth - 1);
        if (draw_.oneIn(4))
            return {"(not " + a.sql + ")", Type::kBool, [of = a.of](const Cells& row) -> Cell {
                        const Cell value = of(row);
                        if (isNull(value)) return {};
                        return !std::get<bool>(value);
                    }};
        const auto b = of(Type::kBool, depth - 1);
        // What the first decides needs no second: that may fail.
        const bool isAnd = draw_.oneIn(2);
        return {"(" + a.sql + (isAnd ? " and " : " or ") + b.sql + ")", Type::kBool,
                [left = a.of, right = b.of, isAnd](const Cells& row) -> Cell {
                    const Cell x = left(row);
                    if (!isNull(x) && std::get<bool>(x) != isAnd) return x;
                    const Cell y = right(row);
                    if (!isNull(y) && std::get<bool>(y) != isAnd) return y;
                    return isNull(x) || isNull(y) ? Cell() : Cell(isAnd);
                }};
    }

    Draw& draw_;
    const std::vector<Field>& fields_;
};

}  // namespace

DrawnExpression drawExpression(Draw& draw, const std::vector<Field>& fields, Type type, int depth) {
    return Drawing(draw, fields).of(type, depth);
}

}  // namespace tidemill::rows::test
