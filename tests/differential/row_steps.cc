// Steps that work on one row after another, and those that mix rows of a batch or of two streams.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/differential/row_model.h"

namespace tidemill::rows::test {
namespace {

constexpr Type kComputed[] = {Type::kInt,  Type::kInt,  Type::kFloat,
                              Type::kText, Type::kBool, Type::kTime};

NaiveStream like(const NaiveStream& from) {
    NaiveStream made;
    made.fields = from.fields;
    made.slide = from.slide;
    made.ordered = from.ordered;
    return made;
}

std::optional<DrawnStep> where(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    const auto condition =
        drawExpression(draw, from.fields, Type::kBool, static_cast<int>(draw.number(0, 3)));
    DrawnStep step{"where", "where = " + tomlText(condition.sql), like(from)};
    step.made.history = kept(from.history, condition);
    return step;
}

std::optional<DrawnStep> compute(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    DrawnStep step{"compute", "compute = {", like(from)};
    std::vector<std::pair<std::size_t, DrawnExpression>> columns;
    for (auto left = draw.number(1, 3); left > 0; --left) {
        auto expression = drawExpression(draw, from.fields, draw.one(kComputed),
                                         static_cast<int>(draw.number(1, 3)));
        auto place = step.made.fields.size();
        if (draw.oneIn(4) && columns.empty())
            place = static_cast<std::size_t>(
                draw.number(0, static_cast<std::int64_t>(from.fields.size()) - 1));
        else step.made.fields.push_back({draw.name("c"), expression.type});
        step.made.fields[place].type = expression.type;
        step.toml += (columns.empty() ? "" : ", ") + step.made.fields[place].name + " = " +
                     tomlText(expression.sql);
        columns.emplace_back(place, std::move(expression));
    }
    step.toml += "}";
    step.made.history = eachRow(from.history, [&](const Cells& row) -> std::optional<Cells> {
        Cells made = row;
        made.resize(step.made.fields.size());
        for (const auto& [place, expression] : columns) made[place] = expression.of(row);
        return made;
    });
    return step;
}

std::string listOf(const std::vector<std::string>& names) {
    std::string text = "[";
    for (const auto& name : names) text += (text.size() == 1 ? "\"" : ", \"") + name + "\"";
    return text + "]";
}

// The fields at these places, under these names.
void pick(DrawnStep& step, const NaiveStream& from, const std::vector<std::size_t>& places) {
    step.made.fields.clear();
    for (const auto place : places) step.made.fields.push_back(from.fields[place]);
    step.made.history = eachRow(from.history, [&](const Cells& row) -> std::optional<Cells> {
        Cells made;
        for (const auto place : places) made.push_back(row[place]);
        return made;
    });
}

std::optional<DrawnStep> select(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    std::vector<std::size_t> places(from.fields.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    std::shuffle(places.begin(), places.end(), draw.random);
    const bool drops = draw.oneIn(3) && places.size() > 1;
    const auto count = static_cast<std::size_t>(
        draw.number(1, static_cast<std::int64_t>(places.size()) - (drops ? 1 : 0)));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back(from.fields[places[i]].name);
    DrawnStep step{drops ? "drop" : "select", (drops ? "drop = " : "select = ") + listOf(names),
                   like(from)};
    if (drops) {
        places.erase(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(count));
        std::sort(places.begin(), places.end());
    } else {
        places.resize(count);
    }
    pick(step, from, places);
    return step;
}

std::optional<DrawnStep> rename(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    DrawnStep step{"rename", "rename = {", like(from)};
    step.made.history = from.history;
    bool any = false;
    for (auto& field : step.made.fields) {
        if (any && !draw.oneIn(3)) continue;
        const std::string after = draw.name("n");
        step.toml += (any ? ", " : "") + field.name + " = \"" + after + "\"";
        field.name = after;
        any = true;
    }
    step.toml += "}";
    return step;
}

std::optional<DrawnStep> explode(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < from.fields.size(); ++i)
        if (isTextual(from.fields[i].type)) places.push_back(i);
    if (places.empty()) return std::nullopt;
    const auto place = draw.one(places);
    const bool isJson = from.fields[place].type == Type::kJson;
    DrawnStep step{isJson ? "explode json" : "explode text",
                   "explode = \"" + from.fields[place].name + "\"", like(from)};
    if (!isJson) step.toml += "\nseparator = \"b\"";
    for (const auto& [tick, rows] : from.history) {
        auto& into = step.made.history[tick];
        for (const auto& row : rows) {
            if (isNull(row[place])) continue;
            Cells part = row;
            const auto add = [&](std::string piece) {
                part[place] = std::move(piece);
                into.push_back(part);
            };
            const auto& text = std::get<std::string>(row[place]);
            if (isJson) {
                const auto array = nlohmann::json::parse(text);
                if (array.is_array())
                    for (const auto& element : array) add(element.dump());
            } else if (!text.empty()) {
                std::size_t begin = 0;
                for (auto end = text.find('b'); end != text.npos; end = text.find('b', begin)) {
                    add(text.substr(begin, end - begin));
                    begin = end + 1;
                }
                add(text.substr(begin));
            }
        }
    }
    return step;
}

std::optional<DrawnStep> unite(Draw&, const NaiveStream& from, const NaiveStream& with) {
    if (from.slide != with.slide || from.fields.size() != with.fields.size()) return std::nullopt;
    std::vector<std::size_t> places;
    for (const auto& field : from.fields) {
        const auto found =
            std::find_if(with.fields.begin(), with.fields.end(), [&](const Field& other) {
                return other.name == field.name && other.type == field.type;
            });
        if (found == with.fields.end()) return std::nullopt;
        places.push_back(static_cast<std::size_t>(found - with.fields.begin()));
    }
    DrawnStep step{"union", "do = \"union\"\nwith = \"" + with.name + "\"", like(from)};
    step.made.ordered = false;
    DrawnStep other{"", "", like(with)};
    pick(other, with, places);
    step.made.history = from.history;
    for (const auto& [tick, rows] : other.made.history)
        step.made.history[tick].insert(step.made.history[tick].end(), rows.begin(), rows.end());
    return step;
}

// Joins what has the same fields: names of others must differ, so there is none of them or the
// streams come from a step that renamed them.
std::optional<DrawnStep> join(Draw& draw, const NaiveStream& left, const NaiveStream& right) {
    if (left.slide != right.slide) return std::nullopt;
    std::vector<std::size_t> on, others;
    std::vector<std::size_t> onRight, othersRight;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < left.fields.size(); ++i) {
        const auto found =
            std::find_if(right.fields.begin(), right.fields.end(),
                         [&](const Field& other) { return other.name == left.fields[i].name; });
        if (found == right.fields.end()) {
            others.push_back(i);
            continue;
        }
        if (found->type != left.fields[i].type) return std::nullopt;
        on.push_back(i);
        onRight.push_back(static_cast<std::size_t>(found - right.fields.begin()));
        names.push_back(found->name);
    }
    if (on.empty() || on.size() == left.fields.size()) return std::nullopt;
    for (std::size_t i = 0; i < right.fields.size(); ++i)
        if (std::find(onRight.begin(), onRight.end(), i) == onRight.end()) othersRight.push_back(i);
    static const std::vector<std::string> kKinds{"inner", "left", "right", "full"};
    const auto& kind = draw.one(kKinds);
    DrawnStep step{"join " + kind,
                   "do = \"join\"\nwith = \"" + right.name + "\"\nkind = \"" + kind +
                       "\"\non = " + listOf(names),
                   like(left)};
    step.made.ordered = false;
    step.made.fields.clear();
    for (const auto i : on) step.made.fields.push_back(left.fields[i]);
    for (const auto i : others) step.made.fields.push_back(left.fields[i]);
    for (const auto i : othersRight) step.made.fields.push_back(right.fields[i]);
    const auto keyOf = [](const Cells& row, const std::vector<std::size_t>& places) {
        Cells key;
        for (const auto place : places) key.push_back(row[place]);
        return key;
    };
    const auto equal = [](const Cells& a, const Cells& b) {
        for (std::size_t i = 0; i < a.size(); ++i)
            if (isNull(a[i]) || !isSame(a[i], b[i])) return false;
        return true;
    };
    const auto joined = [&](const Cells& key, const Cells* a, const Cells* b) {
        Cells row = key;
        for (const auto i : others) row.push_back(a == nullptr ? Cell() : (*a)[i]);
        for (const auto i : othersRight) row.push_back(b == nullptr ? Cell() : (*b)[i]);
        return row;
    };
    for (const auto& [tick, rows] : left.history) {
        auto& into = step.made.history[tick];
        const auto& partners = right.history.at(tick);
        std::vector<bool> met(partners.size());
        for (const auto& row : rows) {
            const auto key = keyOf(row, on);
            bool any = false;
            for (std::size_t i = 0; i < partners.size(); ++i) {
                if (!equal(key, keyOf(partners[i], onRight))) continue;
                into.push_back(joined(key, &row, &partners[i]));
                any = met[i] = true;
            }
            if (!any && (kind == "left" || kind == "full"))
                into.push_back(joined(key, &row, nullptr));
        }
        if (kind == "right" || kind == "full")
            for (std::size_t i = 0; i < partners.size(); ++i)
                if (!met[i])
                    into.push_back(joined(keyOf(partners[i], onRight), nullptr, &partners[i]));
    }
    return step;
}

struct Order {
    std::size_t place;
    bool descending;
};

// Values, NaN, null, in both directions.
bool isBefore(const Cells& a, const Cells& b, const std::vector<Order>& order,
              const std::vector<Field>& fields) {
    const auto kindOf = [&](const Cell& cell, std::size_t place) {
        if (isNull(cell)) return 2;
        return fields[place].type == Type::kFloat &&
                       std::get<double>(cell) != std::get<double>(cell)
                   ? 1
                   : 0;
    };
    for (const auto& [place, descending] : order) {
        const int left = kindOf(a[place], place), right = kindOf(b[place], place);
        if (left != right) return left < right;
        if (left != 0 || isSame(a[place], b[place])) continue;
        return descending ? isLess(b[place], a[place]) : isLess(a[place], b[place]);
    }
    return false;
}

std::optional<DrawnStep> top(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    std::vector<std::size_t> places(from.fields.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    std::shuffle(places.begin(), places.end(), draw.random);
    const auto count = static_cast<std::size_t>(
        draw.number(1, std::min<std::int64_t>(3, static_cast<std::int64_t>(places.size()))));
    std::vector<Order> order;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
        const bool descending = draw.oneIn(2);
        order.push_back({places[i], descending});
        names.push_back(from.fields[places[i]].name +
                        (descending ? (draw.oneIn(2) ? "" : " desc") : " asc"));
    }
    for (std::size_t i = 0; i < from.fields.size(); ++i)
        if (std::find(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(count), i) ==
            places.begin() + static_cast<std::ptrdiff_t>(count))
            order.push_back({i, false});
    const auto n = static_cast<std::size_t>(draw.number(1, draw.oneIn(3) ? 1500 : 8));
    DrawnStep step{"top", "do = \"top\"\nn = " + std::to_string(n) + "\nby = " + listOf(names),
                   like(from)};
    step.made.ordered = true;
    step.made.history = from.history;
    for (auto& [tick, rows] : step.made.history) {
        std::stable_sort(rows.begin(), rows.end(), [&](const Cells& a, const Cells& b) {
            return isBefore(a, b, order, from.fields);
        });
        if (rows.size() > n) rows.resize(n);
    }
    return step;
}

std::optional<DrawnStep> distinct(Draw& draw, const NaiveStream& from, const NaiveStream&) {
    std::vector<std::size_t> by;
    DrawnStep step{"distinct", "do = \"distinct\"", like(from)};
    if (from.ordered && draw.oneIn(2)) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < from.fields.size(); ++i)
            if (draw.oneIn(2)) {
                by.push_back(i);
                names.push_back(from.fields[i].name);
            }
        if (by.empty()) return std::nullopt;
        step.kind = "distinct by some";
        step.toml += "\nby = " + listOf(names);
    } else {
        for (std::size_t i = 0; i < from.fields.size(); ++i) by.push_back(i);
    }
    step.made.ordered = false;
    for (const auto& [tick, rows] : from.history) {
        auto& into = step.made.history[tick];
        std::set<Cells, CellsLess> seen;
        for (const auto& row : rows) {
            Cells key;
            for (const auto place : by) key.push_back(row[place]);
            if (seen.insert(std::move(key)).second) into.push_back(row);
        }
    }
    return step;
}

}  // namespace

std::vector<StepKind> narrowSteps() {
    return {{"where", where},
            {"compute", compute},
            {"select", select},
            {"rename", rename},
            {"explode", explode}};
}

std::vector<StepKind> mixingSteps() {
    return {{"union", unite}, {"join", join}, {"top", top}, {"distinct", distinct}};
}

}  // namespace tidemill::rows::test
