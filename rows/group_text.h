// Stored groups as people see and name them: columns by name, keys as text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rows/group_layout.h"

namespace tidemill::rows {

// The rows of a state table whose signature names the columns of groups.
// Thread safety: worker-confined.
class GroupText {
public:
    // Null for tables of another kind.
    static std::unique_ptr<GroupText> of(const std::string& signature);
    ~GroupText();

    // `"path": "/", "n": 3`. Errors: kCorrupt.
    core::Result<std::string> json(std::string_view key, std::string_view value);
    // "/" TAB "n=3". Columns of a key have commas between them; commas and backslashes in them have
    // a backslash before them, null is \N. Errors: kCorrupt.
    core::Result<std::string> line(std::string_view key, std::string_view value);

    // The bytes of a key as line() shows it, or of NAME=VALUE for each of its columns in any order.
    // Errors: kInvalid, no such key; the message names the column and the value.
    core::Result<std::string> key(const std::string& text) const;

private:
    struct Row;
    explicit GroupText(std::shared_ptr<const GroupLayout> layout, bool isOfTwo);
    core::Result<> read(std::string_view key, std::string_view value);

    std::shared_ptr<const GroupLayout> layout_;
    const bool isOfTwo_;  // the row is of a window in two parts
    std::unique_ptr<Row> row_;
};

}  // namespace tidemill::rows
