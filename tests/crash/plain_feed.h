// Plain text connections under a test's control, and a synced record of what was sent on each.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_client.h"

namespace tidemill::test {

// Line `number` of a feed: a word that no other line has, FEED-NUMBER, and a few common ones.
std::string makeLine(const std::string& feed, std::size_t number, std::mt19937& random);

// One plain connection: what was written to it, line by line. Lines are recorded in a synced file
// before they are sent.
class PlainFeed {
public:
    // Sends over `fd` until stopped, `lines` are sent or the peer is gone. Owns the descriptor.
    PlainFeed(std::string name, int fd, std::filesystem::path ledger, std::size_t lines,
              unsigned seed);
    ~PlainFeed();
    void stop() { stopping_ = true; }
    const std::string& name() const { return name_; }

private:
    void run();
    const std::string name_;
    const int fd_;
    const std::filesystem::path ledger_;
    const std::size_t lines_;
    std::mt19937 random_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

// A server that the program dials: every connection gets a feed of its own. Thread safety:
// externally synchronized.
class DialledFeeds {
public:
    // Called from a thread of its own with the descriptor of each connection.
    using MakeFeed = std::function<std::unique_ptr<PlainFeed>(int fd)>;

    DialledFeeds() = default;
    ~DialledFeeds() { stop(); }
    std::uint16_t port() const { return server_.port(); }
    void start(MakeFeed makeFeed);
    // Ends the feeds and refuses further connections.
    void stop();

private:
    TestServer server_;
    MakeFeed makeFeed_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace tidemill::test
