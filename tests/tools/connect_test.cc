// tidemill run --check --connect: every peer is asked, nothing is started, nothing is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class Connect : public ::testing::Test {
protected:
    // Each source is printed.
    void writeSources(const std::vector<std::string>& sources, const std::string& more = "") {
        std::ofstream out(rig_.path() / "job.toml");
        out << "[job]\nname = \"asked\"\n";
        for (std::size_t i = 0; i < sources.size(); ++i)
            out << "[[source]]\nname = \"s" << i << "\"\n"
                << sources[i] << "\n"
                << "[[step]]\ndo = \"lower_case\"\nfrom = \"s" << i << "\"\n"
                << "[[output]]\nto = \"print\"\n";
        out << more;
    }

    Outcome check(std::vector<std::string> more = {}) {
        std::vector<std::string> all{"run", "--check", "--connect",
                                     (rig_.path() / "job.toml").string()};
        all.insert(all.end(), more.begin(), more.end());
        return rig_.look(all);
    }

    std::vector<Json> asked(int code) {
        const auto said = check({"--json"});
        EXPECT_EQ(said.code, code) << said.out << said.err;
        std::vector<Json> peers;
        std::istringstream lines(said.out);
        for (std::string line; std::getline(lines, line);) peers.push_back(Json::parse(line));
        return peers;
    }

    ProgramRig rig_;
};

TEST_F(Connect, EveryPeerIsAskedThoughOneFails) {
    TextServer server, listens;
    const auto path = rig_.path() / "taken";
    std::ofstream(path) << "a file";
    writeSources({"type = \"socket\"\nport = " + std::to_string(freePort()),
                  "type = \"socket\"\nport = " + std::to_string(server.port()),
                  "type = \"listen\"\nport = " + std::to_string(freePort()),
                  "type = \"listen_acknowledged\"\nport = " + std::to_string(listens.port()),
                  "type = \"listen\"\nhost = \"unix:" + path.string() + "\"",
                  "type = \"listen\"\nhost = \"unix:" + (rig_.path() / "free").string() + "\"",
                  "type = \"http\"\nlisten = \"" + std::to_string(freePort()) + "\""});
    const auto peers = asked(1);
    ASSERT_EQ(peers.size(), 7u);
    std::string well;
    for (const auto& peer : peers) well += peer["ok"].get<bool>() ? 'y' : 'n';
    EXPECT_EQ(well, "nyynnyy");
    EXPECT_EQ(peers[0]["peer"], "source 1 \"s0\"");
    EXPECT_THAT(peers[0]["troubles"][0].get<std::string>(), HasSubstr("Connection refused"));
    EXPECT_THAT(peers[3]["troubles"][0].get<std::string>(), HasSubstr("Address already in use"));
    EXPECT_THAT(peers[4]["troubles"][0].get<std::string>(), HasSubstr("which is no socket"));
    EXPECT_FALSE(fs::exists(rig_.path() / "free"));
    EXPECT_FALSE(fs::exists(rig_.data()));
}

TEST_F(Connect, IsSaidForPeople) {
    TextServer server;
    writeSources({"type = \"socket\"\nport = " + std::to_string(server.port())});
    auto said = check();
    EXPECT_EQ(said.code, 0) << said.err;
    EXPECT_THAT(said.out, HasSubstr("\nsource 1 \"s0\": "));
    EXPECT_THAT(said.out, HasSubstr("  connected to localhost:" + std::to_string(server.port())));
    EXPECT_THAT(said.out, HasSubstr("1 peer was asked, nothing is in the way\n"));
    writeSources({"type = \"socket\"\nport = " + std::to_string(freePort())});
    said = check();
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.out, HasSubstr("  FAILS: cannot connect to localhost:"));
    EXPECT_THAT(said.out, HasSubstr("1 would keep the job from its work\n"));
}

// A server that takes connections and says nothing.
TEST_F(Connect, APeerThatDoesNotAnswerHasItsTime) {
    TextServer silent;
    ::setenv("TIDEMILL_TEST_PASSWORD", "tide-and-time", 1);
    writeSources({"type = \"listen\"\nport = " + std::to_string(freePort())},
                 "[[step]]\ndo = \"count\"\n[[output]]\nto = \"postgres\"\ntable = \"counts\"\n"
                 "connection = \"host=127.0.0.1 port=" +
                     std::to_string(silent.port()) +
                     " password=${env:TIDEMILL_TEST_PASSWORD} sslmode=disable\"\n");
    const auto begun = std::chrono::steady_clock::now();
    const auto said = check();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.out, HasSubstr("can listen on 127.0.0.1:"));
    EXPECT_THAT(said.out, HasSubstr("FAILS: "));
    EXPECT_THAT(said.out, HasSubstr("10 s"));
    EXPECT_THAT(said.err, HasSubstr("output 2 has not answered for 2 s\n"));
    EXPECT_THAT(said.out + said.err, Not(HasSubstr("tide-and-time")));
}

TEST_F(Connect, ATableIsComparedWithTheRowsAndNothingIsMade) {
    const auto path = rig_.path() / "counts.db";
    const auto writeJob = [&](const std::string& more) {
        writeSources({"type = \"listen\"\nport = 0"},
                     "[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n[[output]]\nto = "
                     "\"sqlite\"\npath = \"" +
                         path.string() + "\"\ntable = \"counts\"\n" + more);
    };
    writeJob("create = true\n");
    auto peers = asked(0);
    ASSERT_EQ(peers.size(), 2u);
    EXPECT_EQ(peers[1]["troubles"], Json::array());
    EXPECT_THAT(peers[1]["facts"].dump(), HasSubstr("does not exist, and would be made"));
    EXPECT_FALSE(fs::exists(path));

    writeJob("");
    EXPECT_THAT(asked(1)[1]["troubles"].dump(), HasSubstr("there is no such file"));

    sqlite3* database = nullptr;
    ASSERT_EQ(::sqlite3_open(path.c_str(), &database), SQLITE_OK);
    const auto run = [&](const char* sql) {
        EXPECT_EQ(::sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
            << ::sqlite3_errmsg(database);
    };
    run("create table counts (value text, count text)");
    EXPECT_THAT(asked(1)[1]["troubles"].dump(), HasSubstr("must have INTEGER"));
    run("drop table counts; create table counts (value text, count integer)");
    peers = asked(0);
    EXPECT_THAT(peers[1]["facts"].dump(), HasSubstr("its columns fit the rows"));
    EXPECT_THAT(peers[1]["facts"].dump(), HasSubstr("tidemill_progress"));
    // The progress table was made and taken back.
    int tables = 0;
    ::sqlite3_exec(
        database, "select name from sqlite_schema where type = 'table'",
        [](void* count, int, char**, char**) { return ++*static_cast<int*>(count), 0; }, &tables,
        nullptr);
    EXPECT_EQ(tables, 1);
    ::sqlite3_close(database);
}

}  // namespace
}  // namespace tidemill::test
