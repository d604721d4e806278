// An output whose peer is away is seen in the status, on the page and in the metrics.
#include <sqlite3.h>

#include <regex>

#include "tests/tools/control_fixture.h"
#include "tests/tools/page_fixture.h"

namespace tidemill::test {
namespace {

// A database that somebody else writes to.
class Locked {
public:
    explicit Locked(const fs::path& path) {
        EXPECT_EQ(::sqlite3_open(path.c_str(), &database_), SQLITE_OK);
        run("create table if not exists counts (value text, count integer)");
        run("begin exclusive");
    }
    ~Locked() {
        run("commit");
        ::sqlite3_close(database_);
    }

private:
    void run(const char* statement) {
        EXPECT_EQ(::sqlite3_exec(database_, statement, nullptr, nullptr, nullptr), SQLITE_OK)
            << ::sqlite3_errmsg(database_);
    }
    sqlite3* database_ = nullptr;
};

class WaitingOutput : public Control {};

TEST_F(WaitingOutput, IsTroubleUntilItsPeerIsBack) {
    const auto database = rig_.path() / "counts.db";
    auto locked = std::make_unique<Locked>(database);
    const auto port = freePort();
    rig_.writeDialingJob(
        server_, "[[output]]\nto = \"sqlite\"\nfrom = \"counts\"\npath = \"" + database.string() +
                     "\"\ntable = \"counts\"\n[page]\nlisten = \"" + std::to_string(port) + "\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed("mill tide mill\n");
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["outputs"][0]["waits"] == true; }))
        << rig_.daemonErrors();
    const auto said = status();
    EXPECT_EQ(said["health"], "trouble");
    EXPECT_THAT(said["words"][0].get<std::string>(),
                HasSubstr("output 1 (SQLite path=" + database.string()));
    EXPECT_THAT(said["words"][0].get<std::string>(), HasSubstr("batches wait for it: "));
    EXPECT_GE(said["outputs"][0]["attempts"], 1);
    EXPECT_THAT(said["outputs"][0]["last_error"].get<std::string>(), HasSubstr("locked"));
    EXPECT_THAT(rig_.look({"status"}).out, HasSubstr(", waits for its peer for "));
    const auto metrics =
        asked(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body;
    EXPECT_THAT(metrics, HasSubstr("tidemill_output_waits{job_name=\"program\",output=\"1\""));
    EXPECT_TRUE(std::regex_search(metrics, std::regex("tidemill_output_waits\\{[^}]*\\} 1\n")))
        << metrics;
    locked.reset();
    EXPECT_TRUE(awaitStatus([](const Json& s) {
        return s["outputs"][0]["waits"] == false && s["health"] == "well";
    })) << status();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
}

TEST_F(WaitingOutput, IsNotWaitedForByAStopForLong) {
    const auto database = rig_.path() / "counts.db";
    auto locked = std::make_unique<Locked>(database);
    rig_.writeDialingJob(server_, "[[output]]\nto = \"sqlite\"\nfrom = \"counts\"\npath = \"" +
                                      database.string() + "\"\ntable = \"counts\"\n");
    auto daemon = rig_.start();
    server_.accept();
    feed("mill tide mill\n");
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["outputs"][0]["waits"] == true; }))
        << rig_.daemonErrors();
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(std::chrono::seconds(30)), 7) << rig_.daemonErrors();
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("output SQLite path=" + database.string()));
    EXPECT_THAT(rig_.daemonErrors(),
                HasSubstr("stays in the log of " + rig_.data().string() + ": nothing is lost"));
    // The same at a start that shows the batch again, however often.
    for (int i = 0; i < 3; ++i) {
        daemon = rig_.start();
        ASSERT_TRUE(awaitStatus([](const Json& s) { return s["outputs"][0]["waits"] == true; }))
            << rig_.daemonErrors();
        daemon->signal(SIGTERM);
        EXPECT_EQ(daemon->wait(std::chrono::seconds(30)), 7) << rig_.daemonErrors();
    }
    locked.reset();
    daemon = rig_.start();
    ASSERT_TRUE(awaitStatus([](const Json& s) { return s["health"] == "well"; })) << status();
    EXPECT_THAT(rig_.daemonErrors(), testing::Not(HasSubstr("has ended the process")));
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
}

}  // namespace
}  // namespace tidemill::test
