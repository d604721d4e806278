// A table of a database as an output sees it, whatever the database.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/error.h"
#include "outputs/patience.h"
#include "outputs/progress.h"
#include "outputs/sql/options.h"
#include "outputs/sql/row.h"

namespace tidemill::outputs {

struct SqlFailure {
    Trouble trouble = Trouble::kPassing;
    core::Error error;
};
template <class T = void>
using SqlResult = tl::expected<T, SqlFailure>;

[[nodiscard]] inline tl::unexpected<SqlFailure> refused(core::ErrorKind kind, std::string message) {
    return tl::unexpected(SqlFailure{Trouble::kPermanent, {kind, std::move(message)}});
}
[[nodiscard]] inline tl::unexpected<SqlFailure> passing(std::string message) {
    return tl::unexpected(
        SqlFailure{Trouble::kPassing, {core::ErrorKind::kIo, std::move(message)}});
}

// What an output wants of its table.
struct SqlTable {
    std::string name;
    SqlMode mode = SqlMode::kAppend;
    std::vector<std::string> key;
    bool create = false;
    bool shared = false;
    std::string progressTable;
    std::vector<SqlColumn> columns;

    // Places of the key's columns. Call when check() has nothing to say.
    std::vector<std::size_t> keyPlaces() const;
    // Errors (kInvalid): what cannot be in any database.
    core::Result<> check() const;
};

// Why a table that another data directory has written to is refused.
std::string rowsOfAnother(const std::string& place, const std::string& other,
                          const std::string& batch, const std::string& owner,
                          const SqlTable& table);

// What is there for an output before it starts.
struct SqlFindings {
    std::string server;  // "PostgreSQL 15.4"
    bool hasTable = false;
    bool hasProgressTable = false;
    std::optional<Progress> progress;  // of the data directory
};

// One connection at a time. A call that fails leaves it good for disconnect() only. Thread safety:
// externally synchronized.
class SqlDatabase {
public:
    virtual ~SqlDatabase() = default;

    virtual const char* product() const = 0;  // "PostgreSQL"
    // "host=db dbname=shop table=totals": without secrets.
    virtual const std::string& place() const = 0;

    // Connects, looks at the table and at the progress table, makes what is missing if it may.
    // `owner`: identity of the data directory. Errors beside failures of the database: the table
    // is not what the output needs, it is another's.
    virtual SqlResult<> connect(const std::string& owner) = 0;
    virtual void disconnect() = 0;
    // Does and undoes what connect() does, so that nothing of it stays; errors likewise. What is not
    // there is what connect() would make.
    virtual SqlResult<SqlFindings> look(const std::string& owner) = 0;

    // Why the table cannot hold the row, as far as that can be seen here; empty: it can.
    virtual std::string refusal(SqlRow row) const = 0;

    // The progress as it is now.
    virtual SqlResult<std::optional<Progress>> progress() = 0;

    // One transaction: begin() returns the progress, which nobody else changes until the end; the
    // rows follow, and commit() with the progress they are. kReplace: begin rows by clear().
    virtual SqlResult<std::optional<Progress>> begin() = 0;
    virtual SqlResult<> clear() = 0;
    virtual SqlResult<> add(SqlRow row) = 0;
    virtual SqlResult<> finish() = 0;  // no more rows
    virtual SqlResult<> keep(const Progress& progress) = 0;
    virtual SqlResult<> commit() = 0;
    virtual SqlResult<> rollback() = 0;
};

}  // namespace tidemill::outputs
