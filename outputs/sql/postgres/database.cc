#include "outputs/sql/postgres/database.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "outputs/sql/postgres/copy_rows.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;

constexpr std::size_t kPieceBytes = 64 << 10;
// Of a connection, for the rows of a batch that has keys.
constexpr const char* kRows = "pg_temp.tidemill_rows";

std::string hexOf(std::uint64_t number) {
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, number, 16).ptr;
    return std::string(16 - static_cast<std::size_t>(end - text), '0') + std::string(text, end);
}

std::uint64_t numberOf(std::string_view hex) {
    std::uint64_t number = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
    return number;
}

}  // namespace

PgDatabase::PgDatabase(std::string connection, SqlTable table)
    : options_(std::move(connection)),
      wanted_(std::move(table)),
      keyPlaces_(wanted_.keyPlaces()),
      place_(shownPgConnection(options_) + " table=" + wanted_.name) {}

SqlResult<> PgDatabase::run(const std::string& sql) {
    const auto result = connection_->run(sql);
    if (!result) return tl::unexpected(result.error());
    return {};
}

SqlResult<> PgDatabase::connect(const std::string& owner) {
    if (auto opened = open(owner); !opened) return opened;
    return prepare();
}

// Tables are made in a transaction like rows.
SqlResult<SqlFindings> PgDatabase::look(const std::string& owner) {
    if (auto opened = open(owner); !opened) return tl::unexpected(opened.error());
    SqlFindings findings;
    findings.server = "PostgreSQL " + connection_->parameter("server_version");
    const auto hasTable = has(wanted_.name);
    if (!hasTable) return tl::unexpected(hasTable.error());
    findings.hasTable = *hasTable;
    const auto hasProgress = has(wanted_.progressTable);
    if (!hasProgress) return tl::unexpected(hasProgress.error());
    findings.hasProgressTable = *hasProgress;
    if (auto begun = run("begin"); !begun) return tl::unexpected(begun.error());
    if (auto prepared = prepare(); !prepared) return tl::unexpected(prepared.error());
    auto found = progress();
    if (!found) return tl::unexpected(found.error());
    findings.progress = std::move(*found);
    if (auto undone = rollback(); !undone) return tl::unexpected(undone.error());
    return findings;
}

SqlResult<bool> PgDatabase::has(const std::string& table) const {
    const auto there =
        connection_->run("select to_regclass(" +
                         connection_->literal(quotedPgName(*connection_, table)) + ") is not null");
    if (!there) return tl::unexpected(there.error());
    return field(*there, 0, 0) == "t";
}

SqlResult<> PgDatabase::open(const std::string& owner) {
    owner_ = owner;
    isCopying_ = false;
    auto made = PgConnection::open(options_, "PostgreSQL " + place_);
    if (!made) return tl::unexpected(made.error());
    connection_ = std::move(*made);
    return prepareSession();
}

SqlResult<> PgDatabase::prepare() {
    auto table = openPgTable(*connection_, wanted_, "PostgreSQL " + place_);
    if (!table) return tl::unexpected(table.error());
    table_ = std::move(*table);
    if (claimed_ != table_.id) {
        claim_ = TableClaim::take(table_.id);
        claimed_ = claim_ ? table_.id : "";
    }
    if (!claim_)
        return refused(ErrorKind::kConflict, "PostgreSQL " + place_ +
                                                 ": another output of this job writes to " +
                                                 table_.name + " already");
    if (auto prepared = prepareProgress(); !prepared) return prepared;
    return prepareRows();
}

SqlResult<> PgDatabase::prepareSession() {
    const auto encoding = connection_->parameter("server_encoding");
    if (encoding != "UTF8" && encoding != "SQL_ASCII")
        return refused(ErrorKind::kInvalid, "PostgreSQL " + place_ +
                                                ": the database has the encoding " + encoding +
                                                " and must have UTF8");
    // A batch may take as long as it takes. A commit that a crash of the server takes back would be
    // a batch that is lost.
    return run(
        "set lock_timeout = '30s'; set statement_timeout = 0; "
        "set idle_in_transaction_session_timeout = 0; "
        "select set_config('synchronous_commit', 'on', false) "
        "where current_setting('synchronous_commit') = 'off'");
}

