// A broker that wants TLS and a password: job files that have them, and that have wrong ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kUser = "miller";
constexpr const char* kPassword = "tide-and-mill";

// An authority, and the broker's key and certificate by it. Null: there is no openssl.
constexpr const char* kMakeCertificates = R"(
command -v openssl >/dev/null || exit 77
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj "/CN=authority" -days 2
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -subj "/CN=other" -days 2
openssl req -newkey rsa:2048 -nodes -keyout broker.key -out broker.csr -subj "/CN=broker"
echo "subjectAltName=IP:127.0.0.1" >names
openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names \
    -out broker.crt -days 2
cat broker.key broker.crt >broker.pem
)";

class KafkaSecure : public testing::Test {
protected:
    void SetUp() override {
        const auto script = "cd '" + rig_.path().string() + "' && set -e\n" + kMakeCertificates;
        ChildProcess made({.arguments = {"/bin/sh", "-c", script},
                           .environment = {},
                           .outputFile = (rig_.path() / "openssl.log").string(),
                           .errorFile = (rig_.path() / "openssl.log").string()});
        const auto code = made.wait(seconds(60));
        if (code == 77) GTEST_SKIP() << "openssl is not here";
        ASSERT_EQ(code, 0) << contentOf(rig_.path() / "openssl.log");
    }

    // The user may do everything, or nothing. False: there is none, and `why_`.
    bool startBroker(bool mayAll) {
        std::vector<std::string> properties;
        if (mayAll) properties.push_back("super.users=User:ANONYMOUS;User:" + std::string(kUser));
        bool skips = false;
        broker_ = KafkaBroker::start(why_, skips, properties,
                                     {kUser, kPassword, (rig_.path() / "broker.pem").string()});
        if (broker_ == nullptr) {
            EXPECT_TRUE(skips) << why_;
            return false;
        }
        client_ = std::make_unique<KafkaClient>(broker_->address());
        client_->createTopic("in");
        client_->createTopic("out");
        for (int i = 0; i < 10; ++i) client_->produce("in", 0, "r" + std::to_string(i));
        EXPECT_TRUE(client_->flush());
        return true;
    }

    std::string secure(const std::string& authority) const {
        return "{\"security.protocol\" = \"SASL_SSL\", \"sasl.mechanism\" = \"PLAIN\", "
               "\"sasl.username\" = \"" +
               std::string(kUser) +
               "\", \"sasl.password\" = \"${env:TIDEMILL_TEST_PASSWORD}\", "
               "\"ssl.ca.location\" = \"" +
               (rig_.path() / authority).string() + "\"}\n";
    }

    void writeThrough(const std::string& authority = "ca.pem") {
        const std::string there =
            "brokers = \"" + broker_->secureAddress() + "\"\nkafka = " + secure(authority);
        std::ofstream(rig_.path() / "job.toml")
            << "[job]\nname = \"through\"\ninterval = \"50ms\"\n[[source]]\ntype = \"kafka\"\n"
               "name = \"in\"\ntopics = \"in\"\n"
            << there << "[[output]]\nto = \"kafka\"\ntopic = \"out\"\n"
            << there;
    }
    // The output alone: files have something for it.
    void writeOutput(const std::string& authority = "ca.pem") {
        std::filesystem::remove_all(rig_.data());
        const auto input = rig_.path() / "input";
        std::filesystem::create_directories(input);
        std::ofstream(input / "1.txt") << "a line\n";
        std::ofstream(rig_.path() / "job.toml")
            << "[job]\nname = \"through\"\ninterval = \"50ms\"\n[[source]]\ntype = \"files\"\n"
               "existing = \"take\"\ndirectory = \""
            << input.string() << "\"\n[[output]]\nto = \"kafka\"\ntopic = \"out\"\nbrokers = \""
            << broker_->secureAddress() << "\"\nkafka = " << secure(authority);
    }

    std::unique_ptr<ChildProcess> start(const std::string& password = kPassword) {
        ::setenv("TIDEMILL_TEST_PASSWORD", password.c_str(), 1);
        return rig_.start();
    }

    // The job ends by itself, with these words.
    template <class Matcher>
    void expectEnds(const std::string& password, Matcher words) {
        auto daemon = start(password);
        EXPECT_EQ(daemon->wait(seconds(60)), 1) << rig_.daemonErrors();
        EXPECT_THAT(rig_.daemonErrors(), words);
        EXPECT_THAT(rig_.daemonErrors(), Not(HasSubstr(password)));
    }

