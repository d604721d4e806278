// The JSON in which libpg_query answers, and its expressions as terms. Included by the parse_*.cc
// only: it brings in nlohmann's header.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "rows/sql/sql_text.h"
#include "rows/sql/syntax.h"

namespace tidemill::rows::sql {

using Json = nlohmann::json;

// A member of an object of the answer; null, empty or false when it is left out.
const Json& member(const Json& object, const char* key);
std::string text(const Json& object, const char* key);
bool flag(const Json& object, const char* key);

// Parses `prefix` + the text; answers the one statement's SelectStmt. Errors: kInvalid, with their
// place.
core::Result<Json> selectStatement(const SqlText& sql, std::string_view prefix);

// Turns expression nodes into terms.
class TermReader {
public:
    // Locations of the nodes count from `prefixBytes` before the text.
    TermReader(const SqlText& sql, std::size_t prefixBytes) : sql_(sql), prefix_(prefixBytes) {}

    core::Result<Term> term(const Json& node);
    std::size_t place(const Json& inner) const;
    [[nodiscard]] tl::unexpected<core::Error> refuse(const Json& inner,
                                                     const std::string& what) const {
        return sql_.fail(place(inner), what);
    }

private:
    using R = core::Result<Term>;
    R column(const Json& inner);
    R constant(const Json& inner);
    R expression(const Json& inner);
    R between(const Json& inner, const std::string& kind);
    R like(const Json& inner, bool anyCase);
    R boolean(const Json& inner);
    R caseOf(const Json& inner);
    R function(const Json& inner);
    R cast(const Json& inner);
    core::Result<std::vector<Term>> terms(const Json& list);
    R call(const Json& inner, std::string name, const Json& list);

    const SqlText& sql_;
    std::size_t prefix_;
    std::size_t depth_ = 0;
};

}  // namespace tidemill::rows::sql
