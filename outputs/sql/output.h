// Batches as rows of a database's table. What it takes is set by PostgresOutputOptions and
// SqliteOutputOptions.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "core/format.h"
#include "core/graph.h"
#include "outputs/sql/options.h"
#include "outputs/sql/row.h"

namespace tidemill::outputs {

// What is wrong with the options, which a start would refuse. Errors: kInvalid.
core::Result<> checkPostgres(const PostgresOutputOptions& options,
                             const std::vector<SqlColumn>& columns);
core::Result<> checkPostgresConnection(const std::string& connection);
core::Result<> checkSqlite(const SqliteOutputOptions& options,
                           const std::vector<SqlColumn>& columns);

void addPostgresOutput(core::Graph& graph, const PostgresOutputOptions& options, SqlRows rows);
void addSqliteOutput(core::Graph& graph, const SqliteOutputOptions& options, SqlRows rows);

namespace sql_detail {

template <class T>
struct Unwrapped {
    using type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
    using type = T;
};

template <class T>
inline constexpr bool isTime = false;
template <class D>
inline constexpr bool isTime<std::chrono::time_point<std::chrono::system_clock, D>> = true;

template <class T>
constexpr std::optional<SqlType> typeOf() {
    using Value = typename Unwrapped<T>::type;
    if constexpr (std::is_same_v<Value, bool>) return SqlType::kBool;
    else if constexpr (std::is_floating_point_v<Value>) return SqlType::kFloat;
    else if constexpr (std::is_integral_v<Value> && (sizeof(Value) < 8 || std::is_signed_v<Value>))
        return SqlType::kInt;
    else if constexpr (std::is_convertible_v<const Value&, std::string_view>) return SqlType::kText;
    else if constexpr (isTime<Value>) return SqlType::kTime;
    else return std::nullopt;
}

template <class T>
void fill(SqlCell& cell, const T& value) {
    cell.isNull = false;
    if constexpr (core::format_detail::isOptional<T>) {
        if (value) fill(cell, *value);
        else cell.isNull = true;
    } else if constexpr (std::is_floating_point_v<T>) {
        cell.real = static_cast<double>(value);
    } else if constexpr (std::is_integral_v<T>) {
        cell.integer = static_cast<std::int64_t>(value);
    } else if constexpr (isTime<T>) {
        cell.integer =
            std::chrono::floor<std::chrono::microseconds>(value.time_since_epoch()).count();
    } else {
        cell.text = value;
    }
}

template <class T>
constexpr bool isPart() {
    return typeOf<std::decay_t<T>>().has_value();
}

template <class T>
constexpr bool isRow() {
    if constexpr (core::format_detail::TupleLike<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (isPart<std::tuple_element_t<I, T>>() && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else {
        return isPart<T>();
    }
}

}  // namespace sql_detail

// Whole numbers (of 64 bits: with a sign), floating point, bool, text, times of the system clock,
// and std::optional of them, which may be null; alone, or as the parts of a pair or tuple.
template <class T>
concept SqlRowLike = sql_detail::isRow<T>();

// The rows of a stream; a name for each part. Throws std::invalid_argument: other names.
template <SqlRowLike T>
SqlRows sqlRows(std::shared_ptr<core::StreamNode<T>> node, const std::vector<std::string>& names) {
    SqlRows rows;
    const auto add = [&]<class Part>(std::type_identity<Part>) {
        const auto place = rows.columns.size();
        rows.columns.push_back({place < names.size() ? names[place] : std::string(),
                                *sql_detail::typeOf<std::decay_t<Part>>()});
    };
    if constexpr (core::format_detail::TupleLike<T>) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (add(std::type_identity<std::tuple_element_t<I, T>>()), ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else {
        add(std::type_identity<T>());
    }
    if (names.size() != rows.columns.size())
        throw std::invalid_argument("the elements of the stream have " +
                                    std::to_string(rows.columns.size()) + " parts, and " +
                                    std::to_string(names.size()) + " columns are named");
    node->require();
    rows.isActive = [slide = node->slide()](const core::BatchRun& run) {
        return run.isActive(slide);
    };
    rows.scan = [node = std::move(node), count = names.size()](
                    core::BatchRun& run, const std::function<void(SqlRow)>& send) {
        std::vector<SqlCell> cells(count);
        Batch<T>(*node, run).forEach([&](const T& element) {
            if constexpr (core::format_detail::TupleLike<T>) {
                std::size_t place = 0;
                std::apply(
                    [&](const auto&... parts) { (sql_detail::fill(cells[place++], parts), ...); },
                    element);
            } else {
                sql_detail::fill(cells[0], element);
            }
            send(cells);
        });
    };
    return rows;
}

}  // namespace tidemill::outputs
