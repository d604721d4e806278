// An acknowledged sender under a test's control. Unlike `tidemill send` it remembers what it was
// told is durable, so that acknowledged lines that are lost cannot be sent again unseen.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_client.h"

namespace tidemill::test {

// Sends the lines of a file as one session, over many connections: it ends some of them itself,
// in the middle of a line or while a newer one takes over. Adds GoogleTest failures when the
// server promises less than before or more than was sent. Thread safety: externally synchronized.
class SessionFeed {
public:
    SessionFeed(std::string session, const std::filesystem::path& file, unsigned seed);
    ~SessionFeed() { stop(); }

    // Sends until stopped, or until all lines are durable; dials again whenever a connection ends.
    void start(std::uint16_t port);
    void stop();
    std::uint64_t acknowledged() const { return acknowledged_; }

private:
    enum class Ending { kServers, kCleanMidLine, kResetMidLine, kTakenOver };

    void run(std::uint16_t port);
    void connection(TestClient client);
    bool readAnswers(TestClient& client, std::uint64_t sent);
    void note(const std::string& answer);

    const std::string session_;
    std::vector<std::string> lines_;  // each with its line end
    std::mt19937 random_;
    std::vector<TestClient> ghosts_;  // taken over, and not aware of it
    std::atomic<std::uint64_t> acknowledged_{0};
    std::uint64_t sent_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace tidemill::test
