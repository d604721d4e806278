#include "outputs/sql/postgres/table.h"

#include <algorithm>
#include <map>

#include "core/suggestion.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;

// Of pg_type, as built into every server.
enum Oid : std::int64_t {
    kBool = 16,
    kInt8 = 20,
    kInt2 = 21,
    kInt4 = 23,
    kText = 25,
    kJson = 114,
    kFloat8 = 701,
    kVarchar = 1043,
    kTimestamptz = 1184,
    kJsonb = 3802,
};
constexpr std::int64_t kLengthHeader = 4;  // of the modifier of varchar(n)
constexpr std::int64_t kMicroDigits = 6;   // of timestamptz(p)

const char* nameOfMade(SqlType type) {
    switch (type) {
        case SqlType::kInt: return "bigint";
        case SqlType::kFloat: return "double precision";
        case SqlType::kBool: return "boolean";
        case SqlType::kText: return "text";
        case SqlType::kTime: return "timestamp with time zone";
        case SqlType::kJson: return "json";
    }
    return "text";
}

// What a column of the rows can be kept in.
const char* namesOf(SqlType type) {
    switch (type) {
        case SqlType::kInt: return "bigint, integer or smallint";
        case SqlType::kFloat: return "double precision";
        case SqlType::kBool: return "boolean";
        case SqlType::kText: return "text or character varying";
        case SqlType::kTime: return "timestamp with time zone";
        case SqlType::kJson: return "json, jsonb or text";
    }
    return "text";
}

// A column as the server has it.
struct Found {
    std::string type;  // "character varying(20)"
    std::int64_t oid = 0, modifier = -1;
    bool isRequired = false, hasDefault = false, isGenerated = false, isAlwaysIdentity = false;
    bool isDeterministic = true;
};

std::optional<PgForm> formFor(SqlType type, const Found& found) {
    switch (type) {
        case SqlType::kInt:
            if (found.oid == kInt8) return PgForm::kInt8;
            if (found.oid == kInt4) return PgForm::kInt4;
            if (found.oid == kInt2) return PgForm::kInt2;
            break;
        case SqlType::kFloat:
            if (found.oid == kFloat8) return PgForm::kFloat8;
            break;
        case SqlType::kBool:
            if (found.oid == kBool) return PgForm::kBool;
            break;
        case SqlType::kJson:
            if (found.oid == kJsonb) return PgForm::kJsonb;
            if (found.oid == kJson) return PgForm::kText;
            [[fallthrough]];
        case SqlType::kText:
            if (found.oid == kText || found.oid == kVarchar) return PgForm::kText;
            break;
        case SqlType::kTime:
            // One with fewer digits would round.
            if (found.oid == kTimestamptz &&
                (found.modifier == -1 || found.modifier == kMicroDigits))
                return PgForm::kTimestamptz;
            break;
    }
    return std::nullopt;
}

class Opening {
public:
    Opening(PgConnection& connection, const SqlTable& wanted, const std::string& place)
        : connection_(connection), wanted_(wanted), place_(place) {}

    SqlResult<PgTable> open() {
        auto found = look();
        if (!found) return tl::unexpected(found.error());
        if (!*found && wanted_.create) {
            const auto made = connection_.run(statement());
            // Somebody else was quicker.
            const bool isThere =
                !made && made.error().error.message.find("42P07") != std::string::npos;
            if (!made && !isThere) return tl::unexpected(made.error());
            found = look();
            if (!found) return tl::unexpected(found.error());
        }
        if (!*found)
            return refused(ErrorKind::kNotFound,
                           place_ + ": the table does not exist; make it, or set create = true: " +
                               statement());
        if (auto compared = compare(); !compared) return tl::unexpected(compared.error());
        if (auto permitted = permit(); !permitted) return tl::unexpected(permitted.error());
        if (wanted_.mode == SqlMode::kUpsert) {
            if (auto unique = findUnique(); !unique) return tl::unexpected(unique.error());
        }
        return std::move(table_);
    }

private:
    // Whether it is there.
    SqlResult<bool> look() {
        const auto asked = connection_.literal(quotedPgName(connection_, wanted_.name));
        auto result = connection_.run(
            "select c.oid, n.nspname, c.relname, c.relkind, d.oid, "
            "(select system_identifier from pg_control_system()) "
            "from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_database d "
            "where c.oid = to_regclass(" +
            asked + ") and d.datname = current_database()");
        if (!result) return tl::unexpected(result.error());
        if (PQntuples(result->get()) == 0) return false;
        const auto kind = field(*result, 0, 3);
        oid_ = field(*result, 0, 0);
        table_.name = std::string(field(*result, 0, 1)) + "." + std::string(field(*result, 0, 2));
        table_.quoted =
            connection_.name(field(*result, 0, 1)) + "." + connection_.name(field(*result, 0, 2));
        table_.id = "PostgreSQL " + std::string(field(*result, 0, 5)) + " " +
                    std::string(field(*result, 0, 4)) + " " + oid_;
        if (kind != "r" && kind != "p")
            return refused(ErrorKind::kInvalid,
                           place_ + ": this is no table (relkind " + std::string(kind) + ")");
        return true;
    }

    std::string statement() const {
        std::string text = "create table " + quotedPgName(connection_, wanted_.name) + " (";
        for (std::size_t i = 0; i < wanted_.columns.size(); ++i)
            text += (i == 0 ? "" : ", ") + connection_.name(wanted_.columns[i].name) + " " +
                    nameOfMade(wanted_.columns[i].type);
        if (!wanted_.key.empty()) text += ", primary key (" + keyList() + ")";
        return text + ")";
    }

