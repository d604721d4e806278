// The parsers of Flume's protocols: bytes written down by hand, limits, and bytes that mean ill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/byte_codec.h"
#include "sources/flume/protocol.h"
#include "tests/support/flume_client.h"

namespace tidemill::sources::flume {
namespace {

using test::SentEvent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <std::size_t N>
std::string bytesOf(const char (&text)[N]) {
    return {text, N - 1};
}

// "body name=value ..." of each.
std::vector<std::string> eventsOf(const EventBatch& batch) {
    std::vector<std::string> events;
    core::ByteReader in(batch.bytes());
    while (!in.finished() && in.ok()) {
        const auto event = decodeEvent(in.string(in.left()));
        if (!event) return {"does not parse"};
        std::string text(event->body);
        event->headers.forEach([&](const FlumeHeader& header) {
            text.append(" ").append(header.name).append("=").append(header.value);
        });
        events.push_back(text);
    }
    return events;
}

// What comes of the bytes, piece by piece of `pieceBytes`: the events of all requests, and the
// answers OK to them; or what is wrong.
struct Outcome {
    std::vector<std::string> events;
    std::string answers;
    std::string error;
    std::uint32_t oversize = 0;
};

Outcome outcomeOf(FlumeProtocol kind, std::string_view bytes, const EventLimits& limits = {},
                  std::size_t pieceBytes = 1 << 20) {
    const auto protocol = makeProtocol(kind, limits);
    EventBatch batch(limits);
    Outcome outcome;
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, pieceBytes);
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            const auto whole = protocol->take(piece);
            if (!whole) return outcome.error = whole.error().message, outcome;
            EXPECT_LE(protocol->heldBytes(), 2 * limits.requestBytesMax + 100);
            if (!*whole) {
                EXPECT_TRUE(piece.empty());
                break;
            }
            batch.clear();
            const auto read = protocol->read(batch);
            EXPECT_LE(batch.bytes().size(), encodedBytesMost(limits));
            if (!read) return outcome.error = read.error().message, outcome;
            for (auto& event : eventsOf(batch)) outcome.events.push_back(event);
            outcome.oversize += batch.oversize();
            protocol->forget();
            outcome.answers += protocol->answer(true);
        }
    }
    return outcome;
}

Outcome avro(std::string_view bytes, const EventLimits& limits = {}) {
    return outcomeOf(FlumeProtocol::kAvro, bytes, limits);
}
Outcome thrift(std::string_view bytes, const EventLimits& limits = {}) {
    return outcomeOf(FlumeProtocol::kThrift, bytes, limits);
}

// A handshake without a protocol, and a batch of two events: {k: v} "ab", and "" without headers.
const std::string kAvroFirst = bytesOf(
    "\0\0\0\7\0\0\0\2"
    "\0\0\0\x22"
    "0123456789abcdef\0"
    "fedcba9876543210\0"
    "\0\0\0\x1a"
    "\0\x16"
    "appendBatch\4"
    "\2\2k\2v\0\4ab"
    "\0\0"
    "\0");
// The second of a connection.
const std::string kAvroAppend = bytesOf(
    "\0\0\0\x8\0\0\0\1\0\0\0\xc"
    "\0\xc"
    "append"
    "\0\4cd");

TEST(FlumeAvro, ReadsWhatWasWrittenDownByHand) {
    const auto outcome = avro(kAvroFirst + kAvroAppend);
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.events, ElementsAre("ab k=v", "", "cd"));
    EXPECT_EQ(outcome.answers, bytesOf("\0\0\0\7\0\0\0\1\0\0\0\7\0\0\0\0\0\0\0"
                                       "\0\0\0\x8\0\0\0\1\0\0\0\3\0\0\0"));
}

TEST(FlumeAvro, AnswersFailed) {
    const auto protocol = makeAvro({});
    std::string_view bytes = kAvroFirst;
    ASSERT_TRUE(protocol->take(bytes).value());
    EXPECT_EQ(protocol->answer(false), bytesOf("\0\0\0\7\0\0\0\1\0\0\0\7\0\0\0\0\0\0\2"));
}

