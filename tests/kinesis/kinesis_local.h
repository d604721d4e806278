// kinesis-local of a test's own, by the script `service` beside this file, and a client for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace tidemill::test {

// Its streams go with it. It ends when the test does. Thread safety: call() is thread-safe, the
// rest externally synchronized.
class KinesisLocal {
public:
    using Json = nlohmann::json;

    // Null, with `why`, when its programs cannot be had (`skips`: the test cannot run here) or it
    // does not start.
    static std::unique_ptr<KinesisLocal> start(std::string& why, bool& skips);
    ~KinesisLocal();

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::string log() const { return tailOf((directory_ / "log").string(), 40); }

    // The answer; null when there is none, or it is an error.
    Json call(const std::string& action, const Json& arguments) const;

    // Returns when the stream is active.
    bool create(const std::string& stream, int shards);
    bool awaitActive(const std::string& stream) const;
    // Open shards by their names, with the middle of their hash keys.
    std::map<std::string, std::string> openShards(const std::string& stream) const;
    // At most 500. False: not all were taken.
    bool put(const std::string& stream, const std::vector<std::string>& lines) const;

private:
    KinesisLocal() = default;

    std::filesystem::path directory_;
    std::uint16_t port_ = 0;
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace tidemill::test

// In a test or fixture: a running service, or the test is skipped or failed.
#define TM_START_KINESIS(service)                                                \
    std::string whyNoKinesis;                                                    \
    bool skipsKinesis = false;                                                   \
    service = ::tidemill::test::KinesisLocal::start(whyNoKinesis, skipsKinesis); \
    if (service == nullptr && skipsKinesis) GTEST_SKIP() << whyNoKinesis;        \
    ASSERT_NE(service, nullptr) << whyNoKinesis
