#include "tools/row_steps.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

#include "core/logging.h"
#include "tools/json.h"
#include "rows/number.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

using Key = std::vector<std::string>;
using Rows = DStream<Row>;
using Keyed = DStream<std::pair<Key, Aggregates>>;

Result<std::size_t> placeOf(const std::vector<std::string>& columns, const std::string& name) {
    const auto found = std::find(columns.begin(), columns.end(), name);
    if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
    return fail(ErrorKind::kInvalid,
                "there is no field \"" + name + "\" here" + suggestion(name, columns));
}

Result<> mustDiffer(const std::vector<std::string>& columns) {
    std::set<std::string> seen;
    for (const auto& column : columns)
        if (!seen.insert(column).second)
            return fail(ErrorKind::kInvalid, "two fields of the result are named \"" + column + "\"");
    return {};
}

Aggregates merged(const Aggregates& a, const Aggregates& b) {
    Aggregates all = a;
    all.merge(b);
    return all;
}

// The fields of the key, then the results. Throws std::runtime_error that names the aggregate and
// the group when a result cannot be told.
Row rowOf(const std::pair<Key, Aggregates>& group, const std::vector<AggregateSpec>& specs) {
    if (group.second.states.size() != specs.size())
        throw core::TaskFailure(
            core::Error{ErrorKind::kCorrupt, "stored aggregates are not of this step's functions"});
    Row row;
    for (const auto& part : group.first) row.fields.push_back(textField(part));
    for (std::size_t i = 0; i < specs.size(); ++i) {
        try {
            row.fields.push_back(group.second.states[i].result(specs[i]));
        } catch (const std::runtime_error& error) {
            std::string key;
            for (const auto& part : group.first)
                key += (key.empty() ? "" : ",") + core::escaped(part);
            throw std::runtime_error(std::string(error.what()) + "; group (" + key + ")");
        }
    }
    return row;
}

// How the aggregates of a batch become those of a window, or of all time.
Keyed spread(const Keyed& once, const StepSpec& step) {
    if (step.running)
        return once.updateStateByKey<Aggregates>(
            step.name,
            [](std::span<const Aggregates> news, std::optional<Aggregates> before) {
                for (const auto& one : news) before = before ? merged(*before, one) : one;
                return before;
            },
            Visit::kTouchedKeys);
    if (step.window == Duration(0)) return once.reduceByKey(merged);
    return once.reduceByKeyAndWindow(merged, step.window, step.slide, step.name);
}

// Numbers by their size, largest first, before everything else.
int compareSizes(const Field& a, const Field& b) {
    Number left, right;
    const bool isLeft = parseNumber(a.text, left) != NumberText::kNone;
    const bool isRight = parseNumber(b.text, right) != NumberText::kNone;
    if (isLeft != isRight) return isLeft ? -1 : 1;
    if (!isLeft || left == right) return 0;
    return left > right ? -1 : 1;
}

// ["host", "path"]
std::string listed(const std::vector<std::string>& names) {
    std::string list = "[";
    for (const auto& name : names) {
        if (list.size() > 1) list += ", ";
        appendJsonString(list, name);
    }
    return list + "]";
}

// What is stored follows the fields of the key and the functions: others are another state. The
// names of results are not stored.
std::string storedForm(const StepSpec& step) {
    std::vector<std::string> functions;
    for (const auto& spec : step.compute) functions.push_back(toString(spec));
    return " by=" + listed(step.key) + " compute=" + listed(functions);
}

// (key, the other fields)
DStream<std::pair<std::string, Row>> byKey(const RowStream& from, std::size_t place) {
    return from.rows.map([place](Row row) {
        std::string key = std::move(row.fields[place].text);
        row.fields.erase(row.fields.begin() + static_cast<std::ptrdiff_t>(place));
        return std::pair(std::move(key), std::move(row));
    });
}

Row joined(const std::string& key, const Row* left, std::size_t leftFields, const Row* right,
           std::size_t rightFields) {
    Row row;
    row.fields.push_back(textField(key));
    const auto append = [&](const Row* part, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            row.fields.push_back(part != nullptr ? part->fields[i]
                                                 : Field{Field::Kind::kJson, "null"});
    };
    append(left, leftFields);
    append(right, rightFields);
    return row;
}

template <class T>
const T* pointerTo(const std::optional<T>& value) {
    return value ? &*value : nullptr;
}
template <class T>
const T* pointerTo(const T& value) {
    return &value;
}

}  // namespace

