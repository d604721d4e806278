// Bursts that do not fit into memory, received before any batch runs.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/batch_harness.h"
#include "tests/support/test_client.h"

namespace tidemill::test {

inline constexpr std::size_t kMebi = 1 << 20;
inline constexpr std::chrono::seconds kBurstTimeMax{60};

// Looks until `condition` holds; returns whether it did in time.
template <class Condition>
bool within(std::chrono::seconds time, Condition condition) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        sleepMillis(2);
    }
    return true;
}

// Of a job whose batches are larger than its memory.
inline StreamingOptions burstOptions(const std::filesystem::path& directory) {
    StreamingOptions options;
    options.directory = directory;
    options.interval = std::chrono::seconds(10);
    options.workers = 2;
    options.maxBatchBytes = 4 * kMebi;
    options.receiveBudgetBytes = 2 * kMebi;
    options.blockBytes = 64 << 10;
    options.segmentBytes = 4 * kMebi;
    options.deltaBudgetBytes = 16 * kMebi;
    return options;
}

struct Burst {
    std::string text;
    std::uint64_t lines = 0;
    // Lines lineOf(0), lineOf(1), …, each with its end.
    static Burst of(std::size_t bytes, std::string (*lineOf)(std::uint64_t)) {
        Burst burst;
        while (burst.text.size() < bytes) burst.text += lineOf(burst.lines++);
        return burst;
    }
};

// Everything that a sender that is gone has sent is in the log.
inline bool isReceived(const Life& life, std::size_t bytes) {
    const auto status = life.context().status();
    return status.receivedBytes == bytes && status.connections == 0;
}

// Sends everything while no batch runs.
inline void receive(Life& life, const std::string& text) {
    TestClient client(life.context().boundPorts().front());
    ASSERT_TRUE(client.connected());
    std::thread sender([&] {
        client.send(text);
        client.finishSending();
    });
    const bool all = within(kBurstTimeMax, [&] { return isReceived(life, text.size()); });
    if (!all)
        ADD_FAILURE() << "only " << life.context().status().receivedBytes << " bytes were taken in";
    if (!all) ::shutdown(client.fd(), SHUT_RDWR);
    sender.join();
    ASSERT_TRUE(all);
    const auto status = life.context().status();
    EXPECT_LE(status.receiveBytes, status.receiveBudgetBytes);
}

// Batches until all of it has been in one; how many it took.
inline std::size_t runAll(Life& life, std::size_t bytes) {
    std::size_t batches = 0;
    while (life.context().status().batches.bytes < bytes && !life.ended() &&
           !::testing::Test::HasFailure()) {
        life.run(1);
        ++batches;
    }
    return batches;
}

}  // namespace tidemill::test
