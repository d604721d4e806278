#include "rows/schema.h"

#include <set>

#include "core/suggestion.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

Result<Schema> Schema::of(std::vector<ColumnSpec> columns) {
    std::set<std::string_view> seen;
    for (const auto& column : columns)
        if (!seen.insert(column.name).second)
            return fail(ErrorKind::kInvalid, "two fields are named \"" + column.name + "\"");
    Schema schema;
    schema.columns_ = std::move(columns);
    return schema;
}

std::optional<std::size_t> Schema::find(std::string_view name) const {
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (columns_[i].name == name) return i;
    return std::nullopt;
}

Result<std::size_t> Schema::indexOf(std::string_view name) const {
    if (const auto found = find(name)) return *found;
    std::vector<std::string> names;
    for (const auto& column : columns_) names.push_back(column.name);
    return fail(ErrorKind::kInvalid, "there is no field \"" + std::string(name) + "\" here" +
                                         core::suggestion(name, names));
}

std::string Schema::text() const {
    std::string text;
    for (const auto& column : columns_)
        text += (text.empty() ? "" : ", ") + column.name + " " + toString(column.type);
    return text;
}

}  // namespace tidemill::rows
