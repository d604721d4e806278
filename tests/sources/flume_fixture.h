// A service with one Flume source over a log in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/buffer_pool.h"
#include "core/byte_codec.h"
#include "sources/flume/event_batch.h"
#include "sources/network_service.h"
#include "tests/support/flume_client.h"
#include "tests/support/memory_block_log.h"

namespace tidemill::sources {

// Thread safety: thread-safe.
class SaidErrors final : public core::SourceObserver {
public:
    void sourceStarted(core::SourceId, const std::string&) override {}
    void sourceError(core::SourceId, const std::string& message, Trouble) override {
        const std::lock_guard lock(mutex_);
        said_ += message + "\n";
    }
    void sourceRecovered(core::SourceId) override {}
    void sourceFailed(core::SourceId, core::Error) override {}
    void sourceStopped(core::SourceId, const std::string&) override {}
    std::string said() const {
        const std::lock_guard lock(mutex_);
        return said_;
    }

private:
    mutable std::mutex mutex_;
    std::string said_;
};

class FlumeFixture : public ::testing::Test {
protected:
    using Log = test::MemoryBlockLog;
    using Client = test::FlumeClient;
    using Event = test::SentEvent;

    void open(FlumeOptions options = {}, Log::Sync sync = Log::Sync::kWriter,
              NetworkOptions network = {}, std::size_t budgetBytes = 64 << 20) {
        log = std::make_unique<Log>(sync);
        pool = core::BufferPool::make(budgetBytes);
        auto made = NetworkService::make(*log, pool, network);
        ASSERT_TRUE(made) << made.error().message;
        service = std::move(*made);
        source = service->listenFlume(core::SourceId(3), {"", options}, &errors);
        const auto started = source->start();
        ASSERT_TRUE(started) << started.error().message;
        protocol = options.protocol;
    }
    void TearDown() override {
        source.reset();
        service.reset();
        log.reset();
    }

    Client client() const { return Client(source->port(), protocol); }
    // The bodies in the log, in its order.
    std::vector<std::string> bodies() const {
        std::vector<std::string> found;
        for (const auto& bytes : log->blockBytes()) {
            core::ByteReader in(bytes);
            while (!in.finished() && in.ok()) {
                const auto event = flume::decodeEvent(in.string(in.left()));
                found.emplace_back(event ? event->body : "does not parse");
            }
        }
        return found;
    }

    SaidErrors errors;
    FlumeProtocol protocol = FlumeProtocol::kAvro;
    std::unique_ptr<Log> log;
    std::shared_ptr<core::BufferPool> pool;
    std::unique_ptr<NetworkService> service;
    std::unique_ptr<ListeningReceiver> source;
};

}  // namespace tidemill::sources
