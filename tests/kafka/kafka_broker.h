// A Kafka broker of a test's own, by the script `broker` beside this file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace tidemill::test {

// A user that the broker takes on a listener of its own, by SASL_SSL; empty: there is none.
struct KafkaSecurity {
    std::string user, password;
    std::string pemFile;  // the broker's key and certificate
};

// One node on loopback; its data goes with it. It ends when the test does.
// Thread safety: externally synchronized.
class KafkaBroker {
public:
    // Null, with `why`, when the broker's programs cannot be had (`skips`: the test cannot run
    // here) or it does not start. `properties`: "log.retention.check.interval.ms=100" and so on.
    static std::unique_ptr<KafkaBroker> start(std::string& why, bool& skips,
                                              std::vector<std::string> properties = {},
                                              const KafkaSecurity& security = {});
    ~KafkaBroker();

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    // By SASL_SSL, when there is a user.
    std::string secureAddress() const { return "127.0.0.1:" + std::to_string(securePort_); }

    // SIGKILL; an orderly end, which takes seconds.
    void kill();
    void stop();
    // Again, on the same port and data, and waits until it answers; false: see log().
    bool restart();
    // The same without waiting.
    void restartInBackground();
    bool awaitAnswer() const;

    std::string log() const { return tailOf((directory_ / "broker.log").string(), 40); }

private:
    KafkaBroker() = default;

    std::filesystem::path directory_;
    std::uint16_t port_ = 0;
    std::uint16_t controllerPort_ = 0;
    std::uint16_t securePort_ = 0;
    std::vector<std::string> properties_;
    KafkaSecurity security_;
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace tidemill::test

// In a test or fixture: a running broker, or the test is skipped or failed.
#define TM_START_KAFKA(broker, ...)                                                       \
    std::string whyNoKafka;                                                               \
    bool skipsKafka = false;                                                              \
    broker = ::tidemill::test::KafkaBroker::start(whyNoKafka, skipsKafka, {__VA_ARGS__}); \
    if (broker == nullptr && skipsKafka) GTEST_SKIP() << whyNoKafka;                      \
    ASSERT_NE(broker, nullptr) << whyNoKafka
