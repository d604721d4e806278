#include "rows/json.h"

#include <gtest/gtest.h>

#include "tools/json_lines.h"

namespace tidemill::rows {
namespace {

using namespace std::string_literals;

std::string jsonString(std::string_view bytes) {
    std::string out;
    appendJsonString(out, bytes);
    return out;
}

std::string field(std::string_view bytes) {
    std::string out;
    appendJsonBytes(out, "key", bytes);
    return out;
}

TEST(Json, QuotesAndBackslashesAreEscaped) { EXPECT_EQ(jsonString(R"(a"b\c)"), R"("a\"b\\c")"); }

TEST(Json, ControlBytesAreEscaped) {
    EXPECT_EQ(jsonString("a\tb\n\0c\x1f"s), R"("a\u0009b\u000a\u0000c\u001f")");
}

TEST(Json, Utf8StaysAsItIs) { EXPECT_EQ(jsonString("Gezeitenmühle €𝄞"), "\"Gezeitenmühle €𝄞\""); }

TEST(Json, WellFormedUtf8IsToldFromOtherBytes) {
    EXPECT_TRUE(isUtf8(""));
    EXPECT_TRUE(isUtf8("plain"));
    EXPECT_TRUE(isUtf8("ü€𝄞"));
    EXPECT_FALSE(isUtf8("\xff"));
    EXPECT_FALSE(isUtf8("\xc3"));              // cut short
    EXPECT_FALSE(isUtf8("\xc0\x80"));          // longer than needed
    EXPECT_FALSE(isUtf8("\xed\xa0\x80"));      // half of a surrogate pair
    EXPECT_FALSE(isUtf8("\xf4\x90\x80\x80"));  // beyond the last code point
}

TEST(Json, OtherBytesAreBase64UnderAnotherName) {
    EXPECT_EQ(field("word"), R"("key": "word")");
    EXPECT_EQ(field("\xff\xfe"), R"("key_base64": "//4=")");
}

// The vectors of RFC 4648.
TEST(Json, Base64IsPadded) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foo"), "Zm9v");
    EXPECT_EQ(base64("foob"), "Zm9vYg==");
    EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Json, ALineHoldsTheFieldsOfItsElement) {
    std::string pair;
    tools::appendJsonFields(pair, {std::string_view("tide"), -3});
    EXPECT_EQ(pair, R"("key": "tide", "value": -3)");
    std::string text;
    tools::appendJsonFields(text, "the tide");
    EXPECT_EQ(text, R"("value": "the tide")");
}

}  // namespace
}  // namespace tidemill::rows