SqlResult<> PgDatabase::prepareProgress() {
    progressTable_ = quotedPgName(*connection_, wanted_.progressTable);
    const auto there = has(wanted_.progressTable);
    if (!there) return tl::unexpected(there.error());
    if (!*there) {
        auto made = run("create table " + progressTable_ +
                        " (directory text not null, output text not null, batch bigint not null, "
                        "previous bigint not null, records bigint not null, digest text not null, "
                        "revision bigint not null, writer text not null, "
                        "written_at timestamptz not null default now(), "
                        "primary key (directory, output))");
        // Somebody else may be making it at this moment.
        if (!made) {
            auto& failure = made.error();
            const auto& said = failure.error.message;
            if (said.find("42P07") != said.npos || said.find("23505") != said.npos)
                failure.trouble = Trouble::kPassing;
            return made;
        }
    }
    const auto found = progress();
    if (!found) return tl::unexpected(found.error());
    if (*found || wanted_.shared) return {};
    const auto other =
        connection_->run("select directory, batch from " + progressTable_ +
                         " where output = " + connection_->literal(table_.name) + " limit 1");
    if (!other) return tl::unexpected(other.error());
    if (PQntuples(other->get()) == 0) return {};
    return refused(ErrorKind::kConflict,
                   rowsOfAnother("PostgreSQL " + place_, std::string(field(*other, 0, 0)),
                                 std::string(field(*other, 0, 1)), owner_, wanted_));
}

SqlResult<> PgDatabase::prepareRows() {
    if (wanted_.mode != SqlMode::kUpsert) return {};
    return run("create temp table tidemill_rows on commit delete rows as select " + columnList() +
               ", 0::bigint as tidemill_ordinal from " + table_.quoted + " with no data");
}

std::string PgDatabase::columnList() const {
    std::string text;
    for (const auto& column : wanted_.columns)
        text += (text.empty() ? "" : ", ") + connection_->name(column.name);
    return text;
}

std::string PgDatabase::whoseProgress() const {
    return " where directory = " + connection_->literal(owner_) +
           " and output = " + connection_->literal(table_.name);
}

SqlResult<std::optional<Progress>> PgDatabase::readProgress(const std::string& before,
                                                            const std::string& behind) {
    const auto result = connection_->run(
        before + "select batch, previous, records, digest, revision, writer from " +
        progressTable_ + whoseProgress() + behind);
    if (!result) return tl::unexpected(result.error());
    if (PQntuples(result->get()) == 0) return std::optional<Progress>();
    const auto number = [&](int column) {
        return static_cast<std::uint64_t>(numberIn(*result, 0, column));
    };
    Progress found;
    found.batch = number(0);
    found.previous = number(1);
    found.records = number(2);
    found.digest = numberOf(field(*result, 0, 3));
    found.revision = static_cast<std::uint32_t>(number(4));
    found.writer = numberOf(field(*result, 0, 5));
    return std::optional(found);
}

std::string PgDatabase::refusal(SqlRow row) const {
    for (const auto place : keyPlaces_)
        if (row[place].isNull) return wanted_.columns[place].name + " is null, and part of the key";
    return refusalOf(wanted_.columns, table_.columns, row);
}

// A transaction of an earlier life whose end nobody has seen has the row locked: this waits for it
// and finds what it left.
SqlResult<std::optional<Progress>> PgDatabase::begin() {
    auto found = readProgress("begin isolation level read committed read write; ", " for update");
    if (!found) return found;
    before_ = *found ? std::optional((*found)->batch) : std::nullopt;
    buffer_.clear();
    keys_.clear();
    rows_ = 0;
    return found;
}

