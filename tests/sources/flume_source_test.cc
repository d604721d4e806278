// Flume sources over a log in memory: what is answered when, limits, and those who mean ill.
#include <random>
#include <thread>

#include "tests/sources/flume_fixture.h"

namespace tidemill::sources {
namespace {

using std::chrono::milliseconds;
using test::eventually;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FlumeSource : public FlumeFixture {
protected:
    static FlumeOptions inTime(milliseconds answerTime) {
        FlumeOptions options;
        options.answerTimeMax = answerTime;
        return options;
    }
    // Bytes of the pool that leave no room for a request.
    core::Buffer all() { return pool->tryAcquire(pool->budgetBytes()); }
};

TEST_F(FlumeSource, AnswersOkOnceAllIsDurable) {
    open({}, Log::Sync::kByHand);
    auto agent = client();
    ASSERT_TRUE(agent.send({{"one", {{"k", "v"}}}, {"two"}}));
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 2; }));
    EXPECT_TRUE(agent.raw().silent(100));
    log->makeDurable();
    EXPECT_EQ(agent.answer(), true);
    ASSERT_TRUE(agent.send({{"three"}}));
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 3; }));
    EXPECT_TRUE(agent.raw().silent(50));
    log->makeDurable();
    EXPECT_EQ(agent.answer(), true);
    EXPECT_THAT(bodies(), ElementsAre("one", "two", "three"));
    const auto origins = log->origins();
    ASSERT_EQ(origins.size(), 2u);  // a block each
    EXPECT_EQ(origins[0].lines, 2u);
    EXPECT_EQ(origins[1].firstLine, 3u);
    EXPECT_EQ(origins[0].connection, origins[1].connection);
}

