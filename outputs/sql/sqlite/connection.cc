#include "outputs/sql/sqlite/connection.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;

constexpr int kBusyMillis = 1000;

// Of the primary code; the extended one is said too.
const char* codeName(int code) {
    switch (code & 0xff) {
        case SQLITE_ERROR: return "SQLITE_ERROR";
        case SQLITE_PERM: return "SQLITE_PERM";
        case SQLITE_BUSY: return "SQLITE_BUSY";
        case SQLITE_LOCKED: return "SQLITE_LOCKED";
        case SQLITE_NOMEM: return "SQLITE_NOMEM";
        case SQLITE_READONLY: return "SQLITE_READONLY";
        case SQLITE_IOERR: return "SQLITE_IOERR";
        case SQLITE_CORRUPT: return "SQLITE_CORRUPT";
        case SQLITE_FULL: return "SQLITE_FULL";
        case SQLITE_CANTOPEN: return "SQLITE_CANTOPEN";
        case SQLITE_PROTOCOL: return "SQLITE_PROTOCOL";
        case SQLITE_SCHEMA: return "SQLITE_SCHEMA";
        case SQLITE_TOOBIG: return "SQLITE_TOOBIG";
        case SQLITE_CONSTRAINT: return "SQLITE_CONSTRAINT";
        case SQLITE_MISMATCH: return "SQLITE_MISMATCH";
        case SQLITE_AUTH: return "SQLITE_AUTH";
        case SQLITE_NOTADB: return "SQLITE_NOTADB";
        default: return "SQLite's code";
    }
}

Trouble troubleOf(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_SCHEMA:
        case SQLITE_NOMEM: return Trouble::kPassing;
        default: return Trouble::kPermanent;
    }
}

ErrorKind kindOf(int code) {
    switch (code & 0xff) {
        case SQLITE_FULL: return ErrorKind::kNoSpace;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorKind::kCorrupt;
        case SQLITE_ERROR:
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_TOOBIG: return ErrorKind::kInvalid;
        default: return ErrorKind::kIo;
    }
}

std::string quoted(std::string_view text, char quote) {
    std::string made(1, quote);
    for (const char c : text) {
        if (c == quote) made += c;
        made += c;
    }
    return made + quote;
}

}  // namespace

std::string sqliteName(std::string_view name) { return quoted(name, '"'); }
std::string sqliteText(std::string_view text) { return quoted(text, '\''); }

SqlResult<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path,
                                                                    bool create,
                                                                    std::string place) {
    sqlite3* database = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (create ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
    if (database == nullptr) return passing(place + ": no memory for a connection");
    std::unique_ptr<SqliteConnection> made(new SqliteConnection(database, std::move(place)));
    if (code != SQLITE_OK) return made->failed();
    // SQLite opens it all the same, and the first batch would find out.
    if (sqlite3_db_readonly(database, "main") == 1)
        return refused(ErrorKind::kIo, made->place_ + ": the file may not be written (" +
                                           codeName(SQLITE_READONLY) + ")");
    sqlite3_busy_timeout(database, kBusyMillis);
    // A commit is on the disk, the removal of the journal included, when it has returned.
    if (auto set = made->run("pragma synchronous = extra"); !set)
        return tl::unexpected(set.error());
    return made;
}

tl::unexpected<SqlFailure> SqliteConnection::failed() const {
    const int code = sqlite3_extended_errcode(database_);
    return tl::unexpected(
        SqlFailure{troubleOf(code),
                   {kindOf(code), place_ + ": " + sqlite3_errmsg(database_) + " (" +
                                      codeName(code) + ", " + std::to_string(code) + ")"}});
}

SqlResult<> SqliteConnection::run(const std::string& sql) {
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return failed();
    return {};
}

SqlResult<std::unique_ptr<SqliteStatement>> SqliteConnection::prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(database_, sql.c_str(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
        return failed();
    return std::unique_ptr<SqliteStatement>(new SqliteStatement(*this, statement));
}

bool SqliteConnection::hasMoved() const {
    int moved = 0;
    return sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

SqlResult<bool> SqliteStatement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    // What went wrong is asked for before it is forgotten.
    if (code != SQLITE_DONE) {
        auto failure = connection_.failed();
        sqlite3_reset(statement_);
        return failure;
    }
    sqlite3_reset(statement_);
    return false;
}

std::string SqliteStatement::text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_, column);
    if (bytes == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace tidemill::outputs