RowStream takeFields(const DStream<std::string_view>& lines, const StepSpec& step) {
    const auto reader =
        core::orThrow(makeFieldReader(step.fieldsBy, step.separator, step.pattern, step.fields));
    std::vector<std::string> columns;
    for (const auto& field : step.fields) columns.push_back(field.name);
    return {lines.map([reader](std::string_view line) { return reader->read(line); }),
            std::move(columns)};
}

RowStream rowsOf(const DStream<std::pair<std::string_view, std::int64_t>>& counts) {
    return {counts.map([](std::pair<std::string_view, std::int64_t> pair) {
                return Row{{textField(pair.first), numberField(pair.second)}};
            }),
            {"value", "count"}};
}

Result<RowStream> aggregate(const RowStream& from, const StepSpec& step) {
    std::vector<std::size_t> keyPlaces;
    std::vector<std::string> columns;
    for (const auto& name : step.key) {
        TM_ASSIGN(const auto place, placeOf(from.columns, name));
        keyPlaces.push_back(place);
        columns.push_back(name);
    }
    auto specs = std::make_shared<std::vector<AggregateSpec>>(step.compute);
    for (auto& spec : *specs) {
        if (spec.function != AggregateSpec::Function::kCount) {
            TM_ASSIGN(spec.place, placeOf(from.columns, spec.field));
        }
        columns.push_back(spec.name);
    }
    TM_TRY(mustDiffer(columns));
    const auto once = from.rows.map([keyPlaces, specs](const Row& row) {
        Key key;
        for (const auto place : keyPlaces) key.push_back(row.fields[place].text);
        return std::pair(std::move(key), Aggregates::of(*specs, row));
    });
    const auto all = spread(once, step);
    if (step.running || step.window != Duration(0)) {
        once.job()->states.back().signature += storedForm(step);
    }
    auto rows =
        all.map([specs](const std::pair<Key, Aggregates>& group) { return rowOf(group, *specs); });
    return RowStream{std::move(rows), std::move(columns)};
}

Result<RowStream> top(const RowStream& from, const StepSpec& step) {
    TM_ASSIGN(const auto place, placeOf(from.columns, step.by));
    auto rows = from.rows.transform([place, n = step.n](const Batch<Row>& batch) {
        auto all = batch.collect();
        const auto first = [place](const Row& a, const Row& b) {
            if (const int order = compareSizes(a.fields[place], b.fields[place]); order != 0)
                return order < 0;
            for (std::size_t i = 0; i < a.fields.size(); ++i)
                if (a.fields[i].text != b.fields[i].text)
                    return a.fields[i].text < b.fields[i].text;
            return false;
        };
        const auto count = static_cast<std::ptrdiff_t>(std::min(n, all.size()));
        std::partial_sort(all.begin(), all.begin() + count, all.end(), first);
        all.resize(static_cast<std::size_t>(count));
        return all;
    });
    return RowStream{std::move(rows), from.columns};
}

Result<RowStream> join(const RowStream& left, const RowStream& right, const StepSpec& step) {
    TM_ASSIGN(const auto leftPlace, placeOf(left.columns, step.on));
    TM_ASSIGN(const auto rightPlace, placeOf(right.columns, step.on));
    std::vector<std::string> columns{step.on};
    for (const auto* side : {&left, &right})
        for (const auto& column : side->columns)
            if (column != step.on) columns.push_back(column);
    TM_TRY(mustDiffer(columns));
    const auto toRow = [leftFields = left.columns.size() - 1,
                        rightFields = right.columns.size() - 1](const auto& both) {
        return joined(both.first, pointerTo(both.second.first), leftFields,
                      pointerTo(both.second.second), rightFields);
    };
    const auto a = byKey(left, leftPlace);
    const auto b = byKey(right, rightPlace);
    switch (step.join) {
        case StepSpec::Join::kLeft: return RowStream{a.leftOuterJoin(b).map(toRow), columns};
        case StepSpec::Join::kRight: return RowStream{a.rightOuterJoin(b).map(toRow), columns};
        case StepSpec::Join::kFull: return RowStream{a.fullOuterJoin(b).map(toRow), columns};
        case StepSpec::Join::kInner: break;
    }
    return RowStream{a.join(b).map(toRow), columns};
}

void appendJsonFields(std::string& out, const std::vector<std::string>& columns, const Row& row) {
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
        if (i != 0) out += ", ";
        if (row.fields[i].kind == Field::Kind::kText) {
            appendJsonBytes(out, columns[i], row.fields[i].text);
        } else {
            appendJsonString(out, columns[i]);
            out += ": " + row.fields[i].text;
        }
    }
}

}  // namespace tidemill::tools
