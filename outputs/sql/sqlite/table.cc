#include "outputs/sql/sqlite/table.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "core/suggestion.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;

constexpr std::int64_t kFirstTime = -62'167'219'200'000'000;  // 0000-01-01T00:00:00Z
constexpr std::int64_t kLastTime = 253'402'300'799'999'999;   // 9999-12-31T23:59:59.999999Z

const char* nameOfMade(SqlType type) {
    switch (type) {
        case SqlType::kInt: return "INTEGER";
        case SqlType::kFloat: return "REAL";
        case SqlType::kBool: return "BOOLEAN";
        default: return "TEXT";
    }
}

// SQLite's rules, of what a declared type makes of values (https://sqlite.org/datatype3.html, 3.1).
enum class Affinity { kInteger, kText, kNone, kReal, kNumeric };

Affinity affinityOf(std::string type) {
    for (char& c : type)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    const auto has = [&](const char* part) { return type.find(part) != type.npos; };
    if (has("INT")) return Affinity::kInteger;
    if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::kText;
    if (type.empty() || has("BLOB")) return Affinity::kNone;
    if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::kReal;
    return Affinity::kNumeric;
}

// A column keeps a value as it is.
std::optional<SqliteForm> formFor(SqlType type, Affinity affinity) {
    const bool isNone = affinity == Affinity::kNone;
    switch (type) {
        case SqlType::kInt:
        case SqlType::kBool:
            if (affinity == Affinity::kInteger || affinity == Affinity::kNumeric || isNone)
                return SqliteForm::kInteger;
            break;
        case SqlType::kFloat:
            if (affinity == Affinity::kReal || isNone) return SqliteForm::kReal;
            break;
        case SqlType::kText:
        case SqlType::kJson:
            if (affinity == Affinity::kText || isNone) return SqliteForm::kText;
            break;
        case SqlType::kTime:
            if (affinity == Affinity::kInteger) return SqliteForm::kInteger;
            if (affinity != Affinity::kReal) return SqliteForm::kTimeText;
            break;
    }
    return std::nullopt;
}

const char* namesOf(SqlType type) {
    switch (type) {
        case SqlType::kInt: return "INTEGER";
        case SqlType::kBool: return "BOOLEAN or INTEGER";
        case SqlType::kFloat: return "REAL";
        case SqlType::kTime: return "TEXT or INTEGER";
        default: return "TEXT";
    }
}

struct Found {
    std::string type;
    Affinity affinity = Affinity::kNone;
    bool isRequired = false, hasDefault = false, isGenerated = false;
};

class Opening {
public:
    Opening(SqliteConnection& connection, const SqlTable& wanted, const std::string& place)
        : connection_(connection), wanted_(wanted), place_(place) {}

    SqlResult<SqliteTable> open() {
        auto found = look();
        if (!found) return tl::unexpected(found.error());
        if (!*found && wanted_.create) {
            std::string made = statement();
            made.insert(std::string("create table").size(), " if not exists");
            if (auto ran = connection_.run(made); !ran) return tl::unexpected(ran.error());
            found = look();
            if (!found) return tl::unexpected(found.error());
        }
        if (!*found)
            return refused(ErrorKind::kNotFound,
                           place_ + ": the table does not exist; make it, or set create = true: " +
                               statement());
        if (auto compared = compare(); !compared) return tl::unexpected(compared.error());
        return std::move(table_);
    }

private:
    SqlResult<bool> look() {
        auto asked =
            connection_.prepare("select name, type from sqlite_schema where lower(name) = lower(" +
                                sqliteText(wanted_.name) + ") and type in ('table', 'view')");
        if (!asked) return tl::unexpected(asked.error());
        const auto row = (*asked)->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return false;
        table_.name = (*asked)->text(0);
        if ((*asked)->text(1) != "table")
            return refused(ErrorKind::kInvalid, place_ + ": this is a view, and no table");
        return true;
    }

    std::string statement() const {
        std::string text = "create table " + sqliteName(wanted_.name) + " (", keys;
        for (std::size_t i = 0; i < wanted_.columns.size(); ++i)
            text += (i == 0 ? "" : ", ") + sqliteName(wanted_.columns[i].name) + " " +
                    nameOfMade(wanted_.columns[i].type);
        for (const auto& name : wanted_.key) keys += (keys.empty() ? "" : ", ") + sqliteName(name);
        if (!keys.empty()) text += ", primary key (" + keys + ")";
        return text + ")";
    }

