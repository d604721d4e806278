// flumeStream and flumeTextStream of a running context: what elements are, and repeated ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/batch_harness.h"
#include "tests/support/flume_client.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FlumeStreams : public ::testing::Test {
protected:
    void start(const FlumeOptions& flume) {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.interval = std::chrono::milliseconds(20);
        context_ = std::make_unique<StreamingContext>(options);
        context_->flumeStream(flume).forEachBatch([this](Batch<FlumeEvent>& batch) {
            const std::lock_guard lock(mutex_);
            batch.forEach([&](const FlumeEvent& event) {
                std::string text(event.body);
                event.headers.forEach([&](const FlumeHeader& header) {
                    text.append(" ").append(header.name).append("=").append(header.value);
                });
                seen_.push_back(text);
            });
        });
        context_->start();
        agent_ = std::make_unique<FlumeClient>(context_->boundPorts().at(0), flume.protocol);
    }
    void stop() {
        agent_.reset();
        context_->stop(true);
        context_.reset();
    }
    void TearDown() override {
        if (context_) stop();
    }
    // In order of their texts, once there are so many.
    std::vector<std::string> seen(std::size_t events) {
        eventually([&] {
            const std::lock_guard lock(mutex_);
            return seen_.size() >= events;
        });
        const std::lock_guard lock(mutex_);
        auto sorted = seen_;
        std::sort(sorted.begin(), sorted.end());
        return sorted;
    }
    static SentEvent withId(const std::string& body, const std::string& id) {
        return {body, {{"id", id}}};
    }

    TemporaryDirectory directory_;
    std::unique_ptr<StreamingContext> context_;
    std::unique_ptr<FlumeClient> agent_;
    std::mutex mutex_;
    std::vector<std::string> seen_;
};

TEST_F(FlumeStreams, ElementsHaveHeadersAndABody) {
    for (const auto protocol : {FlumeProtocol::kAvro, FlumeProtocol::kThrift}) {
        seen_.clear();
        FlumeOptions options;
        options.protocol = protocol;
        start(options);
        EXPECT_EQ(agent_->append({{"one", {{"host", "a"}, {"level", ""}}}, {"two\nlines"}, {""}}),
                  true);
        EXPECT_THAT(seen(3), ElementsAre("", "one host=a level=", "two\nlines"));
        stop();
    }
}

TEST_F(FlumeStreams, ARepeatedIdCountsOnceAlsoBehindARestart) {
    FlumeOptions options;
    options.dedupHeader = "id";
    start(options);
    EXPECT_EQ(agent_->append({withId("a", "1"), withId("b", "2"), withId("a", "1")}), true);
    EXPECT_THAT(seen(2), ElementsAre("a id=1", "b id=2"));
    EXPECT_EQ(agent_->append({withId("b", "2"), withId("c", "3")}), true);
    EXPECT_THAT(seen(3), ElementsAre("a id=1", "b id=2", "c id=3"));
    stop();
    start(options);
    EXPECT_EQ(agent_->append({withId("a", "1"), withId("d", "4")}), true);
    EXPECT_THAT(seen(4), ElementsAre("a id=1", "b id=2", "c id=3", "d id=4"));
}

TEST_F(FlumeStreams, EventsWithoutAnIdAllCount) {
    FlumeOptions options;
    options.dedupHeader = "id";
    start(options);
    EXPECT_EQ(agent_->append({{"a"}, {"a"}, withId("a", ""), withId("a", "")}), true);
    EXPECT_EQ(agent_->append({{"a"}}), true);
    EXPECT_THAT(seen(4), ElementsAre("a", "a", "a", "a id="));
}

TEST_F(FlumeStreams, AnIdIsForgottenInTheEnd) {
    FlumeOptions options;
    options.dedupHeader = "id";
    options.dedupFor = std::chrono::seconds(1);
    start(options);
    EXPECT_EQ(agent_->append({withId("a", "1")}), true);
    EXPECT_THAT(seen(1), ElementsAre("a id=1"));
    EXPECT_EQ(agent_->append({withId("a", "1")}), true);
    sleepMillis(1'500);
    EXPECT_THAT(seen(1), ElementsAre("a id=1"));
    EXPECT_EQ(agent_->append({withId("a", "1")}), true);
    EXPECT_THAT(seen(2), ElementsAre("a id=1", "a id=1"));
}

TEST_F(FlumeStreams, BodiesAloneAreText) {
    StreamingContext context(std::chrono::milliseconds(20));
    std::vector<std::string> bodies;
    std::mutex mutex;
    context.flumeTextStream({}).forEachBatch([&](Batch<std::string_view>& batch) {
        const std::lock_guard lock(mutex);
        batch.forEach([&](std::string_view body) { bodies.emplace_back(body); });
    });
    context.start();
    FlumeClient agent(context.boundPorts().at(0));
    EXPECT_EQ(agent.append({withId("a b", "1"), {"c"}}), true);
    context.stop(true);
    EXPECT_THAT(bodies, ElementsAre("a b", "c"));
}

TEST_F(FlumeStreams, OptionsThatCannotBeAreRefused) {
    const auto refused = [](auto change) -> std::string {
        StreamingContext context(std::chrono::milliseconds(20));
        FlumeOptions options;
        change(options);
        try {
            if (options.dedupHeader.empty()) context.flumeStream(options);
            else context.flumeTextStream(options);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "taken";
    };
    EXPECT_EQ(refused([](FlumeOptions&) {}), "taken");
    EXPECT_EQ(refused([](FlumeOptions& options) { options.requestBytesMax = 64 << 20; }),
              "flumeStream: max_request_bytes is 67108864 bytes; expected 1024 to 16777216 bytes");
    EXPECT_EQ(refused([](FlumeOptions& options) { options.answerTimeMax = {}; }),
              "flumeStream: answer_time is 0 ms; expected 100 to 20000 ms");
    EXPECT_EQ(
        refused([](FlumeOptions& options) { options.dedupFor = {}; }),
        "flumeStream: dedup_for is 0 ms; expected 1000 to " + std::to_string(1LL << 40) + " ms");
    EXPECT_THAT(refused([](FlumeOptions& options) { options.dedupHeader = "id"; }),
                HasSubstr("flumeTextStream: ids are in headers"));
}

}  // namespace
}  // namespace tidemill::test
