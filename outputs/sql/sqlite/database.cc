#include "outputs/sql/sqlite/database.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace tidemill::outputs {
namespace {

using core::ErrorKind;

std::string hexOf(std::uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

std::uint64_t numberOf(const std::string& hex) {
    std::uint64_t number = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
    return number;
}

}  // namespace

SqliteDatabase::SqliteDatabase(std::string path, std::uint64_t maxBytes, SqlTable table)
    : path_(std::move(path)),
      maxBytes_(maxBytes),
      wanted_(std::move(table)),
      keyPlaces_(wanted_.keyPlaces()),
      place_("path=" + path_ + " table=" + wanted_.name) {}

void SqliteDatabase::disconnect() {
    insert_.reset();
    connection_.reset();
}

bool SqliteDatabase::hasFile() const {
    struct stat info {};
    return ::stat(path_.c_str(), &info) == 0;
}

SqlResult<> SqliteDatabase::connect(const std::string& owner) {
    if (auto opened = open(owner, wanted_.create); !opened) return opened;
    return prepare();
}

// Tables are made in a transaction like rows. A file that is not there is left so.
SqlResult<SqlFindings> SqliteDatabase::look(const std::string& owner) {
    SqlFindings findings;
    findings.server = std::string("SQLite ") + sqlite3_libversion();
    if (wanted_.create && !hasFile()) {
        const auto parent = std::filesystem::path(path_).parent_path();
        if (::access(parent.empty() ? "." : parent.c_str(), W_OK | X_OK) == 0) return findings;
        return refused(ErrorKind::kIo, "SQLite " + place_ + ": the file cannot be made: " +
                                           std::generic_category().message(errno));
    }
    if (auto opened = open(owner, false); !opened) return tl::unexpected(opened.error());
    if (auto begun = connection_->run("begin immediate"); !begun)
        return tl::unexpected(begun.error());
    const auto hasTable = has(wanted_.name);
    if (!hasTable) return tl::unexpected(hasTable.error());
    findings.hasTable = *hasTable;
    const auto hasProgress = has(wanted_.progressTable);
    if (!hasProgress) return tl::unexpected(hasProgress.error());
    findings.hasProgressTable = *hasProgress;
    if (auto prepared = prepare(); !prepared) return tl::unexpected(prepared.error());
    auto found = progress();
    if (!found) return tl::unexpected(found.error());
    findings.progress = std::move(*found);
    insert_.reset();
    if (auto undone = rollback(); !undone) return tl::unexpected(undone.error());
    return findings;
}

SqlResult<bool> SqliteDatabase::has(const std::string& table) {
    auto asked = connection_->prepare("select 1 from sqlite_schema where lower(name) = lower(" +
                                      sqliteText(table) + ") and type in ('table', 'view')");
    if (!asked) return tl::unexpected(asked.error());
    return (*asked)->step();
}

SqlResult<> SqliteDatabase::open(const std::string& owner, bool create) {
    owner_ = owner;
    const std::string place = "SQLite " + place_;
    if (!create && !hasFile())
        return refused(ErrorKind::kNotFound,
                       place + ": there is no such file; make the database, or set create = true");
    auto made = SqliteConnection::open(path_, create, place);
    if (!made) return tl::unexpected(made.error());
    connection_ = std::move(*made);
    return bound();
}

SqlResult<> SqliteDatabase::prepare() {
    auto table = openSqliteTable(*connection_, wanted_, "SQLite " + place_);
    if (!table) return tl::unexpected(table.error());
    table_ = std::move(*table);
    if (auto claimed = claim(); !claimed) return claimed;
    if (auto prepared = prepareProgress(); !prepared) return prepared;
    return prepareInsert();
}

SqlResult<> SqliteDatabase::bound() {
    if (maxBytes_ == 0) return {};
    auto asked = connection_->prepare("pragma page_size");
    if (!asked) return tl::unexpected(asked.error());
    const auto row = (*asked)->step();
    if (!row) return tl::unexpected(row.error());
    const auto pages = maxBytes_ / static_cast<std::uint64_t>((*asked)->number(0));
    asked->reset();
    return connection_->run("pragma max_page_count = " +
                            std::to_string(std::max<std::uint64_t>(pages, 1)));
}

SqlResult<> SqliteDatabase::claim() {
    struct stat info {};
    if (::stat(path_.c_str(), &info) != 0)
        return passing("SQLite " + place_ + ": the file was taken away");
    const std::string id = "SQLite " + std::to_string(info.st_dev) + " " +
                           std::to_string(info.st_ino) + " " + table_.name;
    if (claimed_ != id) {
        claim_ = TableClaim::take(id);
        claimed_ = claim_ ? id : "";
    }
    if (claim_) return {};
    return refused(ErrorKind::kConflict,
                   "SQLite " + place_ + ": another output of this job writes to the table already");
}

SqlResult<> SqliteDatabase::prepareProgress() {
    if (auto made = connection_->run(
            "create table if not exists " + sqliteName(wanted_.progressTable) +
            " (directory text not null, output text not null, batch integer not null, "
            "previous integer not null, records integer not null, digest text not null, "
            "revision integer not null, writer text not null, "
            "written_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), "
            "primary key (directory, output))");
        !made)
        return made;
    const auto found = progress();
    if (!found) return tl::unexpected(found.error());
    if (*found || wanted_.shared) return {};
    auto asked =
        connection_->prepare("select directory, batch from " + sqliteName(wanted_.progressTable) +
                             " where output = " + sqliteText(table_.name) + " limit 1");
    if (!asked) return tl::unexpected(asked.error());
    const auto row = (*asked)->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    return refused(ErrorKind::kConflict, rowsOfAnother("SQLite " + place_, (*asked)->text(0),
                                                       (*asked)->text(1), owner_, wanted_));
}

SqlResult<> SqliteDatabase::prepareInsert() {
    std::string names, values, keys, others;
    for (std::size_t i = 0; i < wanted_.columns.size(); ++i) {
        const auto name = sqliteName(wanted_.columns[i].name);
        names += (i == 0 ? "" : ", ") + name;
        values += i == 0 ? "?" : ", ?";
        if (std::find(keyPlaces_.begin(), keyPlaces_.end(), i) == keyPlaces_.end())
            others += (others.empty() ? "" : ", ") + name + " = excluded." + name;
    }
    for (const auto& name : wanted_.key) keys += (keys.empty() ? "" : ", ") + sqliteName(name);
    std::string sql = "insert into " + tableName() + " (" + names + ") values (" + values + ")";
    if (!keys.empty())
        sql += " on conflict (" + keys + ") do " +
               (others.empty() ? "nothing" : "update set " + others);
    auto made = connection_->prepare(sql);
    if (made) {
        insert_ = std::move(*made);
        return {};
    }
    auto& message = made.error().error.message;
    if (message.find("ON CONFLICT clause does not match") != message.npos)
        message = "SQLite " + place_ +
                  ": mode \"upsert\" needs a unique index on the key, and the table has none: "
                  "create unique index NAME on " +
                  tableName() + " (" + keys + ")";
    return tl::unexpected(made.error());
}

SqlResult<std::optional<Progress>> SqliteDatabase::progress() {
    auto asked = connection_->prepare(
        "select batch, previous, records, digest, revision, writer from " +
        sqliteName(wanted_.progressTable) + " where directory = " + sqliteText(owner_) +
        " and output = " + sqliteText(table_.name));
    if (!asked) return tl::unexpected(asked.error());
    const auto row = (*asked)->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return std::optional<Progress>();
    const auto number = [&](int column) {
        return static_cast<std::uint64_t>((*asked)->number(column));
    };
    Progress found;
    found.batch = number(0);
    found.previous = number(1);
    found.records = number(2);
    found.digest = numberOf((*asked)->text(3));
    found.revision = static_cast<std::uint32_t>(number(4));
    found.writer = numberOf((*asked)->text(5));
    return std::optional(found);
}

std::string SqliteDatabase::refusal(SqlRow row) const {
    for (const auto place : keyPlaces_)
        if (row[place].isNull) return wanted_.columns[place].name + " is null, and part of the key";
    return refusalOf(wanted_.columns, table_.columns, row);
}

// Nobody else writes to the database until the end.
SqlResult<std::optional<Progress>> SqliteDatabase::begin() {
    if (connection_->hasMoved()) return passing("SQLite " + place_ + ": the file was taken away");
    if (auto begun = connection_->run("begin immediate"); !begun)
        return tl::unexpected(begun.error());
    return progress();
}

SqlResult<> SqliteDatabase::add(SqlRow row) {
    times_.clear();
    times_.reserve(row.size());  // views of them are bound
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto& cell = row[i];
        const int place = static_cast<int>(i) + 1;
        if (cell.isNull) {
            insert_->bindNull(place);
            continue;
        }
        switch (table_.columns[i].form) {
            case SqliteForm::kInteger: insert_->bind(place, cell.integer); break;
            case SqliteForm::kReal: insert_->bind(place, cell.real); break;
            case SqliteForm::kText: insert_->bind(place, cell.text); break;
            case SqliteForm::kTimeText:
                times_.push_back(sqliteTime(cell.integer));
                insert_->bind(place, std::string_view(times_.back()));
                break;
        }
    }
    const auto done = insert_->step();
    if (!done) return tl::unexpected(done.error());
    return {};
}

SqlResult<> SqliteDatabase::keep(const Progress& progress) {
    return connection_->run(
        "insert or replace into " + sqliteName(wanted_.progressTable) +
        " (directory, output, batch, previous, records, digest, revision, writer) values (" +
        sqliteText(owner_) + ", " + sqliteText(table_.name) + ", " +
        std::to_string(progress.batch) + ", " + std::to_string(progress.previous) + ", " +
        std::to_string(progress.records) + ", '" + hexOf(progress.digest) + "', " +
        std::to_string(progress.revision) + ", '" + hexOf(progress.writer) + "')");
}

}  // namespace tidemill::outputs
