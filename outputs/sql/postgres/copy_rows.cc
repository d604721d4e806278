#include "outputs/sql/postgres/copy_rows.h"

#include <bit>
#include <limits>

#include "core/big_endian.h"

namespace tidemill::outputs {
namespace {

constexpr std::int64_t kMicrosTo2000 = 946'684'800'000'000;
// 4714-11-24 BC, from 2000 on: the first time that the server has.
constexpr std::int64_t kFirstTime = -211'813'488'000'000'000;

void append(std::string& out, std::int64_t value) {
    core::appendBigEndian(static_cast<std::uint64_t>(value), out);
}
void append(std::string& out, std::int32_t value) {
    core::appendBigEndian(static_cast<std::uint32_t>(value), out);
}
void append(std::string& out, std::int16_t value) {
    core::appendBigEndian(static_cast<std::uint16_t>(value), out);
}

template <class T>
void appendNumber(std::string& out, T value) {
    append(out, static_cast<std::int32_t>(sizeof value));
    append(out, value);
}

void appendBytes(std::string& out, std::string_view bytes) {
    append(out, static_cast<std::int32_t>(bytes.size()));
    out += bytes;
}

void appendCell(std::string& out, PgForm form, const SqlCell& cell) {
    switch (form) {
        case PgForm::kInt2: return appendNumber(out, static_cast<std::int16_t>(cell.integer));
        case PgForm::kInt4: return appendNumber(out, static_cast<std::int32_t>(cell.integer));
        case PgForm::kInt8: return appendNumber(out, cell.integer);
        case PgForm::kFloat8: return appendNumber(out, std::bit_cast<std::int64_t>(cell.real));
        case PgForm::kBool:
            return appendBytes(out, cell.integer != 0 ? "\1" : std::string_view("\0", 1));
        case PgForm::kText: return appendBytes(out, cell.text);
        case PgForm::kJsonb:
            append(out, static_cast<std::int32_t>(cell.text.size() + 1));
            out += '\1';  // the version
            out += cell.text;
            return;
        case PgForm::kTimestamptz: return appendNumber(out, cell.integer - kMicrosTo2000);
    }
}

template <class T>
bool isIn(std::int64_t value) {
    return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

std::string outOfRange(std::int64_t value, const char* type) {
    return std::to_string(value) + " does not fit into a column of type " + type;
}

// "\u0000" in JSON is a NUL in jsonb.
bool hasNulEscape(std::string_view json) {
    for (auto at = json.find("\\u0000"); at != json.npos; at = json.find("\\u0000", at + 1)) {
        std::size_t backslashes = 0;
        while (backslashes < at && json[at - 1 - backslashes] == '\\') ++backslashes;
        if (backslashes % 2 == 0) return true;
    }
    return false;
}

std::string wrongWith(const PgColumn& column, const SqlCell& cell) {
    if (cell.isNull)
        return column.isRequired ? "is null, and the table's column is not null" : std::string();
    switch (column.form) {
        case PgForm::kInt2:
            return isIn<std::int16_t>(cell.integer) ? "" : outOfRange(cell.integer, "smallint");
        case PgForm::kInt4:
            return isIn<std::int32_t>(cell.integer) ? "" : outOfRange(cell.integer, "integer");
        case PgForm::kTimestamptz:
            if (cell.integer >= kFirstTime + kMicrosTo2000) return {};
            return "lies before the first time that PostgreSQL has, 4714 BC";
        case PgForm::kJsonb:
            if (hasNulEscape(cell.text)) return "holds \\u0000, which jsonb cannot";
            [[fallthrough]];
        case PgForm::kText: {
            if (const auto wrong = wrongText(cell.text); !wrong.empty()) return std::string(wrong);
            if (column.charactersMax == 0 ||
                static_cast<std::int64_t>(cell.text.size()) <= column.charactersMax)
                return {};
            std::int64_t characters = 0;
            for (const char c : cell.text)
                characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            if (characters <= column.charactersMax) return {};
            return "has " + std::to_string(characters) +
                   " characters, and the table's column takes " +
                   std::to_string(column.charactersMax);
        }
        default: return {};
    }
}

}  // namespace

void appendCopyRow(std::string& out, const std::vector<PgColumn>& columns, SqlRow row,
                   const std::int64_t* ordinal) {
    append(out, static_cast<std::int16_t>(columns.size() + (ordinal != nullptr ? 1 : 0)));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (row[i].isNull) append(out, std::int32_t{-1});
        else appendCell(out, columns[i].form, row[i]);
    }
    if (ordinal != nullptr) appendNumber(out, *ordinal);
}

std::string refusalOf(const std::vector<SqlColumn>& names, const std::vector<PgColumn>& columns,
                      SqlRow row) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (auto wrong = wrongWith(columns[i], row[i]); !wrong.empty())
            return names[i].name + " " + wrong;
    return {};
}

}  // namespace tidemill::outputs
