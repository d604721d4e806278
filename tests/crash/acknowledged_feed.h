// A sender of an acknowledged session that remembers over deaths of the disk what it was told.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_client.h"

namespace tidemill::test {

// `tidemill send` would silently send again what was lost; this one says so. Thread safety:
// externally synchronized.
class AcknowledgedFeed {
public:
    AcknowledgedFeed(std::string session, const std::filesystem::path& file)
        : session_(std::move(session)) {
        std::ifstream lines(file);
        for (std::string line; std::getline(lines, line);) lines_.push_back(line + "\n");
    }
    ~AcknowledgedFeed() { stop(); }

    // What it was told so far must be there at the next start.
    void holdToPromise() { promised_ = acknowledged_.load(); }
    std::uint64_t promised() const { return promised_; }

    void start(std::uint16_t port) {
        stop();
        stopping_ = false;
        thread_ = std::thread([this, port] { run(port); });
    }
    // Ends; the peer is gone or will not be read any more.
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }

private:
    void run(std::uint16_t port) {
        TestClient client(port);
        if (!client.connected() || !client.send("session " + session_ + "\n")) return;
        const auto answer = client.line();
        if (!answer || !answer->starts_with("resume ")) return;
        const std::uint64_t resumed = numberIn(*answer);
        EXPECT_GE(resumed, promised_)
            << "acknowledged lines of session " << session_ << " are lost";
        EXPECT_LE(resumed, sent_) << "lines that were never sent";
        acknowledged_ = resumed;
        for (std::uint64_t next = resumed; !stopping_ && next < lines_.size();) {
            std::string text;
            const auto end = std::min<std::uint64_t>(next + 60, lines_.size());
            for (; next < end; ++next) text += lines_[next];
            sent_ = std::max(sent_.load(), next);
            if (!client.send(text) || !readAnswers(client, next)) return;
        }
        // What was said before the end counts too.
        while (!stopping_ && client.silent(10)) {
        }
        while (const auto line = client.line()) note(*line);
    }

    // Keeps less than 2,000 lines on their way.
    bool readAnswers(TestClient& client, std::uint64_t sent) {
        while (!stopping_ && (sent - acknowledged_ > 2000 || !client.silent(0))) {
            const auto line = client.line();
            if (!line) return false;
            note(*line);
        }
        sleepMillis(5);
        return true;
    }
    void note(const std::string& line) {
        if (line.starts_with("durable ")) acknowledged_ = numberIn(line);
    }
    static std::uint64_t numberIn(const std::string& line) {
        return std::strtoull(line.c_str() + line.find(' '), nullptr, 10);
    }

    const std::string session_;
    std::vector<std::string> lines_;
    std::atomic<std::uint64_t> acknowledged_{0};
    std::atomic<std::uint64_t> promised_{0};
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace tidemill::test
