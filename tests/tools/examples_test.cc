// The example jobs as a newcomer runs them; only ports and times are changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/flume_client.h"
#include "tests/support/http_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
constexpr std::chrono::seconds kLongest{30};

class Example : public ::testing::Test {
protected:
    // The example as job.toml, each `from` in it replaced.
    void write(const std::string& name,
               const std::vector<std::pair<std::string, std::string>>& replaced) {
        auto text = contentOf(std::string(TIDEMILL_EXAMPLES_DIR) + "/" + name + ".toml");
        for (const auto& [from, to] : replaced) {
            const auto at = text.find(from);
            ASSERT_NE(at, text.npos) << from;
            text.replace(at, from.size(), to);
        }
        std::ofstream(rig_.path() / "job.toml") << text;
    }

    void stop(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(kLongest), 0) << rig_.daemonErrors();
    }

    bool printed(const std::string& text) {
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (rig_.daemonOutput().find(text) == std::string::npos) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return true;
    }

    ProgramRig rig_;
};

TEST_F(Example, Last30SecondsCountsWhatIsInTheWindowOnly) {
    TextServer server;
    write("last_30_seconds", {{"port = 9999", "port = " + std::to_string(server.port())},
                              {"[job]", "[job]\ninterval = \"100ms\""},
                              {"\"30s\"", "\"600ms\""},
                              {"\"10s\"", "\"200ms\""}});
    const auto daemon = rig_.start();
    server.accept();
    server.send("to be or not to be\n");
    EXPECT_TRUE(printed("(to,2)\n")) << rig_.daemonOutput();
    server.send("again\n");
    EXPECT_TRUE(printed("(again,1)\n")) << rig_.daemonOutput();
    // A window without the first line comes once it has left.
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.daemonOutput().rfind("(to,2)") > rig_.daemonOutput().size() - 200)
        ASSERT_LT(std::chrono::steady_clock::now(), until);
    server.send("last\n");
    EXPECT_TRUE(printed("(last,1)\n")) << rig_.daemonOutput();
    stop(*daemon);
    // Beside its result a window keeps panes, which are no table to be asked for.
    const auto tables = rig_.look({"state", "list"}).out;
    EXPECT_THAT(tables, HasSubstr(" (internal 1) "));
    EXPECT_THAT(tables, Not(HasSubstr("(internal 0)")));
}

TEST_F(Example, HttpCountsClicks) {
    const auto port = freePort();
    write("http", {{"listen = \"127.0.0.1:8080\"", "listen = \"" + std::to_string(port) + "\""},
                   {"interval = \"1s\"", "interval = \"100ms\""}});
    const auto daemon = rig_.start();
    ASSERT_TRUE(eventually([&] { return TestClient(port).connected(); })) << rig_.daemonErrors();
    const auto answer = HttpClient(port).post(
        "/clicks", "{\"page\": \"/home\"}\n{\"page\": \"/cart\"}\n{\"page\": \"/home\"}\n");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "{\"taken\": 3}\n");
    EXPECT_TRUE(printed("\"page\": \"/home\", \"clicks\": 2}")) << rig_.daemonOutput();
    stop(*daemon);
}

TEST_F(Example, FlumeCountsErrorsByHost) {
    const auto port = freePort();
    write("flume", {{"listen = \"127.0.0.1:4141\"", "listen = \"" + std::to_string(port) + "\""},
                    {"interval = \"1s\"", "interval = \"100ms\""}});
    const auto daemon = rig_.start();
    ASSERT_TRUE(eventually([&] { return TestClient(port).connected(); })) << rig_.daemonErrors();
    const std::vector<SentEvent> events{{"ERROR disk", {{"host", "a"}, {"id", "1"}}},
                                        {"INFO well", {{"host", "a"}, {"id", "2"}}},
                                        {"ERROR disk", {{"host", "a"}, {"id", "3"}}},
                                        {"ERROR net", {{"host", "b"}}}};
    FlumeClient agent(port);
    EXPECT_EQ(agent.append(events), true);
    // Sent again: only the one without an id counts again.
    EXPECT_EQ(agent.append(events), true);
    EXPECT_TRUE(printed("\"host\": \"b\", \"errors\": 2}")) << rig_.daemonOutput();
    EXPECT_TRUE(printed("\"host\": \"a\", \"errors\": 2}")) << rig_.daemonOutput();
    stop(*daemon);
    EXPECT_THAT(rig_.daemonOutput(), Not(HasSubstr("\"host\": \"a\", \"errors\": 3")));
}

TEST_F(Example, AccessLogSumsPerStatusAndOrdersPaths) {
    write("access_log", {{"port = 9998", "port = 0"},
                         {"[job]", "[job]\ninterval = \"100ms\""},
                         {"\"1min\"", "\"300ms\""},
                         {"slide = \"1min\"", "slide = \"300ms\""}});
    std::string log;
    for (int i = 0; i < 30; ++i)
        log += "10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] \"GET /page" + std::to_string(i % 3) +
               " HTTP/1.1\" " + (i % 5 == 0 ? "404" : "200") + " " + std::to_string(100 + i) + "\n";
    log += "this is no access log line\n";
    std::ofstream(rig_.path() / "log") << log;
    const auto daemon = rig_.start();
    std::string port;
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (port.empty()) {
        ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
        const auto said = rig_.daemonErrors();
        const auto at = said.find("127.0.0.1:");
        if (at != said.npos && said.find('\n', at) != said.npos)
            port = std::to_string(std::stoul(said.substr(at + 10)));
    }
    const auto sent = rig_.tidemill({"send", "--session", "web", port, rig_.path() / "log"});
    ASSERT_EQ(sent.code, 0) << sent.err;
    EXPECT_TRUE(printed("\"status\": 404, \"requests\": 6, \"bytes\": 675, \"largest\": 125"))
        << rig_.daemonOutput();
    EXPECT_TRUE(printed("(/page0,10)\n(/page1,10)\n(/page2,10)\n")) << rig_.daemonOutput();
    stop(*daemon);
    std::string dead;
    for (const auto& file : std::filesystem::directory_iterator(rig_.data() / "dead_letters"))
        if (file.path().extension() == ".jsonl") dead += contentOf(file.path());
    EXPECT_EQ(nlohmann::json::parse(dead)["record"], "this is no access log line");
}

TEST_F(Example, JoinMatchesTwoSocketsByKey) {
    TextServer orders, payments;
    write("join", {{"port = 9001", "port = " + std::to_string(orders.port())},
                   {"port = 9002", "port = " + std::to_string(payments.port())},
                   {"\"5s\"", "\"1s\""}});
    const auto daemon = rig_.start();
    orders.accept();
    payments.accept();
    orders.send("7,apples,3\n8,pears,1\nspoiled\n");
    payments.send("{\"order\": \"7\", \"paid\": 4.50}\n{\"order\": 9}\n");
    EXPECT_TRUE(
        printed("\"order\": \"7\", \"what\": \"apples\", \"pieces\": \"3\", \"paid\": 4.50}"))
        << rig_.daemonOutput() << rig_.daemonErrors();
    EXPECT_TRUE(
        printed("\"order\": \"8\", \"what\": \"pears\", \"pieces\": \"1\", \"paid\": null}"));
    stop(*daemon);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("because a function threw"));
}

}  // namespace
}  // namespace tidemill::test
