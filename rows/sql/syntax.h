// What PostgreSQL's parser makes of SQL, as far as it is evaluated here; names and types are not
// looked at yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "rows/sql/sql_text.h"

namespace tidemill::rows::sql {

// An expression.
struct Term {
    enum class Kind : std::uint8_t {
        kColumn,  // `name`, perhaps of stream `table`
        kStar,    // "*" or "table.*"
        kNull,
        kInt,    // `name` is the number as it is written
        kFloat,  // so too
        kBool,   // `name` is "true" or "false"
        kText,   // `name` is the text
        kCast,   // of its argument to the type `name`
        // A function or operator by its name, "=" or "is null"; the names of what SQL has a syntax
        // of its own for: "and", "or", "not", "in", "like", "ilike" (value, pattern, escape),
        // "is null", "is distinct from", "is true", "is false", "is unknown", "coalesce",
        // "greatest", "least", "case" (condition, result, …, and the else last).
        kCall,
    };
    Kind kind = Kind::kNull;
    std::size_t at = kNowhere;  // in the text, counting bytes
    std::string name;
    std::string table;
    std::vector<Term> arguments;
    bool distinct = false;  // count(distinct x)
    bool star = false;      // count(*)
};

Term callOf(std::string name, std::size_t at, std::vector<Term> arguments);

// Nothing larger is read: PostgreSQL's parser and what follows it are recursive.
inline constexpr std::size_t kSqlBytesMax = 16 * 1024;
inline constexpr std::size_t kTermDepthMax = 200;

// "status >= 500". Errors: kInvalid, a syntax error, or what is not evaluated here by its name; all
// with their place.
core::Result<Term> parseTerm(std::string_view sql);

// One of the select list; the name after "as" may be missing.
struct Item {
    Term term;
    std::string as;
};

struct Stream {
    std::string name;
    std::string alias;  // without one the name
    std::size_t at = kNowhere;
    // How it is joined to those before it; the first is not.
    enum class Join : std::uint8_t { kNone, kInner, kLeft, kRight, kFull };
    Join join = Join::kNone;
    std::optional<Term> on;
    std::vector<std::string> usingColumns;
};

struct Order {
    Term term;
    bool descending = false;
    bool nullsFirst = false;
};

struct Select {
    bool distinct = false;
    std::vector<Item> items;
    std::vector<Stream> streams;
    std::optional<Term> where;
    std::vector<Term> groupBy;
    std::optional<Term> having;
    std::vector<Order> orderBy;
    std::optional<Term> limit;
    std::size_t limitAt = kNowhere;
};

// Errors: as parseTerm().
core::Result<Select> parseSelect(std::string_view sql);

}  // namespace tidemill::rows::sql
