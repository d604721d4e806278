// Which table of a database an output's rows go to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidemill {

// What a batch does to the table.
enum class SqlMode : std::uint8_t {
    kAppend,   // its rows are added
    kUpsert,   // its rows are added, or replace the row of their key
    kReplace,  // its rows are what the table holds
};

struct PostgresOutputOptions {
    // As libpq takes it: "host=db dbname=shop user=tidemill", or a URI.
    std::string connection{};
    std::string table{};  // "totals" or "schema.totals"; letter for letter

    // Names of the parts of an element: a pair's or tuple's, or one. Rows of job files have theirs.
    std::vector<std::string> columns{};

    SqlMode mode = SqlMode::kAppend;
    std::vector<std::string> key{};  // kUpsert: columns that the table has a unique index on

    // Makes the table when it is missing; else that is an error.
    bool create = false;
    // Other data directories write to the table too; else that is an error. Not with kReplace.
    bool shared = false;

    // Where transactions say which batch they are; made when it is missing. Jobs may share one.
    std::string progressTable = "tidemill_progress";
};

struct SqliteOutputOptions {
    std::string path{};   // of the database's file
    std::string table{};  // letter for letter

    // The file grows to so many bytes at most, then the job ends; 0: no bound.
    std::uint64_t maxBytes = 0;

    // As of PostgresOutputOptions; `create` makes the file too.
    std::vector<std::string> columns{};
    SqlMode mode = SqlMode::kAppend;
    std::vector<std::string> key{};
    bool create = false;
    bool shared = false;
    std::string progressTable = "tidemill_progress";
};

}  // namespace tidemill
