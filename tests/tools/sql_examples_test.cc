// The example jobs that write to databases, as a newcomer runs them; only ports, paths and the
// interval are changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/support/private_postgres.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using ::testing::HasSubstr;
constexpr std::chrono::seconds kLongest{30};

class SqlExample : public ::testing::Test {
protected:
    void write(const std::string& name, std::vector<std::pair<std::string, std::string>> replaced) {
        auto text = contentOf(std::string(TIDEMILL_EXAMPLES_DIR) + "/" + name + ".toml");
        for (const auto& [from, to] : replaced) {
            auto at = text.find(from);
            ASSERT_NE(at, text.npos) << from;
            for (; at != text.npos; at = text.find(from, at + to.size()))
                text.replace(at, from.size(), to);
        }
        std::ofstream(rig_.path() / "job.toml") << text;
    }

    // Sends the lines until they are durable, and stops the job when it has processed them.
    void runOver(const std::string& lines, const std::map<std::string, std::string>& environment) {
        std::ofstream(rig_.path() / "lines") << lines;
        const auto before = rig_.daemonErrors().size();
        const auto daemon = rig_.start(environment);
        std::string port;
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (port.empty()) {
            ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
            const auto said = rig_.daemonErrors().substr(before);
            const auto at = said.find("127.0.0.1:");
            if (at != said.npos && said.find('\n', at) != said.npos)
                port = std::to_string(std::stoul(said.substr(at + 10)));
        }
        const auto sent = rig_.tidemill({"send", "--session", "me", port, rig_.path() / "lines"});
        ASSERT_EQ(sent.code, 0) << sent.err;
        daemon->signal(SIGTERM);
        ASSERT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
    }

    ProgramRig rig_;
};

TEST_F(SqlExample, OrdersAreInPostgresOnceAndSummed) {
    if (!PrivatePostgres::isInstalled()) GTEST_SKIP() << "the package postgresql-15 is not here";
    std::string why;
    const auto server = PrivatePostgres::start(why);
    ASSERT_NE(server, nullptr) << why;
    write("orders_to_postgres", {{"port = 9997", "port = 0"}, {"\"1s\"", "\"100ms\""}});
    const std::string secret = "n0b0dy-sees-this";
    const std::map<std::string, std::string> shop{
        {"SHOP", server->connection() + " password=" + secret}};
    runOver("7,apples,3\n8,pears,1\n7,plums,20\n", shop);
    runOver("7,apples,3\n8,pears,1\n7,plums,20\n9,nuts,2\n", shop);
    EXPECT_EQ(server->run("select customer, what, pieces from orders order by pieces;", why),
              "8|pears|1\n9|nuts|2\n7|apples|3\n7|plums|20\n");
    EXPECT_EQ(server->run("select * from customers order by customer;", why),
              "7|2|23\n8|1|1\n9|1|2\n");
    EXPECT_EQ(rig_.daemonErrors().find(secret), std::string::npos);
}

TEST_F(SqlExample, RequestsAreInSqliteOnceAndSummed) {
    const auto path = (rig_.path() / "requests.db").string();
    write("requests_to_sqlite", {{"port = 9996", "port = 0"},
                                 {"\"1s\"", "\"100ms\""},
                                 {"\"requests.db\"", "\"" + path + "\""}});
    const std::string line = "10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" ";
    runOver(line + "200 100\n" + line + "404 -\n" + line + "200 7\n", {});
    int code = 0;
    const auto asked = outputOf({"/usr/bin/python3", "-c",
                                 "import sqlite3, sys\n"
                                 "db = sqlite3.connect(sys.argv[1])\n"
                                 "print(*db.execute('select * from statuses order by status'))\n"
                                 "print(*db.execute('select time, path, status, bytes from "
                                 "requests'), sep='\\n')\n",
                                 path},
                                code);
    EXPECT_EQ(code, 0);
    EXPECT_THAT(asked, HasSubstr("(200, 2, 107) (404, 1, None)"));
    EXPECT_THAT(asked, HasSubstr("('2026-11-23T10:00:00.000000Z', '/', 404, None)"));
}

}  // namespace
}  // namespace tidemill::test
