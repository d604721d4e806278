// What an HTTP source takes and when it answers.
#include "tests/sources/http_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/certificate.h"

namespace tidemill::sources {
namespace {

using test::HttpHeaders;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HttpSource : public HttpFixture {};

TEST_F(HttpSource, LinesOfABodyAreRecords) {
    open();
    const auto answer = post("one\ntwo\r\n\nlast without its end");
    EXPECT_EQ(answer.code, 200);
    EXPECT_EQ(answer.body, "{\"taken\": 4}\n");
    EXPECT_EQ(answer.headers.at("content-type"), "application/json");
    EXPECT_THAT(lines(), ElementsAre("one", "two\r", "", "last without its end"));
    EXPECT_EQ(source->statistics().records, 4u);
}

TEST_F(HttpSource, ABodyOfNothingIsNoRecord) {
    open();
    EXPECT_EQ(post("").body, "{\"taken\": 0}\n");
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(HttpSource, TheAnswerWaitsForTheLog) {
    open({}, Log::Sync::kByHand);
    auto one = client();
    ASSERT_TRUE(one.send(test::httpRequest("POST", "/", {}, "one\n")));
    EXPECT_TRUE(one.raw().silent(200));
    EXPECT_EQ(log->lineCount(), 1u);
    log->makeDurable();
    EXPECT_EQ(one.answer()->code, 200);
}

TEST_F(HttpSource, EveryRequestIsOneBlock) {
    open();
    post("a\nb\nc\n");
    post("d\n");
    ASSERT_EQ(log->origins().size(), 2u);
    EXPECT_EQ(log->origins()[0].lines, 3u);
    EXPECT_EQ(log->origins()[0].source, core::SourceId(3));
    EXPECT_NE(log->origins()[0].connection, log->origins()[1].connection);
}

TEST_F(HttpSource, LinesOfAConnectionAreNumberedThrough) {
    open();
    auto one = client();
    EXPECT_EQ(one.post("/", "a\nb\n")->code, 200);
    EXPECT_EQ(one.post("/", "c\n")->code, 200);
    EXPECT_EQ(log->origins()[1].firstLine, 3u);
    EXPECT_EQ(source->statistics().connectionsTotal, 1u);
}

TEST_F(HttpSource, PipelinedRequestsAreTakenAndAnsweredInTheirOrder) {
    open();
    auto one = client();
    std::string all;
    std::vector<std::string> expected;
    for (int i = 0; i < 300; ++i) {
        expected.push_back("r" + std::to_string(i));
        all += i % 2 == 0 ? test::httpRequest("POST", "/", {}, expected.back() + "\n")
                          : test::chunkedRequest("/", {}, expected.back() + "\n", 2);
    }
    ASSERT_TRUE(one.send(all));
    for (int i = 0; i < 300; ++i) {
        const auto answer = one.answer();
        ASSERT_TRUE(answer) << i;
        EXPECT_EQ(answer->body, "{\"taken\": 1}\n");
    }
    EXPECT_EQ(lines(), expected);
}

TEST_F(HttpSource, ChunksAndGzipAreTheSameText) {
    open();
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + "\n";
    auto one = client();
    for (const std::size_t chunk : {std::size_t{1000}, std::size_t{70'000}, text.size()}) {
        ASSERT_TRUE(one.send(test::chunkedRequest("/", {}, text, chunk)));
        EXPECT_EQ(one.answer()->body, "{\"taken\": 20000}\n");
        ASSERT_TRUE(one.send(test::chunkedRequest("/", {{"Content-Encoding", "gzip"}},
                                                  test::gzipped(text), chunk / 7 + 1)));
        EXPECT_EQ(one.answer()->body, "{\"taken\": 20000}\n");
    }
    EXPECT_EQ(one.post("/", test::gzipped(text), {{"Content-Encoding", "x-gzip"}})->code, 200);
    std::string taken;
    for (const auto& line : lines()) taken += line + "\n";
    EXPECT_EQ(taken.size(), 7 * text.size());
    for (int i = 0; i < 7; ++i) EXPECT_EQ(taken.compare(i * text.size(), text.size(), text), 0);
}

// gzip files may be joined, and may end in an unfinished line.
TEST_F(HttpSource, MembersOfGzipAreOneText) {
    open();
    const auto body = test::gzipped("one\ntw") + test::gzipped("") + test::gzipped("o");
    EXPECT_EQ(post(body, {{"Content-Encoding", "gzip"}}).code, 200);
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
}

TEST_F(HttpSource, ARequestOfASessionCountsOnce) {
    open();
    const auto first = ofSession("s", 1, "a\nb\n");
    EXPECT_EQ(first.body, "{\"taken\": 2, \"durable\": 2}\n");
    EXPECT_EQ(first.headers.at("tidemill-durable"), "2");
    EXPECT_EQ(ofSession("s", 1, "a\nb\n").body, "{\"taken\": 0, \"durable\": 2}\n");
    EXPECT_EQ(ofSession("s", 3, "c\n").body, "{\"taken\": 1, \"durable\": 3}\n");
    EXPECT_EQ(ofSession("s", 1, "a\nb\n").body, "{\"taken\": 0, \"durable\": 3}\n");
    EXPECT_THAT(lines(), ElementsAre("a", "b", "c"));
    EXPECT_EQ(log->origins()[0].lane, "http/:s");
}

// A client that groups its lines anew sends some that are there and some that are not.
TEST_F(HttpSource, OnlyNewLinesOfASessionAreTaken) {
    open();
    ofSession("s", 1, "a\nb\n");
    EXPECT_EQ(ofSession("s", 2, "b\nc\nd").body, "{\"taken\": 2, \"durable\": 4}\n");
    EXPECT_THAT(lines(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(HttpSource, AGapInASessionIsRefusedAndSaysWhereToGoOn) {
    open();
    ofSession("s", 1, "a\n");
    const auto answer = ofSession("s", 4, "d\n");
    EXPECT_EQ(answer.code, 409);
    EXPECT_EQ(answer.headers.at("tidemill-durable"), "1");
    EXPECT_THAT(
        answer.body,
        HasSubstr("the session is at line 1, so line 2 is next; the request begins with line 4"));
    EXPECT_THAT(lines(), ElementsAre("a"));
}

// Its first request may not be durable yet when it is repeated on another connection.
TEST_F(HttpSource, ARepeatedRequestIsAnsweredWhenTheFirstIsDurable) {
    open({}, Log::Sync::kByHand);
    const HttpHeaders headers{{"Tidemill-Session", "s"}, {"Tidemill-First-Line", "1"}};
    auto one = client();
    ASSERT_TRUE(one.send(test::httpRequest("POST", "/", headers, "a\n")));
    ASSERT_TRUE(test::eventually([&] { return log->lineCount() == 1; }));
    auto two = client();
    ASSERT_TRUE(two.send(test::httpRequest("POST", "/", headers, "a\n")));
    auto asking = client();
    ASSERT_TRUE(asking.send(test::httpRequest("GET", "/", {{"Tidemill-Session", "s"}}, "")));
    EXPECT_TRUE(two.raw().silent(200));
    EXPECT_TRUE(asking.raw().silent(50));
    log->makeDurable();
    EXPECT_EQ(one.answer()->body, "{\"taken\": 1, \"durable\": 1}\n");
    EXPECT_EQ(two.answer()->body, "{\"taken\": 0, \"durable\": 1}\n");
    EXPECT_EQ(asking.answer()->body, "{\"taken\": 0, \"durable\": 1}\n");
}

TEST_F(HttpSource, SessionsSentAtOnceFromManyConnectionsCountOnce) {
    open();
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            auto one = client();
            for (std::uint64_t line = 1; line <= 300;) {
                const auto answer = one.post(
                    "/", std::to_string(line) + "\n",
                    {{"Tidemill-Session", "s"}, {"Tidemill-First-Line", std::to_string(line)}});
                ASSERT_TRUE(answer);
                if (answer->code == 200) ++line;
            }
        });
    for (auto& thread : threads) thread.join();
    const auto taken = log->sessionText("http/:s");
    ASSERT_EQ(taken.size(), 300u);
    for (std::size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i], std::to_string(i + 1));
}

TEST_F(HttpSource, MoreSessionsThanAllowedAreRefused) {
    NetworkOptions network;
    network.sessionsMax = 2;
    open({}, Log::Sync::kWriter, network);
    EXPECT_EQ(ofSession("a", 1, "x\n").code, 200);
    EXPECT_EQ(ofSession("b", 1, "x\n").code, 200);
    const auto answer = ofSession("c", 1, "x\n");
    EXPECT_EQ(answer.code, 429);
    EXPECT_THAT(answer.body, HasSubstr("there are 2 sessions already (max_sessions)"));
    EXPECT_EQ(ofSession("a", 2, "y\n").code, 200);
}

TEST_F(HttpSource, WhilePausedNothingIsTakenAndTheClientIsToldWhenToComeAgain) {
    open();
    source->pause();
    const auto answer = post("a\n");
    EXPECT_EQ(answer.code, 503);
    EXPECT_EQ(answer.headers.at("retry-after"), "5");
    EXPECT_THAT(answer.body, HasSubstr("until the disk has room"));
    EXPECT_THAT(lines(), IsEmpty());
    source->resume();
    EXPECT_EQ(post("a\n").code, 200);
}

TEST_F(HttpSource, WhatIsOverARateIs503) {
    open();
    EXPECT_TRUE(source->canBeLimited());
    source->allow({core::Allowance::kUnlimited, 5});
    EXPECT_EQ(post("abc\n").code, 200);
    EXPECT_EQ(post("abc\n").code, 200);  // what is left of it is enough to begin
    const auto answer = post("abc\n");
    EXPECT_EQ(answer.code, 503);
    EXPECT_THAT(answer.body, HasSubstr("max_rate is used up"));
    source->allow({});
    EXPECT_EQ(post("abc\n").code, 200);
    EXPECT_EQ(source->statistics().bytes, 12u);
}

TEST_F(HttpSource, AFullReceiveBudgetIs503) {
    HttpOptions options;
    options.requestBytesMax = 4 << 10;
    open(options, Log::Sync::kWriter, {}, 16 << 10);
    auto one = client();
    int taken = 0;
    std::optional<test::HttpAnswer> answer;
    while (taken < 100 && (answer = one.post("/", "x\n"))->code == 200) ++taken;
    EXPECT_EQ(taken, 4);
    EXPECT_EQ(answer->code, 503);
    EXPECT_EQ(answer->headers.at("retry-after"), "1");
    EXPECT_THAT(answer->body, HasSubstr("receive_budget"));
    log->releaseBlocks();
    EXPECT_EQ(one.post("/", "x\n")->code, 200);
}

TEST_F(HttpSource, AGracefulStopAnswersWhatWaits) {
    open({}, Log::Sync::kByHand);
    auto one = client();
    ASSERT_TRUE(one.send(test::httpRequest("POST", "/", {}, "a\n")));
    ASSERT_TRUE(test::eventually([&] { return log->lineCount() == 1; }));
    std::thread stopping([&] { source->stop(true); });
    EXPECT_TRUE(one.raw().silent(100));
    log->makeDurable();
    const auto answer = one.answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, 200);
    EXPECT_EQ(answer->headers.at("connection"), "close");
    stopping.join();
    EXPECT_FALSE(client().post("/", "b\n"));
}

TEST_F(HttpSource, AHardStopPromisesNothing) {
    open({}, Log::Sync::kByHand);
    auto one = client();
    ASSERT_TRUE(one.send(test::httpRequest("POST", "/", {}, "a\n")));
    ASSERT_TRUE(test::eventually([&] { return log->lineCount() == 1; }));
    source->stop(false);
    const auto answer = one.answer();
    EXPECT_TRUE(!answer || answer->code == 503);
}

TEST_F(HttpSource, ALogThatFailsPromisesNothing) {
    open({}, Log::Sync::kByHand);
    auto one = client();
    ASSERT_TRUE(one.send(test::httpRequest("POST", "/", {}, "a\n")));
    ASSERT_TRUE(test::eventually([&] { return log->lineCount() == 1; }));
    log->breakDown();
    const auto answer = one.answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, 503);
    EXPECT_THAT(answer->body, HasSubstr("the log takes nothing more"));
    EXPECT_EQ(post("b\n").code, 503);
}

TEST_F(HttpSource, ATokenIsAskedFor) {
    const std::string file = testing::TempDir() + "http_token";
    std::ofstream(file) << "0123456789abcdef0123\n";
    HttpOptions options;
    options.tokenFile = file;
    open(options);
    const auto none = post("a\n");
    EXPECT_EQ(none.code, 401);
    EXPECT_EQ(none.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(post("a\n", {{"Authorization", "Bearer 0123456789abcdef0124"}}).code, 401);
    EXPECT_EQ(post("a\n", {{"Authorization", "Bearer 0123456789abcdef012"}}).code, 401);
    EXPECT_EQ(post("a\n", {{"Authorization", "Basic 0123456789abcdef0123"}}).code, 401);
    EXPECT_EQ(post("a\n", {{"Authorization", "Bearer 0123456789abcdef0123"}}).code, 200);
    EXPECT_EQ(lines().size(), 1u);
}

TEST_F(HttpSource, SpeaksTlsWithACertificate) {
    const auto directory = testing::TempDir() + "http_tls";
    std::filesystem::create_directories(directory);
    const auto run = [&](const std::string& command) {
        return std::system(("cd " + directory + " && { " + command + "; } >out 2>err").c_str());
    };
    if (!test::makeCertificate(directory, "mill", "IP:127.0.0.1") || run("curl --version") != 0)
        GTEST_SKIP() << "needs openssl and curl";
    ASSERT_TRUE(test::makeCertificate(directory, "other", "IP:127.0.0.1"));
    HttpOptions options;
    options.certFile = directory + "/mill.pem";
    options.keyFile = directory + "/mill.key";
    open(options);
    const std::string url = "https://127.0.0.1:" + std::to_string(source->port()) + "/";
    const std::string curl = "printf 'a\\nb\\n' | curl -sS --fail --data-binary @- ";
    EXPECT_EQ(run(curl + "--cacert mill.pem " + url), 0);
    EXPECT_EQ(lines(), (std::vector<std::string>{"a", "b"}));
    EXPECT_NE(run(curl + "--cacert other.pem " + url), 0) << "of another authority";
    EXPECT_NE(run(curl + "--cacert mill.pem --tls-max 1.1 " + url), 0) << "too old";
    EXPECT_FALSE(client().post("/", "c\n")) << "without TLS";
    EXPECT_EQ(lines().size(), 2u);

    HttpListen listen;
    listen.options.certFile = directory + "/mill.pem";
    for (const std::string key : {"", "/other.key", "/none.key"}) {
        listen.options.keyFile = key.empty() ? "" : directory + key;
        const auto refused = service->listenHttp(core::SourceId(4), listen)->start();
        ASSERT_FALSE(refused) << key;
        EXPECT_THAT(refused.error().message, HasSubstr(key.empty() ? "key" : directory)) << key;
    }
}

TEST_F(HttpSource, AnAddressThatOthersReachNeedsATokenOrItsWord) {
    open();
    HttpListen listen;
    listen.address = "0.0.0.0";
    auto remote = service->listenHttp(core::SourceId(4), listen);
    const auto refused = remote->start();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, core::ErrorKind::kInvalid);
    EXPECT_THAT(refused.error().message,
                HasSubstr("refusing to listen on 0.0.0.0, which other machines can reach"));
    listen.options.insecure = true;
    auto meant = service->listenHttp(core::SourceId(5), listen);
    EXPECT_TRUE(meant->start());
    listen.options.insecure = false;
    listen.options.tokenFile = testing::TempDir() + "http_token2";
    std::ofstream(listen.options.tokenFile) << "0123456789abcdef0123";
    auto guarded = service->listenHttp(core::SourceId(6), listen);
    EXPECT_TRUE(guarded->start());
}

TEST_F(HttpSource, APortThatIsTakenIsNamed) {
    open();
    HttpListen listen;
    listen.port = source->port();
    auto second = service->listenHttp(core::SourceId(4), listen);
    const auto refused = second->start();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message,
                HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(source->port()) +
                          ": Address already in use"));
}

}  // namespace
}  // namespace tidemill::sources
