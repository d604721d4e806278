// One connection to a SQLite database, and its statements.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

#include "outputs/sql/database.h"

namespace tidemill::outputs {

class SqliteConnection;

// Thread safety: externally synchronized.
class SqliteStatement {
public:
    ~SqliteStatement() { sqlite3_finalize(statement_); }
    SqliteStatement(const SqliteStatement&) = delete;
    SqliteStatement& operator=(const SqliteStatement&) = delete;

    // Parameters from 1. Texts must live until the next step().
    void bindNull(int place) { sqlite3_bind_null(statement_, place); }
    void bind(int place, std::int64_t value) { sqlite3_bind_int64(statement_, place, value); }
    void bind(int place, double value) { sqlite3_bind_double(statement_, place, value); }
    void bind(int place, std::string_view text) {
        sqlite3_bind_text64(statement_, place, text.data() == nullptr ? "" : text.data(),
                            text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }

    // True: there is a row. False: it is done, and ready to be run again.
    SqlResult<bool> step();

    std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
    std::string text(int column) const;

private:
    friend class SqliteConnection;
    SqliteStatement(const SqliteConnection& connection, sqlite3_stmt* statement)
        : connection_(connection), statement_(statement) {}

    const SqliteConnection& connection_;
    sqlite3_stmt* const statement_;
};

// A call that fails says what SQLite said, with its result code by name. Thread safety: externally
// synchronized.
class SqliteConnection {
public:
    // `place` begins messages. A lock of another process is waited for a short while.
    static SqlResult<std::unique_ptr<SqliteConnection>> open(const std::string& path, bool create,
                                                             std::string place);
    ~SqliteConnection() { sqlite3_close(database_); }
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    SqlResult<> run(const std::string& sql);
    SqlResult<std::unique_ptr<SqliteStatement>> prepare(const std::string& sql);
    int changes() const { return sqlite3_changes(database_); }
    // Whether the file has been taken away, or another one put in its place.
    bool hasMoved() const;

    [[nodiscard]] tl::unexpected<SqlFailure> failed() const;

private:
    SqliteConnection(sqlite3* database, std::string place)
        : database_(database), place_(std::move(place)) {}

    sqlite3* const database_;
    const std::string place_;
};

// "\"name\"", "'text'"
std::string sqliteName(std::string_view name);
std::string sqliteText(std::string_view text);

}  // namespace tidemill::outputs
