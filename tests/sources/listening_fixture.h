// A service with one listening receiver over a log in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/buffer_pool.h"
#include "sources/network_service.h"
#include "tests/support/memory_block_log.h"
#include "tests/support/test_client.h"

namespace tidemill::sources {

class ListeningFixture : public ::testing::Test {
protected:
    using Log = test::MemoryBlockLog;

    void open(ListenOptions listen = {}, NetworkOptions network = {},
              std::size_t budgetBytes = 64 << 20, Log::Sync sync = Log::Sync::kWriter) {
        log = std::make_unique<Log>(sync);
        pool = core::BufferPool::make(budgetBytes);
        auto made = NetworkService::make(*log, pool, network);
        ASSERT_TRUE(made) << made.error().message;
        service = std::move(*made);
        receiver = service->listenText(core::SourceId(3), listen);
        const auto started = receiver->start();
        ASSERT_TRUE(started) << started.error().message;
    }
    void TearDown() override {
        receiver.reset();
        service.reset();
        log.reset();
    }

    test::TestClient client() { return test::TestClient(receiver->port()); }
    std::uint64_t bytesRead() const { return receiver->statistics().bytes; }
    // Seals until the log has so many lines.
    bool arrives(std::uint64_t lines) {
        return test::eventually([&] {
            service->flushOpenBlocks();
            return log->lineCount() + log->oversizeCount() >= lines;
        });
    }
    bool allClosed() {
        return test::eventually([&] {
            const auto now = receiver->statistics();
            return now.connectionsTotal != 0 && now.connections == 0;
        });
    }

    std::unique_ptr<Log> log;
    std::shared_ptr<core::BufferPool> pool;
    std::unique_ptr<NetworkService> service;
    std::unique_ptr<ListeningReceiver> receiver;
};

}  // namespace tidemill::sources
