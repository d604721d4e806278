// The names and types of a stream's columns, known before the job starts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "rows/type.h"

namespace tidemill::rows {

struct ColumnSpec {
    std::string name;
    Type type = Type::kText;
    // A text or JSON value that nobody gave a type: sum, avg, min, max and top take it for a
    // number.
    bool isLoose = false;
    bool operator==(const ColumnSpec&) const = default;
};

// Names differ. Thread safety: immutable once a stream has it.
class Schema {
public:
    Schema() = default;
    // Errors: kInvalid, two columns of one name.
    static core::Result<Schema> of(std::vector<ColumnSpec> columns);

    std::size_t size() const { return columns_.size(); }
    const ColumnSpec& operator[](std::size_t i) const { return columns_[i]; }
    const std::vector<ColumnSpec>& columns() const { return columns_; }

    std::optional<std::size_t> find(std::string_view name) const;
    // Errors: kInvalid, 'there is no field "nam" here; did you mean "name"?'.
    core::Result<std::size_t> indexOf(std::string_view name) const;

    // "path text, n int": of `--check`, of messages and of signatures of stored state.
    std::string text() const;

    bool operator==(const Schema&) const = default;

private:
    std::vector<ColumnSpec> columns_;
};

}  // namespace tidemill::rows
