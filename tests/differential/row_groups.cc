// aggregate: groups of batches, of windows and for ever.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/differential/row_model.h"

namespace tidemill::rows::test {
namespace {

__extension__ using Wide = __int128;
using Group = std::vector<Cells>;

// The values of a place that are not null.
std::vector<Cell> valuesOf(const Group& rows, std::size_t place) {
    std::vector<Cell> values;
    for (const auto& row : rows)
        if (!isNull(row[place])) values.push_back(row[place]);
    return values;
}

Cell sumOf(const std::vector<Cell>& values, Type type) {
    if (values.empty()) return {};
    if (type == Type::kFloat) {
        double sum = 0;
        for (const auto& value : values) sum += std::get<double>(value);
        return sum;
    }
    Wide sum = 0;
    for (const auto& value : values) sum += std::get<std::int64_t>(value);
    if (sum > std::numeric_limits<std::int64_t>::max() ||
        sum < std::numeric_limits<std::int64_t>::min())
        throw RowFails();
    return static_cast<std::int64_t>(sum);
}

Cell meanOf(const std::vector<Cell>& values, Type type) {
    if (values.empty()) return {};
    long double sum = 0;
    Wide whole = 0;
    for (const auto& value : values) {
        if (type == Type::kFloat) sum += std::get<double>(value);
        else whole += std::get<std::int64_t>(value);
    }
    if (type == Type::kInt) sum = static_cast<long double>(whole);
    return static_cast<double>(sum / static_cast<long double>(values.size()));
}

Cell varianceOf(const std::vector<Cell>& values, bool isSample, bool isRoot) {
    const auto freedom = static_cast<double>(values.size()) - (isSample ? 1 : 0);
    if (freedom <= 0) return {};
    const double mean = std::get<double>(meanOf(values, Type::kFloat));
    double squares = 0;
    for (const auto& value : values) {
        const double distance = std::get<double>(value) - mean;
        squares += distance * distance;
    }
    return isRoot ? std::sqrt(squares / freedom) : squares / freedom;
}

Cell mostFrequent(const std::vector<Cell>& values, Type type, std::size_t n) {
    std::map<Cells, std::int64_t, CellsLess> counts;
    for (const auto& value : values) ++counts[{value}];
    std::vector<std::pair<Cells, std::int64_t>> all(counts.begin(), counts.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string list = "[";
    for (std::size_t i = 0; i < std::min(n, all.size()); ++i) {
        const Cell& value = all[i].first[0];
        list += (i == 0 ? "{\"value\": " : ", {\"value\": ") +
                (type == Type::kInt ? std::to_string(std::get<std::int64_t>(value))
                                    : nlohmann::json(std::get<std::string>(value)).dump()) +
                ", \"count\": " + std::to_string(all[i].second) + "}";
    }
    return list + "]";
}

std::int64_t differentOf(const std::vector<Cell>& values) {
    std::set<Cells, CellsLess> different;
    for (const auto& value : values) different.insert({value});
    return static_cast<std::int64_t>(different.size());
}

DrawnFunction countRows(Draw& draw) {
    return {{draw.name("a"), Type::kInt}, "count()", "count(*)", [](const Group& rows) -> Cell {
                return static_cast<std::int64_t>(rows.size());
            }};
}

}  // namespace

DrawnFunction drawFunction(Draw& draw, const NaiveStream& from) {
    const auto place =
        static_cast<std::size_t>(draw.number(0, static_cast<std::int64_t>(from.fields.size()) - 1));
    const auto& [name, type] = from.fields[place];
    std::vector<std::string> functions{"count", "count distinct"};
    if (type == Type::kInt || type == Type::kFloat)
        for (const char* function : {"sum", "avg", "sum", "max"}) functions.emplace_back(function);
    if (type == Type::kFloat)
        for (const char* function : {"stddev", "variance", "stddev_pop", "var_pop"})
            functions.emplace_back(function);
    if (type != Type::kJson)
        for (const char* function : {"min", "max"}) functions.emplace_back(function);
    if (from.ordered)
        for (const char* function : {"first", "last"}) functions.emplace_back(function);
    if (type == Type::kInt || type == Type::kText) functions.emplace_back("top");
    if (type == Type::kBool) functions.emplace_back("approx_distinct");
    const std::string function = draw.one(functions);
    ++draw.counts["function " + function];
    DrawnFunction made{{draw.name("a"), type}, function + "(" + name + ")", "", nullptr};
    made.sql = made.call;
    const auto ofValues = [place = place](auto f) {
        return [place, f](const Group& rows) -> Cell { return f(valuesOf(rows, place)); };
    };
    using Values = std::vector<Cell>;
    if (function == "count") {
        made.field.type = Type::kInt;
        made.of = ofValues([](const Values& v) { return static_cast<std::int64_t>(v.size()); });
    } else if (function == "count distinct" || function == "approx_distinct") {
        made.field.type = Type::kInt;
        if (function == "count distinct") {
            made.sql = "count(distinct " + name + ")";
            made.call = draw.oneIn(2) ? "distinct(" + name + ")" : made.sql;
        }
        made.of = ofValues(differentOf);
    } else if (function == "sum") {
        made.of = ofValues([type = type](const Values& v) { return sumOf(v, type); });
    } else if (function == "avg") {
        made.field.type = Type::kFloat;
        made.of = ofValues([type = type](const Values& v) { return meanOf(v, type); });
    } else if (function == "top") {
        made.field.type = Type::kJson;
        const auto n = static_cast<std::size_t>(draw.number(1, 4));
        made.call = made.sql = "top(" + std::to_string(n) + ", " + name + ")";
        made.of = ofValues([type = type, n](const Values& v) { return mostFrequent(v, type, n); });
    } else if (function == "min" || function == "max") {
        made.of = ofValues([isMin = function == "min"](const Values& v) -> Cell {
            if (v.empty()) return {};
            return isMin ? *std::min_element(v.begin(), v.end(), isLess)
                         : *std::max_element(v.begin(), v.end(), isLess);
        });
    } else if (function == "first" || function == "last") {
        made.of = ofValues([isFirst = function == "first"](const Values& v) -> Cell {
            if (v.empty()) return {};
            return isFirst ? v.front() : v.back();
        });
    } else {
        made.field.type = Type::kFloat;
        const bool isSample = !function.ends_with("_pop"), isRoot = function.starts_with("stddev");
        made.of = ofValues(
            [isSample, isRoot](const Values& v) { return varianceOf(v, isSample, isRoot); });
    }
    return made;
}

Grouping drawGrouping(Draw& draw, const NaiveStream& from) {
    Grouping how;
    for (std::size_t i = 0; i < from.fields.size() && how.key.size() < 3; ++i)
        if (draw.oneIn(3)) how.key.push_back(i);
    std::shuffle(how.key.begin(), how.key.end(), draw.random);
    if (draw.oneIn(2)) how.functions.push_back(countRows(draw));
    for (auto left = draw.number(1, 3); left > 0; --left)
        how.functions.push_back(drawFunction(draw, from));
    if (draw.oneIn(3)) {
        how.window = from.slide * draw.number(1, 5);
        how.slide = from.slide * draw.number(1, 3);
        ++draw.counts[how.window == how.slide       ? "window tumbling"
                      : how.window < how.slide      ? "window shorter than its slide"
                      : how.window % how.slide == 0 ? "window sliding"
                                                    : "window no multiple of its slide"];
    } else if (draw.oneIn(2)) {
        how.running = true;
        if (draw.oneIn(2)) how.ttl = draw.number(1, 4);
        ++draw.counts[how.ttl != 0 ? "running, with ttl" : "running"];
    }
    return how;
}

NaiveStream grouped(const NaiveStream& from, const Grouping& how,
                    const std::vector<std::int64_t>& ticks) {
    NaiveStream made;
    made.ordered = false;
    made.slide = how.window == 0 ? from.slide : how.slide;
    for (const auto place : how.key) made.fields.push_back(from.fields[place]);
    for (const auto& function : how.functions) made.fields.push_back(function.field);
    using Groups = std::map<Cells, Group, CellsLess>;
    const auto add = [&](Groups& groups, const std::vector<Cells>& rows) {
        for (const auto& row : rows) {
            Cells key;
            for (const auto place : how.key) key.push_back(row[place]);
            groups[std::move(key)].push_back(row);
        }
    };
    const auto tell = [&](const Cells& key, const Group& rows, std::vector<Cells>& into) {
        try {
            Cells row = key;
            for (const auto& function : how.functions) row.push_back(function.of(rows));
            into.push_back(std::move(row));
        } catch (const RowFails&) {
        }
    };
    Groups forever;
    std::map<Cells, std::int64_t, CellsLess> touched;
    for (const auto tick : ticks) {
        if (tick % made.slide != 0) continue;
        Groups groups;
        if (how.window != 0) {
            for (const auto& [at, rows] : from.history)
                if (at > tick - how.window && at <= tick) add(groups, rows);
        } else if (const auto found = from.history.find(tick); found != from.history.end()) {
            add(groups, found->second);
        } else {
            continue;
        }
        auto& into = made.history[tick];
        if (!how.running) {
            for (const auto& [key, rows] : groups) tell(key, rows, into);
            continue;
        }
        for (const auto& [key, rows] : groups) {
            auto& all = forever[key];
            all.insert(all.end(), rows.begin(), rows.end());
            touched[key] = tick;
            tell(key, all, into);
        }
        if (how.ttl == 0) continue;
        std::erase_if(forever,
                      [&](const auto& entry) { return touched[entry.first] < tick - how.ttl; });
    }
    return made;
}

namespace {

std::optional<DrawnStep> aggregate(Draw& draw, const NaiveStream& given, const NaiveStream&) {
    DrawnStep step{"aggregate", "do = \"aggregate\"", {}};
    NaiveStream from = given;
    if (draw.oneIn(4)) {
        const auto condition = drawExpression(draw, from.fields, Type::kBool, 1);
        step.toml += "\nwhere = " + tomlText(condition.sql);
        from.history = kept(from.history, condition);
    }
    const auto how = drawGrouping(draw, from);
    if (!how.key.empty()) {
        step.toml += "\nkey = [";
        for (std::size_t i = 0; i < how.key.size(); ++i)
            step.toml += (i == 0 ? "\"" : ", \"") + from.fields[how.key[i]].name + "\"";
        step.toml += "]";
    }
    step.toml += "\ncompute = {";
    for (std::size_t i = 0; i < how.functions.size(); ++i)
        step.toml += (i == 0 ? "" : ", ") + how.functions[i].field.name + " = \"" +
                     how.functions[i].call + "\"";
    step.toml += "}";
    const auto seconds = [](std::int64_t ticks) { return "\"" + std::to_string(ticks) + "s\""; };
    if (how.window != 0)
        step.toml += "\nwindow = " + seconds(how.window) + "\nslide = " + seconds(how.slide);
    if (how.running) step.toml += "\nrunning = true";
    if (how.ttl != 0) step.toml += "\nttl = " + seconds(how.ttl);
    step.made = grouped(from, how, draw.ticks);
    if (draw.oneIn(4)) {
        const auto condition = drawExpression(draw, step.made.fields, Type::kBool, 1);
        step.toml += "\nhaving = " + tomlText(condition.sql);
        step.made.history = kept(step.made.history, condition);
    }
    return step;
}

}  // namespace

std::vector<StepKind> groupSteps() { return {{"aggregate", aggregate}}; }

}  // namespace tidemill::rows::test
