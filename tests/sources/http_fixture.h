// A service with one HTTP source over a log in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/buffer_pool.h"
#include "sources/network_service.h"
#include "tests/support/http_client.h"
#include "tests/support/memory_block_log.h"

namespace tidemill::sources {

class HttpFixture : public ::testing::Test {
protected:
    using Log = test::MemoryBlockLog;

    void open(HttpOptions options = {}, Log::Sync sync = Log::Sync::kWriter,
              NetworkOptions network = {}, std::size_t budgetBytes = 64 << 20) {
        log = std::make_unique<Log>(sync);
        pool = core::BufferPool::make(budgetBytes);
        auto made = NetworkService::make(*log, pool, network);
        ASSERT_TRUE(made) << made.error().message;
        service = std::move(*made);
        HttpListen listen;
        listen.options = std::move(options);
        source = service->listenHttp(core::SourceId(3), listen);
        const auto started = source->start();
        ASSERT_TRUE(started) << started.error().message;
    }
    void TearDown() override {
        source.reset();
        service.reset();
        log.reset();
    }

    test::HttpClient client() { return test::HttpClient(source->port()); }
    test::HttpAnswer post(const std::string& body, const test::HttpHeaders& headers = {}) {
        return client().post("/", body, headers).value_or(test::HttpAnswer{});
    }
    test::HttpAnswer ofSession(const std::string& session, std::uint64_t first,
                               const std::string& body) {
        return post(
            body, {{"Tidemill-Session", session}, {"Tidemill-First-Line", std::to_string(first)}});
    }
    std::vector<std::string> lines() const { return log->lines(); }

    std::unique_ptr<Log> log;
    std::shared_ptr<core::BufferPool> pool;
    std::unique_ptr<NetworkService> service;
    std::unique_ptr<ListeningReceiver> source;
};

}  // namespace tidemill::sources
