#include <pg_query.h>

#include <algorithm>
#include <memory>

#include "core/format.h"
#include "rows/sql/tree.h"

namespace tidemill::rows::sql {

using core::ErrorKind;
using core::fail;
using core::Result;

const Json& member(const Json& object, const char* key) {
    static const Json kNone;
    const auto found = object.find(key);
    return found == object.end() ? kNone : *found;
}

std::string text(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_string() ? value.get<std::string>() : "";
}

bool flag(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

Result<Json> selectStatement(const SqlText& sql, std::string_view prefix) {
    const std::string_view text = sql.text();
    if (text.size() > kSqlBytesMax)
        return fail(ErrorKind::kInvalid, "SQL of " + std::to_string(text.size()) +
                                             " bytes; at most " + std::to_string(kSqlBytesMax) +
                                             " are read");
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = core::utf8SequenceLength(text.substr(i));
        if (length == 0 || text[i] == '\0')
            return sql.fail(i,
                            "a byte that is not UTF-8 text; write bytes in a regular expression "
                            "as \\xNN");
        i += length;
    }
    const std::string whole = std::string(prefix) + std::string(text);
    const std::unique_ptr<PgQueryParseResult, void (*)(PgQueryParseResult*)> parsed(
        new PgQueryParseResult(pg_query_parse(whole.c_str())), [](PgQueryParseResult* result) {
            pg_query_free_parse_result(*result);
            delete result;
        });
    if (parsed->error != nullptr) {
        // The parser counts characters from 1; so far as the prefix goes these are bytes.
        std::size_t at = kNowhere;
        if (const int cursor = parsed->error->cursorpos; cursor > 0) {
            at = 0;
            const auto isBegin = [&](std::size_t i) {
                return (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
            };
            for (std::size_t left = static_cast<std::size_t>(cursor) - 1 -
                                    std::min(prefix.size(), static_cast<std::size_t>(cursor) - 1);
                 left > 0 && at < text.size(); --left) {
                ++at;
                while (at < text.size() && !isBegin(at)) ++at;
            }
        }
        return sql.fail(at, parsed->error->message);
    }
    // The text is UTF-8, but an escape in it may have made other bytes.
    Json tree = Json::parse(parsed->parse_tree, nullptr, false);
    if (tree.is_discarded())
        return fail(ErrorKind::kInvalid,
                    "the parser's answer cannot be read; is there an escape "
                    "that is no UTF-8?");
    Json& statements = tree["stmts"];
    if (!statements.is_array() || statements.empty())
        return fail(ErrorKind::kInvalid, "there is no SQL in \"" + std::string(text) + "\"");
    if (statements.size() > 1) {
        const auto at = statements[1].value("stmt_location", std::size_t{0});
        return sql.fail(at - std::min(at, prefix.size()), "one statement is expected, not several");
    }
    Json& statement = statements[0]["stmt"];
    if (!statement.is_object() || !statement.contains("SelectStmt"))
        return sql.fail(0, "a select is expected");
    return std::move(statement["SelectStmt"]);
}

}  // namespace tidemill::rows::sql
