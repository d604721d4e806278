#include <algorithm>

#include "core/logging.h"
#include "core/suggestion.h"
#include "outputs/sql/database.h"

namespace tidemill::outputs {

using core::ErrorKind;
using core::fail;

std::vector<std::size_t> SqlTable::keyPlaces() const {
    std::vector<std::size_t> places;
    for (const auto& part : key)
        for (std::size_t i = 0; i < columns.size(); ++i)
            if (columns[i].name == part) places.push_back(i);
    return places;
}

core::Result<> SqlTable::check() const {
    const auto wrong = [](const std::string& text) {
        return text.empty() || !wrongText(text).empty();
    };
    if (wrong(name))
        return fail(ErrorKind::kInvalid,
                    "\"" + core::escaped(name, 60) + "\" cannot be the name of a table");
    if (wrong(progressTable))
        return fail(ErrorKind::kInvalid, "\"" + core::escaped(progressTable, 60) +
                                             "\" cannot be the name of the progress table");
    if (name == progressTable)
        return fail(ErrorKind::kInvalid, "table \"" + name +
                                             "\" is where the job's progress is kept; send rows to "
                                             "another");
    std::vector<std::string> names;
    for (const auto& column : columns) {
        if (wrong(column.name))
            return fail(ErrorKind::kInvalid, "\"" + core::escaped(column.name, 60) +
                                                 "\" cannot be the name of a column of table " +
                                                 name);
        if (std::find(names.begin(), names.end(), column.name) != names.end())
            return fail(ErrorKind::kInvalid,
                        "two columns of table " + name + " are called \"" + column.name + "\"");
        names.push_back(column.name);
    }
    if (columns.empty()) return fail(ErrorKind::kInvalid, "table " + name + " gets no columns");
    if (mode == SqlMode::kUpsert && key.empty())
        return fail(ErrorKind::kInvalid,
                    "mode \"upsert\" needs a key: the columns by which rows "
                    "of table " +
                        name + " are found again");
    if (mode != SqlMode::kUpsert && !key.empty())
        return fail(ErrorKind::kInvalid,
                    "a key is of mode \"upsert\", but table " + name + " has another mode");
    if (mode == SqlMode::kReplace && shared)
        return fail(ErrorKind::kInvalid,
                    "mode \"replace\" takes table " + name + " for itself: it cannot be shared");
    for (std::size_t i = 0; i < key.size(); ++i) {
        const auto found = std::find(names.begin(), names.end(), key[i]);
        if (found == names.end())
            return fail(ErrorKind::kInvalid, "key \"" + key[i] + "\" is no column of the rows" +
                                                 core::suggestion(key[i], names));
        if (columns[static_cast<std::size_t>(found - names.begin())].type == SqlType::kJson)
            return fail(ErrorKind::kInvalid,
                        "key \"" + key[i] + "\" is of type json, by which no row can be found");
        if (std::find(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(i), key[i]) !=
            key.begin() + static_cast<std::ptrdiff_t>(i))
            return fail(ErrorKind::kInvalid, "key \"" + key[i] + "\" is named twice");
    }
    return {};
}

std::string rowsOfAnother(const std::string& place, const std::string& other,
                          const std::string& batch, const std::string& owner,
                          const SqlTable& table) {
    return place + ": the table has rows of data directory " + other + ", up to its batch " +
           batch + ", and this directory is " + owner +
           ". Use that directory, or another table, or set shared = true where several jobs write "
           "to it; to begin anew, empty the table and delete what " +
           table.progressTable + " has of it";
}

}  // namespace tidemill::outputs