    std::string keyList() const {
        std::string text;
        for (const auto& name : wanted_.key)
            text += (text.empty() ? "" : ", ") + connection_.name(name);
        return text;
    }

    SqlResult<std::map<std::string, Found>> columns() {
        auto result = connection_.run(
            "select a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::bigint, "
            "a.atttypmod, a.attnotnull, a.atthasdef, a.attgenerated <> '', a.attidentity, "
            "coalesce(c.collisdeterministic, true) from pg_attribute a "
            "left join pg_collation c on c.oid = a.attcollation where a.attrelid = " +
            oid_ + " and a.attnum > 0 and not a.attisdropped");
        if (!result) return tl::unexpected(result.error());
        std::map<std::string, Found> found;
        for (int row = 0; row < PQntuples(result->get()); ++row) {
            const auto is = [&](int column) { return field(*result, row, column) == "t"; };
            Found one;
            one.type = field(*result, row, 1);
            one.oid = numberIn(*result, row, 2);
            one.modifier = numberIn(*result, row, 3);
            one.isRequired = is(4);
            const auto identity = field(*result, row, 7);
            one.hasDefault = is(5) || !identity.empty();
            one.isGenerated = is(6);
            one.isAlwaysIdentity = identity == "a";
            one.isDeterministic = is(8);
            found.emplace(field(*result, row, 0), std::move(one));
        }
        return found;
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
        table_.columns.clear();
        for (const auto& column : wanted_.columns) {
            const auto there = found->find(column.name);
            const std::string ours =
                "the rows have \"" + column.name + "\" of type " + toString(column.type);
            if (there == found->end()) {
                add(ours + ", the table has no such column" + core::suggestion(column.name, names));
                continue;
            }
            const auto& theirs = there->second;
            const auto form = formFor(column.type, theirs);
            if (!form)
                add(ours + ", the table has it of type " + theirs.type + " and must have " +
                    namesOf(column.type));
            if (theirs.isGenerated || theirs.isAlwaysIdentity)
                add(ours + ", which the table generates itself");
            PgColumn made;
            made.form = form.value_or(PgForm::kText);
            made.isRequired = theirs.isRequired;
            if (theirs.oid == kVarchar && theirs.modifier > kLengthHeader)
                made.charactersMax = theirs.modifier - kLengthHeader;
            made.isComparedByBytes = theirs.isDeterministic;
            table_.columns.push_back(made);
            found->erase(there);
        }
        for (const auto& [name, column] : *found)
            if (column.isRequired && !column.hasDefault && !column.isGenerated)
                add("the table has \"" + name + "\" of type " + column.type +
                    " not null without a default, the rows have no such column");
        if (wrong.empty()) return {};
        return refused(ErrorKind::kInvalid, place_ + ": table and rows do not fit: " + wrong);
    }

    SqlResult<> permit() {
        const char* const wanted = wanted_.mode == SqlMode::kAppend    ? "INSERT"
                                   : wanted_.mode == SqlMode::kReplace ? "INSERT, DELETE"
                                                                       : "INSERT, UPDATE, SELECT";
        std::string text = "select ";
        for (const std::string right : {"INSERT", "UPDATE", "SELECT", "DELETE"}) {
            if (std::string(wanted).find(right) == std::string::npos) continue;
            text += (text == "select " ? "" : " and ") +
                    std::string(right == "DELETE" ? "has_table_privilege("
                                                  : "has_any_column_privilege(") +
                    oid_ + "::oid, '" + right + "')";
        }
        auto result = connection_.run(text + ", current_user");
        if (!result) return tl::unexpected(result.error());
        if (field(*result, 0, 0) == "t") return {};
        return refused(ErrorKind::kInvalid, place_ + ": user " + std::string(field(*result, 0, 1)) +
                                                " needs " + wanted + " on " + table_.name);
    }

    SqlResult<> findUnique() {
        std::string names;
        for (const auto& name : wanted_.key)
            names += (names.empty() ? "" : ", ") + connection_.literal(name);
        auto result = connection_.run(
            "select 1 from pg_index i where i.indrelid = " + oid_ +
            " and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null "
            "and i.indexprs is null and "
            "(select array_agg(a.attname::text collate \"C\" order by a.attname::text collate "
            "\"C\") from pg_attribute a where a.attrelid = i.indrelid and "
            "a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])) = "
            "(select array_agg(k collate \"C\" order by k collate \"C\") from unnest(array[" +
            names + "]::text[]) k)");
        if (!result) return tl::unexpected(result.error());
        if (PQntuples(result->get()) != 0) return {};
        return refused(ErrorKind::kInvalid,
                       place_ + ": mode \"upsert\" needs a unique index on the key, and " +
                           table_.name + " has none: create unique index on " + table_.quoted +
                           " (" + keyList() + ")");
    }

    PgConnection& connection_;
    const SqlTable& wanted_;
    const std::string& place_;
    std::string oid_;
    PgTable table_;
};

}  // namespace

SqlResult<PgTable> openPgTable(PgConnection& connection, const SqlTable& wanted,
                               const std::string& place) {
    return Opening(connection, wanted, place).open();
}

std::string quotedPgName(const PgConnection& connection, const std::string& name) {
    const auto dot = name.find('.');
    if (dot == name.npos) return connection.name(name);
    return connection.name(name.substr(0, dot)) + "." + connection.name(name.substr(dot + 1));
}

}  // namespace tidemill::outputs
