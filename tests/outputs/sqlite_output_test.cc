// Batches as rows of a SQLite database. TIDEMILL_SQL_ROUNDS says how often the job is killed, by
// default 60 times; TIDEMILL_SQL_SEED chooses the moments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <thread>

#include "rows/outputs.h"
#include "tests/outputs/sql_rig.h"

namespace tidemill::test {
namespace {

using rows::Type;
using rows::test::Cells;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr int kKilled = 128 + SIGKILL;
const std::monostate kNull;

// Another process's view of the database.
class Reader {
public:
    explicit Reader(const std::string& path) {
        sqlite3_open(path.c_str(), &database_);
        sqlite3_busy_timeout(database_, 5000);
    }
    ~Reader() { sqlite3_close(database_); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Empty when a statement fails.
    std::string ask(const std::string& sql) const {
        std::string text;
        const auto row = [](void* into, int count, char** values, char**) {
            auto& out = *static_cast<std::string*>(into);
            for (int i = 0; i < count; ++i)
                out += (i == 0 ? "" : "|") + std::string(values[i] == nullptr ? "" : values[i]);
            out += '\n';
            return 0;
        };
        const int code = sqlite3_exec(database_, sql.c_str(), row, &text, nullptr);
        return code == SQLITE_OK ? text : "";
    }

private:
    sqlite3* database_ = nullptr;
};

class SqliteOutput : public testing::Test {
protected:
    SqliteOutputOptions options(const std::string& table, SqlMode mode = SqlMode::kAppend) {
        SqliteOutputOptions made;
        made.path = path();
        made.table = table;
        made.mode = mode;
        made.create = true;
        return made;
    }
    std::string path() const { return directory_ / "results.db"; }
    std::string ask(const std::string& sql) const { return Reader(path()).ask(sql); }
    std::string send(const RowBatches& batches, const SqliteOutputOptions& to,
                     const std::string& data = "", ErrorPolicy policy = ErrorPolicy::kStop) {
        return runRows(
            batches, [&](const rows::RowStream& stream) { return rows::sendToSqlite(stream, to); },
            directory_ / (data.empty() ? "data" + std::to_string(++lives_) : data), policy);
    }