TEST_F(FlumeSource, SpeaksThrift) {
    FlumeOptions options;
    options.protocol = FlumeProtocol::kThrift;
    open(options);
    auto agent = client();
    EXPECT_EQ(agent.append({{"one", {{"k", "v"}}}, {"two"}}), true);
    EXPECT_EQ(agent.append(std::vector<Event>(1'000, {"x"})), true);
    EXPECT_EQ(agent.append({}), true);
    EXPECT_EQ(log->lineCount(), 1'002u);
    EXPECT_EQ(source->statistics().records, 1'002u);
}

TEST_F(FlumeSource, ManyAgentsSendAtTheSameTime) {
    open();
    std::vector<Client> agents;
    for (int i = 0; i < 30; ++i) agents.push_back(client());
    for (int round = 0; round < 20; ++round) {
        for (auto& agent : agents) ASSERT_TRUE(agent.send({{"a"}, {"b"}}));
        for (auto& agent : agents) ASSERT_EQ(agent.answer(), true);
    }
    EXPECT_EQ(log->lineCount(), 30u * 20 * 2);
    EXPECT_EQ(source->statistics().connections, 30u);
}

// Nobody waits for an answer before the next request; they are answered one by one.
TEST_F(FlumeSource, RequestsBehindOneAnotherKeepTheirOrder) {
    open();
    auto agent = client();
    std::string all;
    for (std::uint32_t i = 0; i < 50; ++i)
        all += test::avroRequest(i, {{std::to_string(i)}}, i == 0);
    ASSERT_TRUE(agent.raw().send(all));
    std::string answers;
    ASSERT_TRUE(agent.raw().bytes(19 + 49 * 15, answers));
    EXPECT_TRUE(agent.raw().silent(20));
    std::vector<std::string> expected;
    for (int i = 0; i < 50; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(bodies(), expected);
}

TEST_F(FlumeSource, ASlowDiskIsAnsweredFailedAndNotAgain) {
    open(inTime(milliseconds(150)), Log::Sync::kByHand);
    auto agent = client();
    EXPECT_EQ(agent.append({{"one"}}), false);
    EXPECT_THAT(errors.said(), HasSubstr("FAILED after 150 ms (answer_time): the disk"));
    // What comes again is another request: the first one's being durable is no answer to it.
    ASSERT_TRUE(agent.send({{"one"}}));
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 2; }));
    log->makeDurable();
    EXPECT_EQ(agent.answer(), true);
    EXPECT_TRUE(agent.raw().silent(200));
}

TEST_F(FlumeSource, WithoutRoomRequestsWaitAndThenFail) {
    open(inTime(milliseconds(200)));
    auto buffer = all();
    ASSERT_TRUE(buffer);
    auto agent = client();
    auto other = client();
    EXPECT_EQ(agent.append({{"one"}}), false);
    EXPECT_THAT(errors.said(), HasSubstr("receive_budget"));
    EXPECT_EQ(log->lineCount(), 0u);
    ASSERT_TRUE(agent.send({{"one"}}));
    ASSERT_TRUE(other.send({{"two"}}));
    test::sleepMillis(50);
    buffer = {};
    EXPECT_EQ(agent.answer(), true);
    EXPECT_EQ(other.answer(), true);
    EXPECT_EQ(log->lineCount(), 2u);
}

TEST_F(FlumeSource, APausedOneAnswersFailed) {
    open();
    auto agent = client();
    EXPECT_EQ(agent.append({{"one"}}), true);
    source->pause();
    EXPECT_EQ(agent.append({{"two"}}), false);
    source->resume();
    EXPECT_EQ(agent.append({{"two"}}), true);
    EXPECT_THAT(bodies(), ElementsAre("one", "two"));
}

TEST_F(FlumeSource, TakesNoMoreThanItIsAllowed) {
    open(inTime(milliseconds(200)));
    source->allow({core::Allowance::kUnlimited, 1});
    auto agent = client();
    EXPECT_EQ(agent.append({{"one"}}), true);
    EXPECT_EQ(agent.append({{"two"}}), false);
    ASSERT_TRUE(agent.send({{"two"}}));
    EXPECT_TRUE(agent.raw().silent(50));
    source->allow({core::Allowance::kUnlimited, 100});
    EXPECT_EQ(agent.answer(), true);
}

TEST_F(FlumeSource, BodiesThatAreTooLongAreLeftOutAndCounted) {
    NetworkOptions network;
    network.recordBytesMax = 10;
    open({}, Log::Sync::kWriter, network);
    auto agent = client();
    EXPECT_EQ(agent.append({{"short"}, {"longer than ten"}, {"last"}}), true);
    EXPECT_EQ(agent.append({{"longer than ten"}}), true);
    EXPECT_THAT(bodies(), ElementsAre("short", "last"));
    EXPECT_EQ(source->statistics().oversize, 2u);
    EXPECT_EQ(log->oversizeCount(), 2u);
    EXPECT_THAT(errors.said(), HasSubstr("(max_record_bytes)"));
}

TEST_F(FlumeSource, WhatIsNoRequestEndsItsConnectionAlone) {
    open();
    auto good = client();
    EXPECT_EQ(good.append({{"one"}}), true);
    auto bad = client();
    ASSERT_TRUE(bad.raw().send("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(bad.raw().ended());
    EXPECT_THAT(errors.said(), HasSubstr("they look like HTTP"));
    auto late = client();
    EXPECT_EQ(late.append({{"two"}}), true);
    ASSERT_TRUE(late.raw().send(std::string("\0\0\0\1\x7f\xff\xff\xff", 8)));
    EXPECT_TRUE(late.raw().ended());
    EXPECT_EQ(good.append({{"three"}}), true);
    EXPECT_EQ(source->statistics().connectionsClosed, 2u);
    EXPECT_THAT(bodies(), ElementsAre("one", "two", "three"));
}

TEST_F(FlumeSource, ARequestThatBreaksOffCountsAsNothing) {
    open();
    const auto request = test::avroRequest(0, {{"one"}, {"two"}}, true);
    for (std::size_t size = 1; size < request.size(); size += 5) {
        auto agent = client();
        ASSERT_TRUE(agent.raw().send(request.substr(0, size)));
        agent.raw().close();
    }
    EXPECT_TRUE(eventually([&] { return source->statistics().connections == 0; }));
    EXPECT_THAT(bodies(), IsEmpty());
}

TEST_F(FlumeSource, SlowRequestsLoseTheirConnections) {
    FlumeOptions options;
    options.requestTimeMax = milliseconds(150);
    open(options);
    auto silent = client();
    auto slow = client();
    const auto request = test::avroRequest(0, {{"one"}}, true);
    ASSERT_TRUE(slow.raw().send(request.substr(0, 30)));
    EXPECT_TRUE(slow.raw().ended());
    EXPECT_THAT(errors.said(), HasSubstr("request_time"));
    // Between requests an agent may be silent for ever.
    EXPECT_EQ(silent.append({{"two"}}), true);
    test::sleepMillis(300);
    EXPECT_EQ(silent.append({{"three"}}), true);
}

TEST_F(FlumeSource, UnfinishedRequestsShareABudget) {
    FlumeOptions options;
    options.requestBytesMax = 16 << 20;
    open(options, Log::Sync::kWriter, {}, 256 << 20);
    std::vector<Client> agents;
    // All but the end of 15 MiB, eight times.
    const auto request =
        test::avroRequest(0, std::vector<Event>(15, {std::string(1 << 20, 'x')}), true, 1 << 20);
    const auto most = std::string_view(request).substr(0, request.size() - 10);
    for (int i = 0; i < 8; ++i) {
        agents.push_back(client());
        agents.back().raw().send(most);
    }
    ASSERT_TRUE(eventually([&] { return source->statistics().connectionsClosed > 0; }));
    EXPECT_THAT(errors.said(), HasSubstr("hold more than 67108864 bytes together"));
    auto small = client();
    EXPECT_EQ(small.append({{"one"}}), true);
}

TEST_F(FlumeSource, ConnectionsAreLimited) {
    FlumeOptions options;
    options.connectionsMax = 2;
    open(options);
    auto one = client();
    auto two = client();
    EXPECT_EQ(one.append({{"a"}}), true);
    EXPECT_EQ(two.append({{"a"}}), true);
    auto three = client();
    EXPECT_TRUE(three.raw().ended());
    EXPECT_THAT(errors.said(), HasSubstr("2 are open (max_connections)"));
    one.raw().close();
    EXPECT_TRUE(eventually([&] { return source->statistics().connections == 1; }));
    auto four = client();
    EXPECT_EQ(four.append({{"a"}}), true);
}

TEST_F(FlumeSource, AGracefulStopAnswersWhatIsInTheLog) {
    open({}, Log::Sync::kByHand);
    auto agent = client();
    ASSERT_TRUE(agent.send({{"one"}}));
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 1; }));
    std::thread stopping([&] { source->stop(true); });
    test::sleepMillis(50);
    auto late = client();
    EXPECT_FALSE(late.connected() && late.append({{"two"}}).value_or(false));
    log->makeDurable();
    EXPECT_EQ(agent.answer(), true);
    stopping.join();
    EXPECT_TRUE(agent.raw().ended());
    EXPECT_EQ(log->lineCount(), 1u);
}

TEST_F(FlumeSource, AFailedLogPromisesNothing) {
    open({}, Log::Sync::kByHand);
    auto agent = client();
    ASSERT_TRUE(agent.send({{"one"}}));
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 1; }));
    log->breakDown();
    EXPECT_EQ(agent.answer(), std::nullopt);
    auto other = client();
    EXPECT_NE(other.append({{"two"}}), true);
}

