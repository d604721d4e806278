// HTTP sources of the real program, as curl sends to them.
#include <sys/wait.h>

#include "tests/support/http_client.h"
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

class Http : public Program {
protected:
    void SetUp() override {
        int code = 0;
        outputOf({"/bin/sh", "-c", "command -v curl"}, code);
        if (code != 0) GTEST_SKIP() << "no curl on this machine";
    }
    std::unique_ptr<ChildProcess> startJob(const std::string& keys = "",
                                           const std::string& more = "") {
        rig_.writeJob(
            "type = \"http\"\nname = \"in\"\nlisten = \"" + std::to_string(port_) + "\"\n" + keys,
            more);
        auto daemon = rig_.start();
        EXPECT_TRUE(eventually([&] { return daemon->poll() || TestClient(port_).connected(); }));
        return daemon;
    }
    // What curl prints of the answer to a request to the source: its code, then its body.
    std::string curl(const std::vector<std::string>& arguments) {
        std::vector<std::string> all{"/usr/bin/env", "curl", "--silent",    "--show-error",
                                     "--max-time",   "20",   "--write-out", "%{http_code}"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        all.push_back("http://127.0.0.1:" + std::to_string(port_) + "/in");
        int code = 0;
        return outputOf(all, code);
    }
    std::string file(const std::string& name, const std::string& text) {
        std::ofstream(rig_.path() / name, std::ios::binary) << text;
        countWords(expected_, text);
        return rig_.path() / name;
    }

    const std::uint16_t port_ = freePort();
};

TEST_F(Http, EverythingCurlSendsIsCountedOnce) {
    const auto daemon = startJob();
    EXPECT_THAT(rig_.daemonErrors(),
                HasSubstr("takes HTTP requests on 127.0.0.1:" + std::to_string(port_) + "/in"));
    // More than a megabyte: curl waits for "100 Continue".
    std::string large;
    for (int i = 0; i < 60'000; ++i) large += "the tide turns the mill " + std::to_string(i) + "\n";
    ASSERT_GT(large.size(), 1u << 20);
    const auto plain = file("plain", large);
    EXPECT_EQ(curl({"--data-binary", "@" + plain}), "{\"taken\": 60000}\n200");
    EXPECT_EQ(curl({"--header", "Transfer-Encoding: chunked", "--data-binary",
                    "@" + file("chunked", large)}),
              "{\"taken\": 60000}\n200");
    const auto text = someLines(1, 1000);
    countWords(expected_, text);
    std::ofstream(rig_.path() / "lines.gz", std::ios::binary) << gzipped(text);
    EXPECT_EQ(curl({"--header", "Content-Encoding: gzip", "--data-binary",
                    "@" + (rig_.path() / "lines.gz").string()}),
              "{\"taken\": 1000}\n200");
    // What is durable when curl has its answer needs no good end.
    daemon->kill();
    const auto again = rig_.start();
    ASSERT_TRUE(eventually([&] { return TestClient(port_).connected(); }));
    stopGracefully(*again);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Http, ASessionIsExactAcrossAKill) {
    auto daemon = startJob();
    const auto one = file("one", "a b\nc\n");
    const std::vector<std::string> session{"--header", "Tidemill-Session: till-7"};
    const auto from = [&](const std::string& line, const std::string& path) {
        return curl({"--header", "Tidemill-Session: till-7", "--header",
                     "Tidemill-First-Line: " + line, "--data-binary", "@" + path});
    };
    EXPECT_EQ(from("1", one), "{\"taken\": 2, \"durable\": 2}\n200");
    EXPECT_EQ(from("1", one), "{\"taken\": 0, \"durable\": 2}\n200");
    daemon->kill();
    daemon = rig_.start();
    ASSERT_TRUE(eventually([&] { return TestClient(port_).connected(); }));
    EXPECT_EQ(from("1", one), "{\"taken\": 0, \"durable\": 2}\n200");
    EXPECT_EQ(curl(session), "{\"taken\": 0, \"durable\": 2}\n200");
    EXPECT_EQ(from("3", file("two", "d\n")), "{\"taken\": 1, \"durable\": 3}\n200");
    stopGracefully(*daemon);
    // With checkpoints instead of the log.
    daemon = rig_.start();
    ASSERT_TRUE(eventually([&] { return TestClient(port_).connected(); }));
    EXPECT_EQ(from("3", rig_.path() / "two"), "{\"taken\": 0, \"durable\": 3}\n200");
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Http, ATokenIsNeededAndNeverShown) {
    const std::string token = "5c1b6cba31d3f4e2a0b1a4a7e1fd7b21";
    std::ofstream(rig_.path() / "token") << token << "\n";
    const auto daemon = startJob("token_file = \"" + (rig_.path() / "token").string() + "\"\n");
    EXPECT_THAT(curl({"--data", "a"}), HasSubstr("a token is needed"));
    EXPECT_EQ(curl({"--data", "a", "--header", "Authorization: Bearer " + token}),
              "{\"taken\": 1}\n200");
    const auto check = rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
    EXPECT_EQ(check.code, 0) << check.err;
    stopGracefully(*daemon);
    for (const auto& text : {check.out, check.err, rig_.daemonErrors(), rig_.daemonOutput()})
        EXPECT_EQ(text.find(token), text.npos);
    EXPECT_EQ(rig_.totals(), (Counts{{"a", 1}}));
}

TEST_F(Http, CheckSaysWhatTheSourceIs) {
    rig_.writeJob("type = \"http\"\nname = \"in\"\nlisten = \"8080\"");
    const auto check = rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
    EXPECT_EQ(check.code, 0) << check.err;
    EXPECT_THAT(check.out, HasSubstr("http listens on 127.0.0.1:8080/in"));
    rig_.writeJob("type = \"http\"\nlisten = \"0.0.0.0:8080\"");
    const auto refused = rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
    EXPECT_EQ(refused.code, 3) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("can be reached by other machines; give token_file"));
}

}  // namespace
}  // namespace tidemill::test
