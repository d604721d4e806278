// Outputs to databases in job files.
#include <gmock/gmock.h>

#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

using testing::HasSubstr;

const std::string kHead =
    "[job]\nname = \"shop\"\n[[source]]\ntype = \"socket\"\nport = 9999\n"
    "[[step]]\ndo = \"fields\"\nby = \"csv\"\nfields = {city = 1, n = {at = 2, type = \"int\"}}\n"
    "[[output]]\n";  // line 10

TEST(SqlOutputSpec, HasItsKeys) {
    const auto job = good(kHead +
                          "to = \"postgres\"\nconnection = \"host=db dbname=shop\"\ntable = "
                          "\"shop.totals\"\nmode = \"upsert\"\nkey = \"city\"\ncreate = true\n"
                          "shared = true\nprogress_table = \"p\"\n"
                          "[[output]]\nto = \"sqlite\"\npath = \"a.db\"\ntable = \"t\"\nmode = "
                          "\"replace\"\nmax_size = \"1MiB\"\n");
    ASSERT_EQ(job.outputs.size(), 2u);
    const auto& postgres = job.outputs[0].postgres;
    EXPECT_EQ(postgres.connection, "host=db dbname=shop");
    EXPECT_EQ(postgres.table, "shop.totals");
    EXPECT_EQ(postgres.mode, SqlMode::kUpsert);
    EXPECT_EQ(postgres.key, std::vector<std::string>{"city"});
    EXPECT_TRUE(postgres.create);
    EXPECT_TRUE(postgres.shared);
    EXPECT_EQ(postgres.progressTable, "p");
    const auto& sqlite = job.outputs[1].sqlite;
    EXPECT_EQ(sqlite.path, "a.db");
    EXPECT_EQ(sqlite.mode, SqlMode::kReplace);
    EXPECT_EQ(sqlite.maxBytes, 1u << 20);
    EXPECT_FALSE(sqlite.create);
}

TEST(SqlOutputSpec, SaysWhatIsWrong) {
    const std::string postgres = kHead + "to = \"postgres\"\ntable = \"t\"\n";
    EXPECT_EQ(errorOf(postgres), "job.toml:10:1: [[output]] lacks the key \"connection\"");
    EXPECT_EQ(errorOf(postgres + "connection = \"host=db pasword=hunter2\"\n"),
              "job.toml:13:14: the connection string cannot be read: invalid connection option "
              "\"pasword\", did you mean \"password\"?");
    const auto secret = errorOf(postgres + "connection = \"host=db password=hunter two\"\n");
    EXPECT_THAT(secret, HasSubstr("job.toml:13:14: the connection string cannot be read"));
    EXPECT_THAT(secret, testing::Not(HasSubstr("two")));
    const std::string whole = postgres + "connection = \"host=db\"\n";
    EXPECT_EQ(
        errorOf(whole + "mode = \"upsert\"\n"),
        "job.toml:10:1: mode \"upsert\" needs a key: the columns by which rows of table t are "
        "found again");
    EXPECT_EQ(errorOf(whole + "mode = \"upsert\"\nkey = \"town\"\n"),
              "job.toml:10:1: key \"town\" is no column of the rows; known are: city, n");
    EXPECT_EQ(errorOf(whole + "key = \"city\"\n"),
              "job.toml:10:1: a key is of mode \"upsert\", but table t has another mode");
    EXPECT_EQ(errorOf(whole + "mode = \"replace\"\nshared = true\n"),
              "job.toml:10:1: mode \"replace\" takes table t for itself: it cannot be shared");
    EXPECT_EQ(
        errorOf(whole + "progress_table = \"t\"\n"),
        "job.toml:10:1: table \"t\" is where the job's progress is kept; send rows to another");
    EXPECT_THAT(errorOf(whole + "mode = \"insert\"\n"), HasSubstr("mode \"insert\" is not known"));
    EXPECT_EQ(errorOf(whole + "[[output]]\nto = \"postgres\"\ntable = \"t\"\nconnection = "
                              "\"host=db\"\n"),
              "job.toml:16:9: another output writes to table \"t\" already");
    EXPECT_EQ(errorOf(kHead + "to = \"sqlite\"\npath = \"file:x?mode=memory\"\ntable = \"t\"\n"),
              "job.toml:10:1: \"file:x?mode=memory\" is no path of a SQLite database's file");
    EXPECT_EQ(
        errorOf(kHead + "to = \"sqlite\"\npath = \"shop.data/x.db\"\ntable = \"t\"\n"),
        "job.toml:10:1: this output writes to \"shop.data/x.db\", which lies in the job's data "
        "directory");
}

TEST(SqlOutputSpec, TakesRowsOnly) {
    EXPECT_THAT(errorOf("[job]\nname = \"j\"\n[[source]]\ntype = \"socket\"\nport = 9999\n"
                        "[[output]]\nto = \"sqlite\"\npath = \"a.db\"\ntable = \"t\"\n"),
                HasSubstr("this output takes rows of fields, but is given text"));
}

}  // namespace
}  // namespace tidemill::tools