TEST_F(FlumeSource, AnAddressThatOthersReachNeedsItsWord) {
    open();
    FlumeOptions options;
    options.host = "0.0.0.0";
    auto refused = service->listenFlume(core::SourceId(4), {"", options});
    const auto started = refused->start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("refusing to listen on 0.0.0.0"));
    options.allowRemote = true;
    auto allowed = service->listenFlume(core::SourceId(5), {"", options});
    EXPECT_TRUE(allowed->start());
}

TEST_F(FlumeSource, ARequestMustFitIntoTheBudget) {
    open({}, Log::Sync::kWriter, {}, 64 << 20);
    Log other;
    auto small = NetworkService::make(other, core::BufferPool::make(1 << 20), {});
    ASSERT_TRUE(small);
    const auto started = (*small)->listenFlume(core::SourceId(4), {})->start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("but receive_budget is 1048576"));
}

// Whoever sends what: nothing but requests counts, and the next one is served.
TEST_F(FlumeSource, AnyBytesEndTheirConnectionAtWorst) {
    for (const auto kind : {FlumeProtocol::kAvro, FlumeProtocol::kThrift}) {
        FlumeOptions options;
        options.protocol = kind;
        options.requestTimeMax = milliseconds(50);
        open(options);
        std::mt19937 random(3);
        for (int i = 0; i < 300; ++i) {
            auto bytes = kind == FlumeProtocol::kAvro
                             ? test::avroRequest(0, {{"a", {{"k", "v"}}}}, true)
                             : test::thriftRequest(0, {{"a", {{"k", "v"}}}});
            for (int change = 0; change < 3; ++change)
                bytes[random() % bytes.size()] = static_cast<char>(random());
            auto agent = client();
            agent.raw().send(bytes);
            if (i % 2 == 0) agent.raw().finishSending();
        }
        auto good = client();
        EXPECT_EQ(good.append({{"good"}}), true);
        EXPECT_EQ(bodies().back(), "good");
        TearDown();
    }
}

}  // namespace
}  // namespace tidemill::sources