// Readers see the old rows until the commit; truncate would keep them out.
SqlResult<> PgDatabase::clear() { return run("delete from " + table_.quoted); }

SqlResult<> PgDatabase::add(SqlRow row) {
    const bool hasKey = !keyPlaces_.empty();
    if (!isCopying_) {
        const auto begun = connection_->beginCopy(
            "copy " + (hasKey ? kRows : table_.quoted) + " (" + columnList() +
            (hasKey ? ", tidemill_ordinal" : "") + ") from stdin (format binary)");
        if (!begun) return begun;
        isCopying_ = true;
        beginCopyRows(buffer_);
    }
    ++rows_;
    if (hasKey) keys_.add(wanted_.columns, keyPlaces_, row);
    appendCopyRow(buffer_, table_.columns, row, hasKey ? &rows_ : nullptr);
    if (buffer_.size() < kPieceBytes) return {};
    auto sent = connection_->copy(buffer_);
    buffer_.clear();
    return sent;
}

SqlResult<> PgDatabase::finish() {
    if (!isCopying_) return {};
    isCopying_ = false;
    endCopyRows(buffer_);
    if (auto sent = connection_->copy(buffer_); !sent) return sent;
    buffer_.clear();
    if (auto ended = connection_->endCopy(); !ended) return ended;
    if (keyPlaces_.empty()) return {};
    bool byBytes = true;
    std::string keys, others;
    for (const auto place : keyPlaces_) {
        byBytes = byBytes && table_.columns[place].isComparedByBytes;
        keys += (keys.empty() ? "" : ", ") + connection_->name(wanted_.columns[place].name);
    }
    for (std::size_t i = 0; i < wanted_.columns.size(); ++i) {
        if (std::find(keyPlaces_.begin(), keyPlaces_.end(), i) != keyPlaces_.end()) continue;
        const auto name = connection_->name(wanted_.columns[i].name);
        others += (others.empty() ? "" : ", ") + name + " = excluded." + name;
    }
    // Of several rows with one key the last one counts.
    const bool repeats = !byBytes || keys_.mayRepeat();
    return run("insert into " + table_.quoted + " (" + columnList() + ") select " +
               (repeats ? "distinct on (" + keys + ") " : "") + columnList() + " from " + kRows +
               (repeats ? " order by " + keys + ", tidemill_ordinal desc" : "") + " on conflict (" +
               keys + ") do " + (others.empty() ? "nothing" : "update set " + others));
}

SqlResult<> PgDatabase::keep(const Progress& progress) {
    const std::string digest = hexOf(progress.digest), writer = hexOf(progress.writer);
    const auto numbers = std::array{progress.batch, progress.previous, progress.records};
    std::string sql;
    if (before_) {
        sql = "update " + progressTable_ + " set batch = " + std::to_string(numbers[0]) +
              ", previous = " + std::to_string(numbers[1]) +
              ", records = " + std::to_string(numbers[2]) + ", digest = '" + digest +
              "', revision = " + std::to_string(progress.revision) + ", writer = '" + writer +
              "', written_at = now()" + whoseProgress() +
              " and batch = " + std::to_string(*before_);
    } else {
        sql = "insert into " + progressTable_ +
              " (directory, output, batch, previous, records, digest, revision, writer) values (" +
              connection_->literal(owner_) + ", " + connection_->literal(table_.name);
        for (const auto number : numbers) sql += ", " + std::to_string(number);
        sql += ", '" + digest + "', " + std::to_string(progress.revision) + ", '" + writer +
               "') on conflict do nothing";
    }
    const auto result = connection_->run(sql);
    if (!result) return tl::unexpected(result.error());
    if (std::string_view(PQcmdTuples(result->get())) == "1") return {};
    return passing("PostgreSQL " + place_ + ": another connection has moved the progress on");
}

}  // namespace tidemill::outputs
