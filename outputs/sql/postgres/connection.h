// One connection to a PostgreSQL server, by libpq. Texts are UTF-8.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "outputs/sql/database.h"

namespace tidemill::outputs {

struct PgResultClear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, PgResultClear>;

// What a SQL state, five characters, or none, means.
Trouble troubleOfSqlState(std::string_view state);

// A connection string as libpq takes it. Errors (kInvalid): it is none; no part of it is shown that
// may be a secret.
core::Result<> checkPgConnection(const std::string& connection);
// "host=db port=5433 dbname=shop user=tidemill", of what the string and the environment say.
std::string shownPgConnection(const std::string& connection);

// A call that fails says what the server said, with its SQL state. Thread safety: externally
// synchronized.
class PgConnection {
public:
    // `place` begins messages.
    static SqlResult<std::unique_ptr<PgConnection>> open(const std::string& connection,
                                                         std::string place);
    ~PgConnection();
    PgConnection(const PgConnection&) = delete;
    PgConnection& operator=(const PgConnection&) = delete;

    // Runs statements; the last one's result.
    SqlResult<PgResult> run(const std::string& sql);

    // COPY … FROM STDIN: the statement, data as it comes, the end.
    SqlResult<> beginCopy(const std::string& sql);
    SqlResult<> copy(std::string_view bytes);
    SqlResult<> endCopy();

    // "server_encoding"; empty when the server does not say.
    std::string parameter(const char* name) const;

    // "\"name\"", "'text'"
    std::string name(std::string_view name) const;
    std::string literal(std::string_view text) const;

private:
    PgConnection(PGconn* connection, std::string place)
        : connection_(connection), place_(std::move(place)) {}
    [[nodiscard]] tl::unexpected<SqlFailure> failed(const PGresult* result) const;

    PGconn* const connection_;
    const std::string place_;
};

// Field `column` of row `row`, by text.
inline std::string_view field(const PgResult& result, int row, int column) {
    return {PQgetvalue(result.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result.get(), row, column))};
}
std::int64_t numberIn(const PgResult& result, int row, int column);

}  // namespace tidemill::outputs
