// Regular expressions, logfmt and key_value.
#include <random>

#include "rows/readers/key_value_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Regex, GroupsByNumberAndName) {
    const auto reader = makeRegexReader({field("path", "path"), field("status", "2", Type::kInt)},
                                        {R"re("GET (?P<path>\S+)[^"]*" (\d{3}))re"});
    EXPECT_THAT(read(reader, {R"(host "GET /a HTTP/1.1" 200 5)", "other"}),
                ElementsAre(R"("/a" 200)",
                            "the record does not match "
                            "\"\"GET (?P<path>\\S+)[^\"]*\" (\\d{3})\""));
}

TEST(Regex, MatchesBytesThatAreNotUtf8) {
    EXPECT_EQ(readOne(makeRegexReader({field("w", "1")}, {"ERROR.*(disk)"}), "ERROR caf\xe9 disk"),
              "\"disk\"");
    EXPECT_EQ(readOne(makeRegexReader({field("w", "1")}, {"(caf.) "}), "ERROR caf\xe9 disk"),
              "\"caf\xEF\xBF\xBD\"");
}

TEST(Regex, AGroupThatTookNoPartIsNullOrTheDefault) {
    const std::string pattern = R"((\w+)(?:=(\d+))?)";
    EXPECT_EQ(
        readOne(makeRegexReader({field("k", "1"), field("v", "2", Type::kInt)}, {pattern}), "a"),
        "\"a\" null");
    EXPECT_EQ(
        readOne(makeRegexReader({withDefault(field("v", "2", Type::kInt), "0")}, {pattern}), "a"),
        "0");
    EXPECT_EQ(readOne(makeRegexReader({field("v", "1")}, {"a(x*)b"}), "ab"), "\"\"");
}

TEST(Regex, WhatCannotBeIsRefused) {
    EXPECT_THAT(refusal(makeRegexReader({field("v", "1")}, {"(a"})),
                HasSubstr("no regular expression"));
    EXPECT_THAT(refusal(makeRegexReader({field("v", "2")}, {"(a)"})),
                HasSubstr("the pattern has 1 groups without names"));
    EXPECT_THAT(refusal(makeRegexReader({field("v", "x")}, {"(?P<y>a)"})),
                HasSubstr("among them y"));
}

const std::vector<FieldSpec> kLog = {field("level", "level"), optional(field("msg", "msg")),
                                     optional(field("n", "n", Type::kInt)),
                                     optional(field("ok", "ok", Type::kBool))};

TEST(Logfmt, PairsInAnyOrder) {
    const auto reader = makeLogfmtReader(kLog);
    EXPECT_EQ(readOne(reader, R"(level=info msg="it is \"done\"\n\u00e9" n=12 ok)"),
              "\"info\" \"it is \\\"done\\\"\\n\xc3\xa9\" 12 true");
    EXPECT_EQ(readOne(reader, R"(  n=12   other level=warn ok=false )"), R"("warn" null 12 false)");
    EXPECT_EQ(readOne(reader, R"(level= msg)"), R"("" null null null)");
    EXPECT_EQ(readOne(reader, R"(level=a msg=/x?y=z level=b)"), R"("b" "/x?y=z" null null)");
    EXPECT_EQ(readOne(reader, "msg=x"), "level: the record has no such name");
}

TEST(Logfmt, WhatIsNoneIsSaidWithItsPlace) {
    const auto reader = makeLogfmtReader(kLog);
    EXPECT_EQ(readOne(reader, R"(level="a)"), "byte 7: a quote that is not closed");
    EXPECT_EQ(readOne(reader, R"(level="a\)"), "byte 7: a quote that is not closed");
    EXPECT_EQ(readOne(reader, R"(level="a"b)"),
              "byte 10: a value goes on behind the quote that closes it");
    EXPECT_EQ(readOne(reader, R"(level=a"b)"),
              "byte 8: a quote inside of a value that does not begin with one");
    EXPECT_EQ(readOne(reader, R"(le"vel=a)"), "byte 3: a quote in a name");
    EXPECT_EQ(readOne(reader, R"(=a)"), "byte 1: a value without a name");
    EXPECT_EQ(readOne(reader, R"(level="\x")"), "byte 7: a wrong escape in quotes");
}

TEST(Logfmt, WhatIsWrittenIsReadBack) {
    std::mt19937_64 random(31);
    const auto reader = makeLogfmtReader({optional(field("a", "a")), optional(field("b", "b"))});
    for (int i = 0; i < 3000; ++i) {
        std::string values[2];
        std::string quoted[2];
        for (int n = 0; n < 2; ++n) {
            values[n].resize(random() % 6);
            for (char& c : values[n]) c = "ab= \"\\\n\x01\t"[random() % 9];
            appendJsonText(quoted[n], values[n]);
        }
        ASSERT_EQ(readOne(reader, "x=1 b=" + quoted[1] + " a=" + quoted[0] + " a2=" + quoted[1]),
                  quoted[0] + " " + quoted[1]);
    }
}

TEST(KeyValue, SeparatorsOfManyKinds) {
    const std::vector<FieldSpec> fields = {field("a", "a", Type::kInt),
                                           optional(field("b", "b c"))};
    EXPECT_EQ(readOne(makeKeyValueReader(fields, {";", "="}), "a=1;b c = x=y ;"), R"(1 "x=y")");
    EXPECT_EQ(readOne(makeKeyValueReader(fields, {", ", ": "}), "b c: \"q\", a: 2"),
              R"(2 "\"q\"")");
    EXPECT_EQ(readOne(makeKeyValueReader(fields), "  a=3   z=1"), "3 null");
    EXPECT_EQ(readOne(makeKeyValueReader(fields, {"&", "="}), "a=1&a=2&b c"), "2 null");
    EXPECT_EQ(readOne(makeKeyValueReader(fields, {"&", "="}), "b c=x"),
              "a: the record has no such name");
    EXPECT_EQ(readOne(makeKeyValueReader({field("on", "on", Type::kBool)}, {"&", "="}), "x=1&on"),
              "true");
}

TEST(KeyValue, WhatCannotBeIsRefused) {
    EXPECT_THAT(refusal(makeKeyValueReader({field("a", "a")}, {"", "="})), HasSubstr("separators"));
    EXPECT_THAT(refusal(makeKeyValueReader({field("a", "a")}, {"=", "="})),
                HasSubstr("must differ"));
    EXPECT_THAT(refusal(makeKeyValueReader({field("a", " a")})), HasSubstr("no blanks"));
}

}  // namespace
}  // namespace tidemill::rows
