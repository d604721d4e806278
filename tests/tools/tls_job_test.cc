// Job files with TLS and a token, and a foreign client: openssl s_client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

const std::string kToken = "correct-horse-battery-staple";

class TlsJob : public ::testing::Test {
protected:
    void SetUp() override {
        std::ofstream(file("token")) << kToken << "\n";
        const auto made = runs(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
            "-subj /CN=mill -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout " +
            file("key.pem") + " -out " + file("cert.pem"));
        if (!made) GTEST_SKIP() << "needs openssl";
    }
    std::string file(const std::string& name) const { return (rig_.path() / name).string(); }
    static bool runs(const std::string& command) {
        return std::system(("(" + command + ") >/dev/null 2>&1").c_str()) == 0;
    }
    void writeJob(const std::string& type) {
        rig_.writeJob("type = \"" + type +
                      "\"\nhost = \"127.0.0.1\"\nport = " + std::to_string(port_) +
                      "\ncert_file = \"" + file("cert.pem") + "\"\nkey_file = \"" +
                      file("key.pem") + "\"\ntoken_file = \"" + file("token") + "\"");
    }
    std::unique_ptr<ChildProcess> start() {
        auto daemon = rig_.start();
        EXPECT_TRUE(eventually([&] { return TestClient(port_).connected(); }))
            << rig_.daemonErrors();
        return daemon;
    }
    void stop(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(std::chrono::seconds(30)), 0) << rig_.daemonErrors();
    }

    ProgramRig rig_;
    const std::uint16_t port_ = freePort();
};

TEST_F(TlsJob, LinesOfOpensslsClientCount) {
    writeJob("listen");
    const auto daemon = start();
    const auto server = "127.0.0.1:" + std::to_string(port_);
    ASSERT_TRUE(runs("(printf 'token " + kToken +
                     "\\none two\\none'; sleep 1) | openssl s_client "
                     "-quiet -no_ign_eof -CAfile " +
                     file("cert.pem") + " -verify_return_error -connect " + server));
    ASSERT_TRUE(rig_.awaitLoggedLines(2));
    // It goes when its input ends, be the handshake done or not.
    const auto client = " | openssl s_client -quiet -no_ign_eof -connect " + server;
    runs("(printf 'token wrong-horse-battery-staple\\nthree\\n'; sleep 1)" + client);
    runs("(printf 'four\\n'; sleep 1)" + client);
    stop(*daemon);
    EXPECT_EQ(rig_.totals(), (Counts{{"one", 2}, {"two", 1}}));
    EXPECT_EQ(rig_.daemonErrors().find(kToken), std::string::npos);
}

TEST_F(TlsJob, ASenderLosesAndDoublesNothingThoughTheJobIsKilled) {
    writeJob("listen_acknowledged");
    constexpr int kLines = 20'000;
    Counts expected;
    {
        std::ofstream lines(file("lines"));
        for (int i = 0; i < kLines; ++i) {
            lines << "w" << i << "\n";
            expected["w" + std::to_string(i)] = 1;
        }
    }
    ChildProcess sender(
        {.arguments = {TIDEMILL_PROGRAM_PATH, "send", "--tls", "--ca", file("cert.pem"),
                       "--token-file", file("token"), "--session", "s", "--rate", "60000",
                       "localhost:" + std::to_string(port_), file("lines")},
         .environment = {},
         .outputFile = file("send.out"),
         .errorFile = file("send.err")});
    for (int life = 0; life < 4; ++life) {
        const auto daemon = start();
        daemon->wait(milliseconds(300));
        daemon->kill();
    }
    const auto daemon = start();
    EXPECT_EQ(sender.wait(std::chrono::seconds(30)), 0) << contentOf(file("send.err"));
    stop(*daemon);
    EXPECT_TRUE(rig_.totals() == expected) << rig_.totals().size();
}

TEST_F(TlsJob, ASenderThatIsNotLetInEndsWithFour) {
    writeJob("listen_acknowledged");
    const auto daemon = start();
    std::ofstream(file("other")) << "wrong-horse-battery-staple\n";
    const auto server = "127.0.0.1:" + std::to_string(port_);
    const auto send = [&](std::vector<std::string> more) {
        std::vector<std::string> all{"send", "--session", "s"};
        all.insert(all.end(), more.begin(), more.end());
        all.insert(all.end(), {server, file("token")});
        return rig_.tidemill(all);
    };
    auto said = send({"--tls", "--ca", file("cert.pem"), "--token-file", file("other")});
    EXPECT_EQ(said.code, 4) << said.err;
    EXPECT_THAT(said.err, HasSubstr("the token is missing or wrong"));
    said = send({"--tls", "--token-file", file("token")});
    EXPECT_EQ(said.code, 4) << said.err;
    EXPECT_THAT(said.err, HasSubstr("its certificate is not trusted"));
    said = send({});
    EXPECT_EQ(said.code, 4) << said.err;
    EXPECT_THAT(said.err, HasSubstr("speaks TLS only"));
    said = send({"--ca", file("cert.pem")});
    EXPECT_EQ(said.code, 2) << "--ca is of no use without --tls";
    stop(*daemon);
}

TEST_F(TlsJob, ACheckNamesFilesThatCannotBeUsed) {
    std::ofstream(file("key.pem")) << "no key\n";
    writeJob("listen");
    const auto said = rig_.tidemill({"run", "--check", file("job.toml")});
    EXPECT_EQ(said.code, 3);
    EXPECT_THAT(said.err, HasSubstr("key_file \"" + file("key.pem") + "\" holds no key"));
}

}  // namespace
}  // namespace tidemill::test