    std::string checked(const std::string& password) {
        ::setenv("TIDEMILL_TEST_PASSWORD", password.c_str(), 1);
        const auto said =
            rig_.look({"run", "--check", "--connect", (rig_.path() / "job.toml").string()});
        return said.out + said.err;
    }

    std::string why_;
    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaClient> client_;
    ProgramRig rig_;
};

TEST_F(KafkaSecure, ReadsAndWritesWithThePasswordOfTheEnvironment) {
    if (!startBroker(true)) GTEST_SKIP() << why_;
    writeThrough();
    EXPECT_THAT(checked(kPassword), HasSubstr("2 peers were asked, nothing is in the way"));
    auto daemon = start();
    for (int tries = 0; tries < 600 && client_->endOffset("out", 0) < 10; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(seconds(30)), 0) << rig_.daemonErrors();
    EXPECT_EQ(client_->readAll("out").size(), 10u);
    EXPECT_THAT(rig_.daemonErrors(), Not(HasSubstr(kPassword)));
}

TEST_F(KafkaSecure, AWrongPasswordEndsTheJob) {
    if (!startBroker(true)) GTEST_SKIP() << why_;
    const auto refused =
        AllOf(HasSubstr(broker_->secureAddress()), HasSubstr("Invalid username or password"));
    writeThrough();
    expectEnds("not-the-password", refused);
    const auto said = checked("not-the-password");
    EXPECT_THAT(said, HasSubstr("2 would keep the job from its work"));
    EXPECT_THAT(said, Not(HasSubstr("not-the-password")));
    writeOutput();
    expectEnds("not-the-password", refused);
}

TEST_F(KafkaSecure, ABrokerOfAnotherAuthorityEndsTheJob) {
    if (!startBroker(true)) GTEST_SKIP() << why_;
    const auto refused =
        AllOf(HasSubstr(broker_->secureAddress()), HasSubstr("certificate verify failed"));
    writeThrough("other.pem");
    expectEnds(kPassword, refused);
    EXPECT_THAT(checked(kPassword), HasSubstr("certificate verify failed"));
    writeOutput("other.pem");
    expectEnds(kPassword, refused);
}

TEST_F(KafkaSecure, WhatIsNotAllowedEndsTheJob) {
    if (!startBroker(false)) GTEST_SKIP() << why_;
    writeThrough();
    expectEnds(kPassword, HasSubstr("Topic authorization failed"));
    writeOutput();
    expectEnds(kPassword, HasSubstr("authorization failed"));
    // May be seen, and not be read.
    client_->allow(kUser, RD_KAFKA_RESOURCE_GROUP, "through", RD_KAFKA_ACL_OPERATION_ALL);
    client_->allow(kUser, RD_KAFKA_RESOURCE_TOPIC, "in", RD_KAFKA_ACL_OPERATION_DESCRIBE);
    writeThrough();
    EXPECT_THAT(checked(kPassword),
                AllOf(HasSubstr("topic \"in\" has 1 partition"),
                      HasSubstr("cannot be read: Broker: Topic authorization failed")))
        << "as the source is told";
    expectEnds(kPassword, HasSubstr("Topic authorization failed"));
}

// Refused by a broker that goes is not refused for good.
TEST_F(KafkaSecure, ABrokerThatGoesAndComesBackIsWaitedFor) {
    if (!startBroker(true)) GTEST_SKIP() << why_;
    writeThrough();
    auto daemon = start();
    for (int round = 1; round <= 3; ++round) {
        for (int tries = 0; tries < 600 && client_->endOffset("out", 0) < 10 * round; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        if (round % 2 == 0) broker_->kill();
        else broker_->stop();
        ASSERT_TRUE(broker_->restart()) << broker_->log();
        for (int i = 0; i < 10; ++i)
            client_->produce("in", 0, "s" + std::to_string(round * 10 + i));
        ASSERT_TRUE(client_->flush());
        ASSERT_EQ(daemon->poll(), std::nullopt) << rig_.daemonErrors();
    }
    for (int tries = 0; tries < 600 && client_->committed("through.in", "in", 0) < 40; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(seconds(60)), 0) << rig_.daemonErrors();
    EXPECT_EQ(client_->readAll("out").size(), 40u);
}

}  // namespace
}  // namespace tidemill::test