    SqlResult<std::map<std::string, Found>> columns() {
        auto asked = connection_.prepare(
            "select name, type, \"notnull\", dflt_value is not null, hidden from "
            "pragma_table_xinfo(" +
            sqliteText(table_.name) + ")");
        if (!asked) return tl::unexpected(asked.error());
        std::map<std::string, Found> found;
        while (true) {
            const auto row = (*asked)->step();
            if (!row) return tl::unexpected(row.error());
            if (!*row) return found;
            Found one;
            one.type = (*asked)->text(1);
            one.affinity = affinityOf(one.type);
            one.isRequired = (*asked)->number(2) != 0;
            one.hasDefault = (*asked)->number(3) != 0;
            one.isGenerated = (*asked)->number(4) > 1;
            found.emplace((*asked)->text(0), std::move(one));
        }
    }

    // All that is wrong with the columns, in one message.
    SqlResult<> compare() {
        auto found = columns();
        if (!found) return tl::unexpected(found.error());
        std::vector<std::string> names;
        for (const auto& [name, column] : *found) names.push_back(name);
        std::string wrong;
        const auto add = [&](const std::string& what) {
            wrong += (wrong.empty() ? "" : "; ") + what;
        };
        for (const auto& column : wanted_.columns) {
            const auto there = found->find(column.name);
            const std::string ours =
                "the rows have \"" + column.name + "\" of type " + toString(column.type);
            if (there == found->end()) {
                add(ours + ", the table has no such column" + core::suggestion(column.name, names));
                continue;
            }
            const auto& theirs = there->second;
            const auto form = formFor(column.type, theirs.affinity);
            if (!form)
                add(ours + ", the table has it of type " + theirs.type + " and must have " +
                    namesOf(column.type));
            if (theirs.isGenerated) add(ours + ", which the table generates itself");
            table_.columns.push_back({form.value_or(SqliteForm::kText), theirs.isRequired});
            found->erase(there);
        }
        for (const auto& [name, column] : *found)
            if (column.isRequired && !column.hasDefault && !column.isGenerated)
                add("the table has \"" + name + "\" of type " + column.type +
                    " not null without a default, the rows have no such column");
        if (wrong.empty()) return {};
        return refused(ErrorKind::kInvalid, place_ + ": table and rows do not fit: " + wrong);
    }

    SqliteConnection& connection_;
    const SqlTable& wanted_;
    const std::string& place_;
    SqliteTable table_;
};

std::string wrongWith(const SqliteColumn& column, const SqlCell& cell) {
    if (cell.isNull)
        return column.isRequired ? "is null, and the table's column is not null" : std::string();
    switch (column.form) {
        case SqliteForm::kReal:
            return std::isnan(cell.real) ? "is NaN, which SQLite would keep as null" : "";
        case SqliteForm::kText: return std::string(wrongText(cell.text));
        case SqliteForm::kTimeText:
            if (cell.integer >= kFirstTime && cell.integer <= kLastTime) return {};
            return "lies outside of the years 0 to 9999, which SQLite's times have";
        case SqliteForm::kInteger: break;
    }
    return {};
}

}  // namespace

SqlResult<SqliteTable> openSqliteTable(SqliteConnection& connection, const SqlTable& wanted,
                                       const std::string& place) {
    return Opening(connection, wanted, place).open();
}

std::string refusalOf(const std::vector<SqlColumn>& names, const std::vector<SqliteColumn>& columns,
                      SqlRow row) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (auto wrong = wrongWith(columns[i], row[i]); !wrong.empty())
            return names[i].name + " " + wrong;
    return {};
}

std::string sqliteTime(std::int64_t micros) {
    using namespace std::chrono;
    const sys_time<microseconds> time{microseconds(micros)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const auto left = (time - day).count();
    char text[128];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02lld:%02lld:%02lld.%06lldZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<long long>(left / 3'600'000'000),
                  static_cast<long long>(left / 60'000'000 % 60),
                  static_cast<long long>(left / 1'000'000 % 60),
                  static_cast<long long>(left % 1'000'000));
    return text;
}

}  // namespace tidemill::outputs