TEST(FlumeAvro, BlocksMayComeWithTheirSize) {
    // A map of one entry and an array of one event, each as -1 and the size in bytes.
    EXPECT_THAT(avro(kAvroFirst + bytesOf("\0\0\0\x8\0\0\0\1\0\0\0\x1a"
                                          "\0\x16"
                                          "appendBatch\1\x14"
                                          "\1\x8\2k\2v\0\4ab"
                                          "\0"))
                    .events,
                ElementsAre("ab k=v", "", "ab k=v"));
}

TEST(FlumeAvro, EveryCutIsTheSame) {
    const auto bytes = test::avroRequest(1, {{"one", {{"a", "1"}, {"b", ""}}}, {"two"}}, true, 7) +
                       test::avroRequest(2, {{"three"}}, false, 1) + test::avroAppend(3, {"four"});
    for (std::size_t pieceBytes : {1, 2, 3, 5, 8, 64}) {
        const auto outcome = outcomeOf(FlumeProtocol::kAvro, bytes, {}, pieceBytes);
        EXPECT_EQ(outcome.error, "");
        EXPECT_THAT(outcome.events, ElementsAre("one a=1 b=", "two", "three", "four"));
    }
}

TEST(FlumeThrift, ReadsWhatWasWrittenDownByHand) {
    const auto outcome =
        thrift(bytesOf("\0\0\0\x23"
                       "\x82\x21\x5\xb"
                       "appendBatch\x19\x2c"
                       "\x1b\1\x88\1k\1v\x18\2ab\0"
                       "\x1b\0\x18\0\0"
                       "\0"
                       "\0\0\0\x12"
                       "\x82\x21\x6\x6"
                       "append\x1c"
                       "\x18\1c\x1b"
                       "\0\0\0"));
    // The body before the headers is field 1 then, which is no text.
    EXPECT_THAT(outcome.error, HasSubstr("do not parse"));
    EXPECT_THAT(outcome.events, ElementsAre("ab k=v", ""));
    EXPECT_EQ(outcome.answers, bytesOf("\0\0\0\x13\x82\x41\5\xb"
                                       "appendBatch\5\0\0\0"));
    // With ids written out they may come in any order.
    EXPECT_THAT(thrift(bytesOf("\0\0\0\x14"
                               "\x82\x21\x6\x6"
                               "append\x1c"
                               "\x8\4\1c\xb\2\0\0\0"))
                    .events,
                ElementsAre("c"));
}

TEST(FlumeThrift, AnswersFailed) {
    const auto protocol = makeThrift({});
    const auto bytes = test::thriftRequest(300, {{"a"}});
    std::string_view rest = bytes;
    ASSERT_TRUE(protocol->take(rest).value());
    protocol->forget();
    EXPECT_EQ(protocol->answer(false), bytesOf("\0\0\0\x14\x82\x41\xac\2\xb"
                                               "appendBatch\5\0\2\0"));
}

TEST(FlumeThrift, EveryCutIsTheSame) {
    std::vector<SentEvent> many(20, {"x", {{"h", "1"}}});
    const auto bytes = test::thriftRequest(1, {{"one", {{"a", "1"}}}, {"two"}}) +
                       test::thriftAppend(2, {"three"}) + test::thriftRequest(3, many);
    for (std::size_t pieceBytes : {1, 2, 3, 5, 8, 64}) {
        const auto outcome = outcomeOf(FlumeProtocol::kThrift, bytes, {}, pieceBytes);
        EXPECT_EQ(outcome.error, "");
        ASSERT_EQ(outcome.events.size(), 23u);
        EXPECT_EQ(outcome.events.at(2), "three");
        EXPECT_EQ(outcome.events.back(), "x h=1");
    }
}

