// Jobs of the program that write to a real PostgreSQL server: killed, copied, cut off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "tests/outputs/postgres_fixture.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr int kKilled = 128 + SIGKILL;

class PostgresJob : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        if (IsSkipped()) return;
        rig_ = std::make_unique<SqlJobRig>([](const std::string& table) {
            return "to = \"postgres\"\nconnection = \"" + server_->connection() + "\"\ntable = \"" +
                   table + "\"\ncreate = true\n";
        });
    }
    std::string finish() { return rig_->finish(ask); }

    std::unique_ptr<SqlJobRig> rig_;
};

TEST_F(PostgresJob, ShowsEachRowOnceOverSeveralLives) {
    for (int life = 0; life < 3; ++life) {
        rig_->feed(1000);
        EXPECT_EQ(finish(), "");
    }
}

TEST_F(PostgresJob, KilledAtEachPointOfATransactionShowsEachRowOnce) {
    for (const std::string point : {"sql.afterConnect", "sql.afterBegin", "sql.afterRows",
                                    "sql.beforeCommit", "sql.afterCommit"}) {
        for (const std::string passing : {"1", "2", "3"}) {
            rig_->feed(50);
            auto job = rig_->start(point + ":kill:" + passing);
            std::optional<int> code;
            for (int i = 0; i < 60 && !code; ++i) {
                rig_->feed(20);
                code = job->wait(milliseconds(50));
            }
            if (point == "sql.afterConnect" && passing == "3") {
                job->kill();  // two outputs connect once
                continue;
            }
            ASSERT_EQ(code, kKilled) << point << "\n" << rig_->words();
        }
    }
    EXPECT_EQ(finish(), "");
}

TEST_F(PostgresJob, AnOlderCopyOfTheDirectoryIsRefused) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    std::filesystem::copy(rig_->directory() / "data", rig_->directory() / "older",
                          std::filesystem::copy_options::recursive);
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    auto job = rig_->start({}, "older");
    EXPECT_EQ(job->wait(seconds(20)), 4) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("Was the data directory restored from an older copy?"));
    EXPECT_EQ(rig_->problems(ask), "");
}

TEST_F(PostgresJob, AProgressThatIsGoneIsRefusedWhileABatchIsInDoubt) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    auto job = rig_->start("sql.beforeCommit:kill");
    rig_->feed(100);
    EXPECT_EQ(job->wait(seconds(20)), kKilled) << rig_->words();
    run("delete from tidemill_progress;");
    job = rig_->start();
    EXPECT_EQ(job->wait(seconds(20)), 4) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("What was sent before is not there any more"));
}

TEST_F(PostgresJob, ASecondCopyOfTheDirectoryIsRefused) {
    rig_->feed(100);
    EXPECT_EQ(finish(), "");
    std::filesystem::copy(rig_->directory() / "data", rig_->directory() / "copy",
                          std::filesystem::copy_options::recursive);
    auto job = rig_->start();
    rig_->feed(100);
    EXPECT_TRUE(rig_->await(ask));
    auto copy = rig_->start({}, "copy");
    EXPECT_EQ(copy->wait(seconds(20)), 4) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(ask), "");
}

TEST_F(PostgresJob, ALostConnectionIsWaitedFor) {
    auto job = rig_->start();
    for (int i = 0; i < 10; ++i) {
        rig_->feed(200);
        std::this_thread::sleep_for(milliseconds(20 * i));
        run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
            "'tidemill';");
    }
    // A lock that somebody holds.
    std::thread locking([] { run("begin; lock table lines; select pg_sleep(1); commit;"); });
    rig_->feed(200);
    locking.join();
    EXPECT_TRUE(rig_->await(ask)) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(ask), "");
    EXPECT_THAT(rig_->allWords(), HasSubstr("the batch waits"));
    EXPECT_THAT(rig_->allWords(), HasSubstr("table=totals works again"));
}

TEST_F(PostgresJob, AServerThatIsNotThereIsWaitedFor) {
    rig_->feed(100);
    server_->kill();
    auto job = rig_->start();
    std::this_thread::sleep_for(seconds(2));
    EXPECT_EQ(job->poll(), std::nullopt) << rig_->words();
    EXPECT_THAT(rig_->allWords(), HasSubstr("the first batch waits for it"));
    ASSERT_TRUE(server_->restart());
    EXPECT_TRUE(rig_->await(ask)) << rig_->words();
    EXPECT_EQ(rig_->stop(*job), 0) << rig_->words();
    EXPECT_EQ(rig_->problems(ask), "");
}

TEST_F(PostgresJob, ATableThatIsTakenAwayStopsTheJobWithItsState) {
    auto job = rig_->start();
    rig_->feed(100);
    EXPECT_TRUE(rig_->await(ask));
    run("alter table lines rename to kept;");
    rig_->feed(100);
    EXPECT_EQ(job->wait(seconds(20)), 1) << rig_->words();
    EXPECT_THAT(rig_->words(), HasSubstr("(SQL state 42P01)"));
    run("alter table kept rename to lines;");
    EXPECT_EQ(finish(), "");
}

}  // namespace
}  // namespace tidemill::test
