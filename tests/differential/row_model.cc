#include "tests/differential/row_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tidemill::rows::test {

std::string spelling(const Cell& cell, Type type) {
    if (isNull(cell)) return "null";
    switch (type) {
        case Type::kInt: return std::to_string(std::get<std::int64_t>(cell));
        case Type::kFloat: {
            const double value = std::get<double>(cell);
            if (std::isnan(value)) return "NaN";
            char text[40];
            std::snprintf(text, sizeof text, "%.9g", value == 0 ? 0.0 : value);
            return text;
        }
        case Type::kBool: return std::get<bool>(cell) ? "true" : "false";
        case Type::kTime:
            for (const auto& time : kTimes)
                if (time.micros == std::get<std::int64_t>(cell)) return time.text;
            return "no such time";
        case Type::kText: return '"' + std::get<std::string>(cell) + '"';
        case Type::kJson: break;
    }
    return nlohmann::json::parse(std::get<std::string>(cell)).dump();
}

std::string spelling(const Cells& row, const std::vector<Field>& fields) {
    std::string text;
    for (std::size_t i = 0; i < fields.size(); ++i)
        text += (i == 0 ? "" : ", ") + fields[i].name + "=" + spelling(row[i], fields[i].type);
    return text;
}

bool isLess(const Cell& a, const Cell& b) {
    if (const auto* left = std::get_if<double>(&a)) {
        const double right = std::get<double>(b);
        return *left < right || (std::isnan(right) && !std::isnan(*left));
    }
    return a < b;
}

bool isSame(const Cell& a, const Cell& b) {
    if (isNull(a) || isNull(b)) return isNull(a) && isNull(b);
    return !isLess(a, b) && !isLess(b, a);
}

bool CellsLess::operator()(const Cells& a, const Cells& b) const {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (isSame(a[i], b[i])) continue;
        if (isNull(a[i]) || isNull(b[i])) return isNull(a[i]);
        return isLess(a[i], b[i]);
    }
    return false;
}

bool hasType(const std::vector<Field>& fields, Type type) {
    return std::any_of(fields.begin(), fields.end(),
                       [type](const Field& field) { return field.type == type; });
}

RowHistory eachRow(const RowHistory& history,
                   const std::function<std::optional<Cells>(const Cells&)>& each) {
    RowHistory made;
    for (const auto& [tick, rows] : history) {
        auto& into = made[tick];
        for (const auto& row : rows) {
            try {
                if (auto result = each(row)) into.push_back(std::move(*result));
            } catch (const RowFails&) {
            }
        }
    }
    return made;
}

RowHistory kept(const RowHistory& history, const DrawnExpression& condition) {
    return eachRow(history, [&](const Cells& row) -> std::optional<Cells> {
        const Cell holds = condition.of(row);
        if (isNull(holds) || !std::get<bool>(holds)) return std::nullopt;
        return row;
    });
}

}  // namespace tidemill::rows::test
