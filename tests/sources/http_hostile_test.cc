// Requests that mean harm, or look like it: what each is answered, and that others go on.
#include "tests/sources/http_fixture.h"

#include <sys/socket.h>

namespace tidemill::sources {
namespace {

using std::chrono::milliseconds;
using test::HttpHeaders;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HttpHostile : public HttpFixture {
protected:
    test::HttpAnswer asked(const std::string& bytes) {
        auto one = client();
        one.send(bytes);
        return one.answer().value_or(test::HttpAnswer{});
    }
    // The source is well, and has taken nothing else.
    void expectNothingTaken() {
        EXPECT_EQ(post("well\n").code, 200);
        EXPECT_THAT(lines(), ElementsAre("well"));
    }
};

TEST_F(HttpHostile, WhatTheHeadRefusesIsSaidInWords) {
    HttpOptions options;
    options.path = "/orders";
    options.requestBytesMax = 4096;
    open(options);
    const auto says = [&](const std::string& method, const std::string& path, HttpHeaders headers,
                          const std::string& body, int code, const std::string& words) {
        const auto answer = asked(test::httpRequest(method, path, headers, body));
        EXPECT_EQ(answer.code, code) << words;
        EXPECT_THAT(answer.body, HasSubstr(words));
        const auto type = answer.headers.find("content-type");
        ASSERT_NE(type, answer.headers.end()) << words;
        EXPECT_THAT(type->second, HasSubstr("text/plain"));
    };
    says("POST", "/order\x01s", {}, "x\n", 404, "there is nothing at \"/order\\x01s\"");
    says("POST", "/", {}, "x\n", 404, "records go to \"/orders\"");
    says("PUT", "/orders", {}, "x\n", 405, "the method is \"PUT\"; POST brings records");
    says("POST", "/orders", {{"Origin", "http://evil.example"}}, "x\n", 403,
         "Origin is \"http://evil.example\"");
    says("POST", "/orders", {{"Content-Encoding", "br"}}, "x\n", 415,
         "Content-Encoding is \"br\"; only gzip is known");
    says("POST", "/orders", {{"Content-Type", "multipart/form-data; boundary=x"}}, "x\n", 415,
         "the body must be the lines themselves");
    says("POST", "/orders", {}, std::string(5000, 'x'), 413,
         "the body is 5000 bytes; at most 4096 are taken (max_request_bytes)");
    says("POST", "/orders", {{"Tidemill-Session", "s"}}, "x\n", 400,
         "Tidemill-Session is given without Tidemill-First-Line");
    says("POST", "/orders", {{"Tidemill-First-Line", "1"}}, "x\n", 400,
         "Tidemill-First-Line is given without Tidemill-Session");
    for (const char* line : {"0", "-1", "1x", "99999999999999999999", ""})
        says("POST", "/orders", {{"Tidemill-Session", "s"}, {"Tidemill-First-Line", line}}, "x\n",
             400, "expected the number of the body's first line");
    says("POST", "/orders", {{"Tidemill-Session", "a b"}, {"Tidemill-First-Line", "1"}}, "x\n", 400,
         "Tidemill-Session is \"a b\"; expected 1 to 128 printable");
    says("GET", "/orders", {}, "", 400, "name it: Tidemill-Session: NAME");
    EXPECT_THAT(lines(), IsEmpty());
}

// Two ideas of where a request ends let one sender speak for another behind a proxy.
TEST_F(HttpHostile, RequestsOfUnclearLengthEndTheirConnection) {
    open();
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
    for (const char* lengths :
         {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: 3\r\nContent-Length: 5\r\n", "Transfer-Encoding: gzip, chunked\r\n",
          "Content-Length: -3\r\n", "Content-Length: 3x\r\n",
          "Content-Length: 99999999999999999999999\r\n"}) {
        auto one = client();
        one.send(head + lengths + "\r\nab\n" + test::httpRequest("POST", "/", {}, "smuggled\n"));
        const auto answer = one.answer();
        if (answer) {
            EXPECT_THAT(answer->code, AnyOf(400, 413)) << lengths;
        }
        EXPECT_TRUE(one.raw().ended()) << lengths;
    }
    expectNothingTaken();
}

TEST_F(HttpHostile, WhatIsNoHttpEndsItsConnection) {
    open();
    for (const std::string& bytes :
         {std::string("hello\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03", 10),
          std::string(100, '\0') + "\r\n\r\n", std::string("POST\r\n\r\n"),
          "POST / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n",
          "POST /" + std::string(100'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n",
          std::string("POST / HTTP/1.1\r\n\r\n")}) {
        auto one = client();
        one.send(bytes);
        one.raw().finishSending();
        EXPECT_TRUE(one.raw().ended()) << bytes.substr(0, 20);
    }
    expectNothingTaken();
}

TEST_F(HttpHostile, ABadChunkEndsItsConnection) {
    open();
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char* chunks :
         {"zz\r\nabc\r\n0\r\n\r\n", "3\r\nabcdef\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n",
          "fffffffffffffffffff\r\nabc\r\n", "3\nabc\n0\n\nx"}) {
        auto one = client();
        one.send(head + chunks);
        one.raw().finishSending();
        EXPECT_TRUE(one.raw().ended()) << chunks;
    }
    EXPECT_EQ(post("well\n").code, 200);
    // A lenient parser may take the last one, whose lines end in \n alone; none takes the others.
    for (const auto& line : lines()) EXPECT_THAT(line, AnyOf("well", "abc"));
}

TEST_F(HttpHostile, BodiesThatBreakOffCountAsNothing) {
    open();
    {
        auto one = client();
        one.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nwhole line\nhalf");
        one.raw().finishSending();
        EXPECT_TRUE(one.raw().ended());
        auto two = client();
        two.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nline\n\r\n");
        test::sleepMillis(100);  // so that there is a request to break off
        two.raw().reset();
    }
    EXPECT_TRUE(test::eventually([&] { return source->statistics().connections == 0; }));
    EXPECT_EQ(source->statistics().resets, 2u);
    expectNothingTaken();
}

TEST_F(HttpHostile, GzipThatIsNoneIsRefusedAndTheConnectionGoesOn) {
    open();
    auto one = client();
    const HttpHeaders gzip{{"Content-Encoding", "gzip"}};
    const auto zipped = test::gzipped("one\ntwo\n");
    auto answer = one.post("/", "plain text\n", gzip);
    EXPECT_EQ(answer->code, 400);
    EXPECT_THAT(answer->body, HasSubstr("the body is no gzip, though Content-Encoding says so"));
    answer = one.post("/", zipped.substr(0, zipped.size() - 5), gzip);
    EXPECT_EQ(answer->code, 400);
    EXPECT_THAT(answer->body, HasSubstr("the gzip body ends too early"));
    auto damaged = zipped;
    damaged[damaged.size() - 6] ^= 1;
    EXPECT_EQ(one.post("/", damaged, gzip)->code, 400);
    EXPECT_EQ(one.post("/", zipped + "rest", gzip)->code, 400);
    EXPECT_THAT(lines(), IsEmpty());
    EXPECT_EQ(one.post("/", zipped, gzip)->code, 200);
    EXPECT_THAT(lines(), ElementsAre("one", "two"));
}

TEST_F(HttpHostile, ABombIsRefusedAtTheLimit) {
    HttpOptions options;
    options.requestBytesMax = 1 << 20;
    open(options);
    std::string bomb = test::gzipped(std::string(64 << 20, '\n'));
    ASSERT_LT(bomb.size(), 100u << 10);
    auto one = client();
    const auto answer = one.post("/", bomb, {{"Content-Encoding", "gzip"}});
    EXPECT_EQ(answer->code, 413);
    EXPECT_THAT(answer->body,
                HasSubstr("the body inflates to more than 1048576 bytes (max_request_bytes)"));
    EXPECT_EQ(one.post("/", "well\n")->code, 200);
    EXPECT_THAT(lines(), ElementsAre("well"));
}

TEST_F(HttpHostile, TooLargeABodyIsRefusedInChunksToo) {
    HttpOptions options;
    options.requestBytesMax = 64 << 10;
    open(options);
    auto one = client();
    ASSERT_TRUE(one.send(test::chunkedRequest("/", {}, std::string(1 << 20, 'x'), 5000)));
    const auto answer = one.answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, 413);
    EXPECT_THAT(answer->body, HasSubstr("more than 65536 bytes (max_request_bytes)"));
    EXPECT_EQ(one.post("/", "well\n")->code, 200);
    EXPECT_THAT(lines(), ElementsAre("well"));
}

TEST_F(HttpHostile, ABodyWithoutEndLosesItsConnection) {
    HttpOptions options;
    options.requestBytesMax = 64 << 10;
    open(options);
    auto one = client();
    ASSERT_TRUE(one.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    std::string chunk = "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
    int sent = 0;
    while (sent < 200 && one.send(chunk)) ++sent;
    EXPECT_LT(sent, 100);
    expectNothingTaken();
}

TEST_F(HttpHostile, ALineTooLongIsNamedAndNothingIsTaken) {
    NetworkOptions network;
    network.recordBytesMax = 100;
    open({}, Log::Sync::kWriter, network);
    const auto answer = post("a\n" + std::string(101, 'x') + "\nb\n");
    EXPECT_EQ(answer.code, 413);
    EXPECT_THAT(answer.body, HasSubstr("line 2 of the body has 101 bytes; at most 100 are taken "
                                       "(max_record_bytes)"));
    expectNothingTaken();
}

// A declared length is no memory: it is bytes that count.
TEST_F(HttpHostile, SlowRequestsLoseTheirConnections) {
    HttpOptions options;
    options.requestTimeMax = milliseconds(600);
    options.idleTimeMax = milliseconds(600);
    open(options);
    auto silent = client();
    auto headDrips = client();
    auto bodyDrips = client();
    headDrips.send("POST / HTTP/1.1\r\n");
    bodyDrips.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n");
    bool headEnded = false;
    bool bodyEnded = false;
    for (int i = 0; i < 60 && !(headEnded && bodyEnded); ++i) {
        headEnded = headEnded || !headDrips.send("X-" + std::to_string(i) + ": y\r\n");
        bodyEnded = bodyEnded || !bodyDrips.send("x");
        test::sleepMillis(50);
    }
    EXPECT_TRUE(headEnded);
    EXPECT_TRUE(bodyEnded);
    EXPECT_TRUE(silent.raw().ended());
    EXPECT_EQ(source->statistics().connectionsClosed, 3u);
    expectNothingTaken();
}

// Waiting for the log is no fault of the client.
TEST_F(HttpHostile, ARequestThatWaitsForTheLogIsNotSlow) {
    HttpOptions options;
    options.requestTimeMax = milliseconds(100);
    options.idleTimeMax = milliseconds(100);
    open(options, Log::Sync::kByHand);
    auto one = client();
    ASSERT_TRUE(one.send(test::httpRequest("POST", "/", {}, "a\n")));
    EXPECT_TRUE(one.raw().silent(1500));
    log->makeDurable();
    EXPECT_EQ(one.answer()->code, 200);
}

TEST_F(HttpHostile, AThousandIdleConnectionsLeaveRoomForWork) {
    open();
    std::vector<test::TestClient> idle;
    for (int i = 0; i < 1000; ++i) idle.emplace_back(source->port());
    ASSERT_TRUE(test::eventually([&] { return source->statistics().connections == 1000; }));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(post("well\n").code, 200);
    EXPECT_EQ(lines().size(), 20u);
}

TEST_F(HttpHostile, OneConnectionTooManyIsToldSo) {
    HttpOptions options;
    options.connectionsMax = 3;
    open(options);
    std::vector<test::HttpClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(source->port());
        EXPECT_EQ(clients.back().post("/", "counts\n")->code, 200);
    }
    auto fourth = client();
    const auto answer = fourth.post("/", "does not\n");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, 503);
    EXPECT_EQ(answer->headers.at("retry-after"), "1");
    EXPECT_THAT(answer->body, HasSubstr("3 are open (max_connections)"));
    EXPECT_TRUE(fourth.raw().ended());
    EXPECT_EQ(source->statistics().connectionsRefused, 1u);
    clients.pop_back();
    EXPECT_TRUE(test::eventually([&] { return post("counts\n").code == 200; }));
}

// Bodies that have not arrived whole share 64 MiB: the oldest ones go.
TEST_F(HttpHostile, UnfinishedBodiesShareABudget) {
    open();
    const std::string part(6 << 20, 'x');
    std::vector<test::HttpClient> hoarders;
    for (int i = 0; i < 20; ++i) {
        hoarders.emplace_back(source->port());
        hoarders.back().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n");
        hoarders.back().send(part);
        test::sleepMillis(1);
    }
    EXPECT_TRUE(hoarders.front().raw().ended());
    EXPECT_TRUE(hoarders.back().raw().silent(50));
    EXPECT_LE(source->statistics().connections, 11u);
    expectNothingTaken();
}

}  // namespace
}  // namespace tidemill::sources
