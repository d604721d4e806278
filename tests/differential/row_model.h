// A naive row engine to compare job files with: every stream is its whole history of rows, and
// every batch is computed anew from plain vectors and maps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "rows/type.h"

namespace tidemill::rows::test {

// Null, or a value of a field's type. Times are microseconds, of kTimes.
using Cell = std::variant<std::monostate, std::int64_t, double, bool, std::string>;
using Cells = std::vector<Cell>;

inline bool isNull(const Cell& cell) { return cell.index() == 0; }

// The times that come up, with their texts.
struct NamedTime {
    std::int64_t micros;
    const char* text;
};
inline constexpr NamedTime kTimes[] = {{-1, "1969-12-31T23:59:59.999999Z"},
                                       {0, "1970-01-01T00:00:00Z"},
                                       {1709209859000000, "2024-02-29T12:30:59Z"},
                                       {1709209859500000, "2024-02-29T12:30:59.500Z"},
                                       {1735689600000000, "2025-01-01T00:00:00Z"}};

struct Field {
    std::string name;
    Type type = Type::kInt;
};

// Batches lie one tick, one second, apart; tick 0 is the zero time.
inline constexpr std::int64_t kTickMillis = 1000;

// A stream's batches, by tick; no entry: it has no batch then.
using RowHistory = std::map<std::int64_t, std::vector<Cells>>;

struct NaiveStream {
    std::string name;
    std::vector<Field> fields;
    std::int64_t slide = 1;  // in ticks
    bool ordered = true;     // its rows come in the order of the history
    RowHistory history;
};

// One value in one spelling, of a field's value as of what a line of JSON says: floats to nine
// digits, as what was summed in another order agrees to.
std::string spelling(const Cell& cell, Type type);
std::string spelling(const Cells& row, const std::vector<Field>& fields);

// The order of values: NaN behind all numbers. Neither is null.
bool isLess(const Cell& a, const Cell& b);
bool isSame(const Cell& a, const Cell& b);
// The order of keys in sets and maps: null is a value of its own, first.
struct CellsLess {
    bool operator()(const Cells& a, const Cells& b) const;
};

// A record that a step can make nothing of.
struct RowFails {};

// What steps are drawn from.
struct Draw {
    std::mt19937& random;
    const std::vector<std::int64_t>& ticks;  // of all batches that run
    std::map<std::string, long>& counts;
    int& names;  // drawn so far: names are not drawn twice

    std::int64_t number(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    }
    bool oneIn(std::int64_t n) { return number(1, n) == 1; }
    template <class List>
    auto& one(const List& list) {
        return list[static_cast<std::size_t>(
            number(0, static_cast<std::int64_t>(std::size(list)) - 1))];
    }
    std::string name(const char* stem) { return stem + std::to_string(++names); }
};

// An expression as SQL has it, and what it is of a row; throws RowFails.
struct DrawnExpression {
    std::string sql;
    Type type = Type::kInt;
    std::function<Cell(const Cells&)> of;
};
// Of these fields; its constants too stand beside a field.
DrawnExpression drawExpression(Draw& draw, const std::vector<Field>& fields, Type type, int depth);
bool hasType(const std::vector<Field>& fields, Type type);

// A step as the job file says it (without its name), and the stream that it makes.
struct DrawnStep {
    std::string kind;
    std::string toml;
    NaiveStream made;
};
// Of two streams; kinds that take one look at the first alone. None: the kind does not fit them.
using DrawStep = std::optional<DrawnStep> (*)(Draw& draw, const NaiveStream& from,
                                              const NaiveStream& with);
struct StepKind {
    const char* name;
    DrawStep draw;
};
std::vector<StepKind> narrowSteps();
std::vector<StepKind> groupSteps();
std::vector<StepKind> mixingSteps();
std::vector<StepKind> sqlSteps();

// One function of an aggregation: its call in a job file and in SQL, and what it is of the rows of
// a group. Throws RowFails where the group's row is an error.
struct DrawnFunction {
    Field field;
    std::string call;
    std::string sql;
    std::function<Cell(const std::vector<Cells>&)> of;
};
DrawnFunction drawFunction(Draw& draw, const NaiveStream& from);

// Groups of these key places and functions, in each batch; of a window, or for ever.
struct Grouping {
    std::vector<std::size_t> key;
    std::vector<DrawnFunction> functions;
    std::int64_t window = 0;  // in ticks; 0: of each batch
    std::int64_t slide = 0;
    bool running = false;
    std::int64_t ttl = 0;  // in ticks; 0: none
};
NaiveStream grouped(const NaiveStream& from, const Grouping& how,
                    const std::vector<std::int64_t>& ticks);
Grouping drawGrouping(Draw& draw, const NaiveStream& from);

// `each` of every row that does not fail; none of it: the row is left out.
RowHistory eachRow(const RowHistory& history,
                   const std::function<std::optional<Cells>(const Cells&)>& each);
// The rows for which a condition is true.
RowHistory kept(const RowHistory& history, const DrawnExpression& condition);

// 'text' in TOML, whatever quotes of SQL it has; at most two in a row.
inline std::string tomlText(const std::string& text) { return "'''" + text + "'''"; }

}  // namespace tidemill::rows::test