    TemporaryDirectory directory_;
    int lives_ = 0;
};

RowBatches pairs(std::vector<std::vector<std::pair<std::string, std::int64_t>>> batches) {
    RowBatches made{{{"k", Type::kText}, {"n", Type::kInt}}, {}};
    for (const auto& batch : batches) {
        made.batches.emplace_back();
        for (const auto& [k, n] : batch) made.batches.back().push_back({k, n});
    }
    return made;
}

TEST_F(SqliteOutput, KeepsEveryValueOfEveryType) {
    constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    const double infinity = std::numeric_limits<double>::infinity();
    const RowBatches batches{
        {{"i", Type::kInt},
         {"x", Type::kFloat},
         {"b", Type::kBool},
         {"t", Type::kText},
         {"at", Type::kTime},
         {"j", Type::kJson}},
        {{{kMin, 0.1, true, std::string("ü'\"\n"), std::int64_t{0}, std::string("[1]")},
          {kMax, -infinity, false, std::string(), std::int64_t{-1}, std::string("null")}},
         {{kNull, kNull, kNull, kNull, kNull, kNull},
          {std::int64_t{0}, 5.0, true, std::string("7"), std::int64_t{1'709'209'859'123'456},
           std::string("7")},
          {std::int64_t{1}, std::nan(""), true, std::string(), std::int64_t{0}, std::string("1")},
          {std::int64_t{2}, 1.0, true, std::string("\xff"), std::int64_t{0}, std::string("1")},
          {std::int64_t{3}, 1.0, true, std::string("a\0b", 3), std::int64_t{0}, std::string("1")},
          {std::int64_t{4}, 1.0, true, std::string(), kMax, std::string("1")}}}};
    EXPECT_EQ(send(batches, options("all"), "data", ErrorPolicy::kDeadLetter), "");
    EXPECT_EQ(ask("select i, x, b, t, at, j, typeof(i), typeof(x), typeof(b), typeof(t), "
                  "typeof(at), typeof(j) from \"all\" order by rowid"),
              "-9223372036854775808|0.1|1|ü'\"\n|1970-01-01T00:00:00.000000Z|[1]|"
              "integer|real|integer|text|text|text\n"
              "9223372036854775807|-Inf|0||1969-12-31T23:59:59.999999Z|null|"
              "integer|real|integer|text|text|text\n"
              "||||||null|null|null|null|null|null\n"
              "0|5.0|1|7|2024-02-29T12:30:59.123456Z|7|integer|real|integer|text|text|text\n");
    EXPECT_EQ(ask("select datetime(at) from \"all\" where t = '7'"), "2024-02-29 12:30:59\n");
    std::string letters;
    for (const auto& entry :
         std::filesystem::directory_iterator(directory_ / "data" / "dead_letters"))
        if (entry.path().extension() == ".jsonl") letters += tailOf(entry.path());
    EXPECT_THAT(letters, HasSubstr("x is NaN, which SQLite would keep as null"));
    EXPECT_THAT(letters, HasSubstr("t is not UTF-8"));
    EXPECT_THAT(letters, HasSubstr("t holds a NUL byte"));
    EXPECT_THAT(letters, HasSubstr("at lies outside of the years 0 to 9999"));
    EXPECT_EQ(ask("select batch, previous, records from tidemill_progress"), "2|1|2\n");
}

TEST_F(SqliteOutput, UpsertAndReplace) {
    auto to = options("totals", SqlMode::kUpsert);
    to.key = {"k"};
    EXPECT_EQ(send(pairs({{{"a", 1}, {"b", 2}}, {{"b", 3}, {"c", 4}, {"c", 5}}}), to), "");
    EXPECT_EQ(ask("select k, n from totals order by k"), "a|1\nb|3\nc|5\n");
    EXPECT_EQ(send(pairs({{{"a", 1}, {"b", 2}}, {{"c", 3}}}), options("top", SqlMode::kReplace)),
              "");
    EXPECT_EQ(ask("select k, n from top"), "c|3\n");
}

TEST_F(SqliteOutput, ATableThatDoesNotFitIsRefusedWithBothTypes) {
    auto to = options("misfit");
    to.create = false;
    const auto batches = pairs({{{"a", 1}}});
    EXPECT_THAT(send(batches, to), HasSubstr("there is no such file"));
    ask("create table other (a); create table misfit (k INTEGER, m TEXT NOT NULL)");
    to.table = "missing";
    EXPECT_THAT(send(batches, to), HasSubstr("the table does not exist; make it, or set create = "
                                             "true: create table \"missing\" (\"k\" TEXT, \"n\" "
                                             "INTEGER)"));
    to.table = "Misfit";  // names of tables have no case
    const auto said = send(batches, to);
    EXPECT_THAT(said, HasSubstr("the rows have \"k\" of type text, the table has it of type "
                                "INTEGER and must have TEXT"));
    EXPECT_THAT(said, HasSubstr("the rows have \"n\" of type int, the table has no such column"));
    EXPECT_THAT(said, HasSubstr("the table has \"m\" of type TEXT not null without a default"));
    ask("create table plain (k TEXT, n INT)");
    to = options("plain", SqlMode::kUpsert);
    to.key = {"k"};
    EXPECT_THAT(send(batches, to), HasSubstr("create unique index NAME on \"plain\" (\"k\")"));
    std::ofstream(directory_ / "text") << "This is no database, and long enough to be read.\n"
                                       << std::string(5000, 'x');
    to.path = directory_ / "text";
    EXPECT_THAT(send(batches, to), HasSubstr("SQLITE_NOTADB"));
}

TEST_F(SqliteOutput, AFullDatabaseStopsTheJobAndNothingOfTheBatchIsThere) {
    RowBatches batches{{{"t", Type::kText}}, {{{std::string("small")}}, {}}};
    for (int i = 0; i < 1000; ++i) batches.batches[1].push_back({std::string(1000, 'x')});
    auto to = options("t");
    to.maxBytes = 256 << 10;
    const auto said = send(batches, to);
    EXPECT_THAT(said, HasSubstr("batch 2: SQLite path="));
    EXPECT_THAT(said, HasSubstr("database or disk is full (SQLITE_FULL, 13)"));
    EXPECT_EQ(ask("select t from t"), "small\n");
    EXPECT_EQ(ask("select batch from tidemill_progress"), "1\n");
}

TEST_F(SqliteOutput, RowsOfAnotherDirectoryAreRefusedUnlessTheTableIsShared) {
    EXPECT_EQ(send(pairs({{{"a", 1}}}), options("t"), "one"), "");
    EXPECT_THAT(send(pairs({{{"b", 2}}}), options("t"), "two"),
                HasSubstr("the table has rows of data directory"));
    auto shared = options("T");
    shared.shared = true;
    EXPECT_EQ(send(pairs({{{"b", 2}}}), shared, "three"), "");
    EXPECT_EQ(ask("select k from t order by k"), "a\nb\n");
}

TEST_F(SqliteOutput, TwoOutputsDoNotShareATableHoweverTheyNameIt) {
    const auto said = runRows(
        pairs({{{"a", 1}}}),
        [&](const rows::RowStream& stream) -> core::Result<> {
            TM_TRY(rows::sendToSqlite(stream, options("t")));
            return rows::sendToSqlite(stream, options("T"));
        },
        directory_ / "data");
    EXPECT_THAT(said, HasSubstr("another output of this job writes to the table already"));
}

// Jobs of the program.
class SqliteJob : public SqliteOutput {
protected:
    void SetUp() override {
        rig_ = std::make_unique<SqlJobRig>([this](const std::string& table) {
            return "to = \"sqlite\"\npath = \"" + path() + "\"\ntable = \"" + table +
                   "\"\ncreate = true\n";
        });
        query_ = [this](const std::string& sql) { return ask(sql); };
    }
    std::string finish() { return rig_->finish(query_); }

    std::unique_ptr<SqlJobRig> rig_;
    Query query_;
};

TEST_F(SqliteJob, KilledAtEachPointOfATransactionShowsEachRowOnce) {
    for (const std::string point :
         {"sql.afterBegin", "sql.afterRows", "sql.beforeCommit", "sql.afterCommit"}) {
        for (const std::string passing : {"1", "2"}) {
            rig_->feed(50);
            auto job = rig_->start(point + ":kill:" + passing);
            std::optional<int> code;
            for (int i = 0; i < 60 && !code; ++i) {
                rig_->feed(20);
                code = job->wait(milliseconds(50));
            }
            ASSERT_EQ(code, kKilled) << point << "\n" << rig_->words();
        }
    }
    EXPECT_EQ(finish(), "");
}

TEST_F(SqliteJob, KilledAtRandomLosesAndDoublesNothing) {
    const char* given = std::getenv("TIDEMILL_SQL_ROUNDS");
    const auto rounds = given == nullptr ? 60 : std::stoul(given);
    const char* chosen = std::getenv("TIDEMILL_SQL_SEED");
    const auto seed = chosen == nullptr ? std::random_device{}() : std::stoul(chosen);
    SCOPED_TRACE("TIDEMILL_SQL_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto job = rig_->start();
    for (unsigned long round = 0; round < rounds; ++round) {
        for (auto pieces = 1 + random() % 4; pieces > 0; --pieces) {
            rig_->feed(1 + random() % 3000);
            std::this_thread::sleep_for(milliseconds(random() % 120));
        }
        ASSERT_EQ(job->poll(), std::nullopt) << rig_->words();
        job->kill();
        job = rig_->start();
    }
    rig_->feed(1);  // so that there is something to wait for
    EXPECT_TRUE(rig_->await(query_)) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(query_), "");
}

TEST_F(SqliteJob, ALockedDatabaseIsWaitedFor) {
    auto job = rig_->start();
    rig_->feed(100);
    EXPECT_TRUE(rig_->await(query_));
    {
        Reader other(path());
        other.ask("begin immediate");
        rig_->feed(100);
        std::this_thread::sleep_for(seconds(3));
        other.ask("commit");
    }
    EXPECT_TRUE(rig_->await(query_)) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(query_), "");
    EXPECT_THAT(rig_->allWords(), HasSubstr("SQLITE_BUSY"));
    EXPECT_THAT(rig_->allWords(), HasSubstr("table=lines works again"));
}

TEST_F(SqliteJob, AnOlderCopyOfTheDirectoryIsRefused) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    std::filesystem::copy(rig_->directory() / "data", rig_->directory() / "older",
                          std::filesystem::copy_options::recursive);
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    auto job = rig_->start({}, "older");
    EXPECT_EQ(job->wait(seconds(20)), 4) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("Was the data directory restored from an older copy?"));
}

TEST_F(SqliteJob, AFileThatMayNotBeWrittenStopsTheStart) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can run the job as somebody else";
    const passwd* const user = ::getpwnam("nobody");
    ASSERT_NE(user, nullptr);
    rig_->feed(10);
    EXPECT_EQ(finish(), "");
    // The directory and the database may be read.
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
    const auto jobs = rig_->directory().path();
    ASSERT_EQ(::system(("chown -R nobody " + jobs.string()).c_str()), 0);
    ChildProcess job({{"/usr/bin/setpriv", "--reuid=nobody", "--clear-groups",
                       TIDEMILL_PROGRAM_PATH, "run", jobs / "job.toml", "--data-dir", jobs / "new"},
                      {},
                      jobs / "out",
                      jobs / "nobody.log"});
    EXPECT_NE(job.wait(seconds(20)).value_or(0), 0);
    EXPECT_THAT(tailOf(jobs / "nobody.log"), HasSubstr("SQLITE_READONLY"));
    EXPECT_EQ(rig_->problems(query_), "");
}

TEST_F(SqliteJob, AnotherFileInItsPlaceIsRefused) {
    auto job = rig_->start();
    rig_->feed(100);
    EXPECT_TRUE(rig_->await(query_));
    std::filesystem::rename(path(), path() + ".kept");
    rig_->feed(100);
    EXPECT_EQ(job->wait(seconds(20)), 4) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("What was sent before is not there any more"));
    std::filesystem::remove(path());
    std::filesystem::rename(path() + ".kept", path());
    EXPECT_EQ(finish(), "");
}

}  // namespace
}  // namespace tidemill::test