TEST(FlumeParsers, RefuseWhatIsBeyondALimit) {
    EventLimits limits{1'000, 3, 10, 20};
    const std::vector<SentEvent> four(4, {"a"});
    const std::vector<SentEvent> wide{{"a", {{"12345", "678901"}}}};
    const std::vector<SentEvent> large{{std::string(2'000, 'x')}};
    for (const auto kind : {FlumeProtocol::kAvro, FlumeProtocol::kThrift}) {
        const auto errorOf = [&](const std::vector<SentEvent>& events) {
            const auto bytes = kind == FlumeProtocol::kAvro ? test::avroRequest(1, events, true)
                                                            : test::thriftRequest(1, events);
            return outcomeOf(kind, bytes, limits).error;
        };
        EXPECT_THAT(errorOf(four), HasSubstr("more than 3 events (max_request_events)"));
        EXPECT_THAT(errorOf(wide), HasSubstr("at most 10 are taken (max_header_bytes)"));
        EXPECT_THAT(errorOf(large), HasSubstr("(max_request_bytes)"));
        EXPECT_EQ(errorOf({{"a", {{"12345", "67890"}}}, {"b"}, {"c"}}), "");
    }
    // A body that is too long is left out, for its agent would send it for ever.
    const auto outcome = avro(test::avroRequest(1, {{std::string(21, 'x')}, {"b"}}, true), limits);
    EXPECT_THAT(outcome.events, ElementsAre("b"));
    EXPECT_EQ(outcome.oversize, 1u);
}

TEST(FlumeParsers, LengthsThatAreNotThereTakeNoMemory) {
    // Of pieces, of a piece, of a frame, of a text, of an array, of a map, of a list.
    EXPECT_THAT(avro(bytesOf("\0\0\0\1\x7f\xff\xff\xff")).error, HasSubstr("2147483647 pieces"));
    EXPECT_THAT(avro(bytesOf("\0\0\0\1\0\0\0\1\x7f\xff\xff\xff")).error,
                HasSubstr("max_request_bytes"));
    EXPECT_THAT(thrift(bytesOf("\x7f\xff\xff\xff")).error, HasSubstr("2147483647 bytes"));
    const auto promised = makeAvro({});
    auto begun = std::string_view("\0\0\0\1\0\0\0\1\0\x7f\xff\xff only this", 22);
    EXPECT_FALSE(promised->take(begun).value());
    EXPECT_EQ(promised->heldBytes(), 0u);
    const auto call = [](const std::string& rest) {
        std::string body = bytesOf(
                               "\0\x16"
                               "appendBatch") +
                           rest;
        return avro(kAvroFirst + bytesOf("\0\0\0\1\0\0\0\1\0\0\0") +
                    static_cast<char>(body.size()) + body)
            .error;
    };
    const auto most = std::string(9, '\xff');
    EXPECT_NE(call(most + "\1"), "");                          // events: the least number there is
    EXPECT_NE(call(bytesOf("\xfe\xff\xff\xff\x0f")), "");      // 2^31 of them
    EXPECT_NE(call(bytesOf("\2\xfe\xff\xff\xff\x0f")), "");    // headers
    EXPECT_NE(call(bytesOf("\2\0\xfe\xff\xff\xff\x0f")), "");  // bytes of a body
    EXPECT_NE(call(bytesOf("\2\0\1")), "");                    // a body of -1 byte
    EXPECT_NE(call(bytesOf("\2\0\2a\0z")), "");                // something behind the call
    EXPECT_NE(call(std::string(30, '\xff')), "");              // a number without an end
    const auto list = [](const std::string& rest) {
        const std::string body = bytesOf(
                                     "\x82\x21\1\xb"
                                     "appendBatch\x19") +
                                 rest;
        return thrift(bytesOf("\0\0\0") + static_cast<char>(body.size()) + body).error;
    };
    EXPECT_NE(list(bytesOf("\xfc\xff\xff\xff\xff\x0f")), "");
    EXPECT_NE(list(bytesOf("\x1c\x1b\xff\xff\xff\xff\x0f\x88")), "");
    EXPECT_NE(list(bytesOf("\x1c\x1b\0\x18\xff\xff\xff\xff\x0f")), "");
    EXPECT_NE(list(bytesOf("\x1b\0\0")), "");        // a list of something else
    EXPECT_NE(list(bytesOf("\x1c\x1b\0\0\0")), "");  // an event without a body
    EXPECT_EQ(list(bytesOf("\x1c\x1b\0\x18\0\0\0")), "");
}

TEST(FlumeParsers, SayWhatElseItLooksLike) {
    EXPECT_THAT(avro("GET / HTTP/1.1\r\n").error, HasSubstr("they look like HTTP"));
    EXPECT_THAT(avro(bytesOf("\x16\x03\x01\x02\x00\x01\x00\x01\xfc")).error, HasSubstr("TLS"));
    EXPECT_THAT(avro(test::thriftRequest(1, {{"a"}})).error, HasSubstr("protocol = \"thrift\""));
    EXPECT_THAT(avro(bytesOf("\x78\x9c\x63\x60\x80\x01\x46\x11")).error,
                HasSubstr("compression-type = none"));
    EXPECT_THAT(thrift(test::avroRequest(0, {{"a"}}, true)).error,
                HasSubstr("protocol = \"avro\""));
    EXPECT_EQ(thrift(bytesOf("\0\0\0\2\x82\x21")).error,
              "a message is no call of Thrift's compact protocol");
    EXPECT_THAT(thrift(test::avroRequest(1, {{"a"}}, true)).error,
                HasSubstr("no call of Thrift's compact protocol"));
}

// Whatever comes: it parses or is refused, within memory that the limits say.
TEST(FlumeParsers, TakeAnyBytes) {
    std::mt19937 random(7);
    const auto number = [&](std::size_t below) { return random() % below; };
    const EventLimits limits{4'000, 100, 200, 500};
    std::size_t parsed = 0;
    for (int i = 0; i < 30'000; ++i) {
        std::vector<SentEvent> events(number(5));
        for (auto& event : events) {
            event.body = std::string(number(300), 'b');
            for (auto n = number(4); n != 0; --n)
                event.headers.emplace_back(std::string(number(20), 'n'),
                                           std::string(number(60), 'v'));
        }
        const auto kind = i % 2 == 0 ? FlumeProtocol::kAvro : FlumeProtocol::kThrift;
        auto bytes = kind == FlumeProtocol::kAvro
                         ? test::avroRequest(1, events, true, 1 + number(400))
                         : test::thriftRequest(1, events);
        if (number(10) == 0)
            for (char& c : bytes) c = static_cast<char>(random());
        for (auto changes = number(4); changes != 0; --changes) {
            const auto at = number(bytes.size());
            switch (number(4)) {
                case 0: bytes[at] = static_cast<char>(random()); break;
                case 1: bytes[at] = static_cast<char>(bytes[at] ^ 1 << number(8)); break;
                case 2: bytes.resize(at + 1); break;
                default: bytes.insert(at, 1, static_cast<char>(random()));
            }
        }
        const auto outcome = outcomeOf(kind, bytes, limits, 1 + number(200));
        parsed += outcome.error.empty() && !outcome.answers.empty() ? 1 : 0;
    }
    EXPECT_GT(parsed, 3'000u);
}

TEST(FlumeBlocks, AreAsTheFormatSays) {
    EventBatch batch({});
    ASSERT_TRUE(batch.begin());
    ASSERT_TRUE(batch.header("k", "v"));
    batch.end("ab");
    EXPECT_EQ(batch.bytes(), bytesOf("\xc\0\0\0\6\0\0\0\1\0k\1\0v"
                                     "ab"));
    for (const auto& damaged : {bytesOf(""), bytesOf("\1\0\0"), bytesOf("\7\0\0\0\1\0k\1\0v"),
                                bytesOf("\1\0\0\0k"), bytesOf("\4\0\0\0\1\0k\1")})
        EXPECT_FALSE(decodeEvent(damaged)) << testing::PrintToString(damaged);
    const auto twice = bytesOf("\xc\0\0\0\1\0k\1\0v\1\0k\1\0w");
    const auto event = decodeEvent(twice);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->headers.find("k"), "w");
    EXPECT_EQ(event->headers.find("other"), std::nullopt);
}

}  // namespace
}  // namespace tidemill::sources::flume
