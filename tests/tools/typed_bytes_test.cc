#include "tools/typed_bytes.h"

#include <gtest/gtest.h>

#include <cstring>

namespace tidemill::tools {
namespace {

using namespace std::string_literals;

template <class T>
std::string raw(T number) {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

std::string jsonKey(const std::string& type, std::string_view bytes) {
    std::string out;
    appendTypedKey(out, type, bytes);
    return out;
}

std::string jsonValue(const std::string& type, std::string_view bytes) {
    std::string out;
    appendTypedValue(out, type, bytes);
    return out;
}

TEST(TypedBytes, TheSignatureNamesTheTypes) {
    const auto types = typesOf("runningTotals key=string value=i64");
    EXPECT_EQ(types.key, "string");
    EXPECT_EQ(types.value, "i64");
}

TEST(TypedBytes, TheStateOfAnUpdatedTableIsItsValue) {
    EXPECT_EQ(typesOf("updateStateByKey key=u32 value= state=f64").value, "f64");
}

TEST(TypedBytes, ASignatureThatDoesNotSayLeavesTheTypesEmpty) {
    EXPECT_EQ(typesOf("sessions").key, "");
    EXPECT_EQ(typesOf("").value, "");
}

TEST(TypedBytes, NumbersAreJsonNumbers) {
    EXPECT_EQ(jsonValue("i64", raw(std::int64_t{-7})), R"("value": -7)");
    EXPECT_EQ(jsonValue("u64", raw(~std::uint64_t{0})), R"("value": 18446744073709551615)");
    EXPECT_EQ(jsonValue("i32", raw(std::int32_t{41})), R"("value": 41)");
    EXPECT_EQ(jsonValue("f64", raw(0.5)), R"("value": 0.5)");
}

TEST(TypedBytes, SmallIntegersMayFillEightBytes) {
    EXPECT_EQ(jsonValue("i32", raw(std::int64_t{-41})), R"("value": -41)");
    EXPECT_EQ(jsonValue("u16", raw(std::uint64_t{7})), R"("value": 7)");
}

TEST(TypedBytes, TextIsAJsonString) {
    EXPECT_EQ(jsonKey("string", "tide"), R"("key": "tide")");
    EXPECT_EQ(jsonKey("string", "\xff"), R"("key_base64": "/w==")");
}

TEST(TypedBytes, AValueOfTheWrongSizeIsShownAsBytes) {
    EXPECT_EQ(jsonValue("i64", "abc"), R"("value": "abc")");
    EXPECT_EQ(jsonValue("cereal:Point", "\xfe"), R"("value_base64": "/g==")");
}

TEST(TypedBytes, BytesForPeopleAreEscaped) {
    EXPECT_EQ(shownKey("string", "tide"), "tide");
    EXPECT_EQ(shownKey("string", "a\nb"), R"(a\x0ab)");
    EXPECT_EQ(shownKey("string", "a\\b\xff"), R"(a\\b\xff)");
    EXPECT_EQ(shownValue("i64", raw(std::int64_t{12})), "12");
}

TEST(TypedBytes, ATypedKeyIsTheKeyThatIsShown) {
    for (const std::string type : {"i64", "u64", "i32", "u32", "i16", "u16"}) {
        for (const std::string text : {"0", "1", "7", "255", "30000"}) {
            const auto bytes = typedKey(type, text);
            ASSERT_TRUE(bytes) << type << " " << text;
            EXPECT_EQ(shownKey(type, *bytes), text) << type;
        }
    }
    for (const std::string text : {"-1", "-300"})
        EXPECT_EQ(shownKey("i64", typedKey("i64", text).value()), text);
    for (const std::string text : {"0.5", "-2.25", "3.0"})
        EXPECT_EQ(shownKey("f64", typedKey("f64", text).value()), text);
}

TEST(TypedBytes, ATypedTextKeyIsItsOwnBytes) {
    EXPECT_EQ(typedKey("string", "tide").value(), "tide");
    EXPECT_EQ(typedKey("string", "").value(), "");
}

TEST(TypedBytes, EscapesInATypedKeyMeanWhatTheyShow) {
    for (const auto& bytes :
         {"a\nb"s, "\xff\xfe"s, "back\\slash"s, R"(\x0a)"s, "nul\0nul"s, "tab\t"s})
        EXPECT_EQ(typedKey("string", shownKey("string", bytes)).value(), bytes)
            << shownKey("string", bytes);
}

TEST(TypedBytes, ABackslashThatBeginsNoEscapeIsItself) {
    EXPECT_EQ(typedKey("string", R"(a\b\xZZ\)").value(), R"(a\b\xZZ\)");
}

TEST(TypedBytes, AKeyThatIsNoNumberIsRefused) {
    const auto key = typedKey("i64", "seven");
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().kind, core::ErrorKind::kInvalid);
    EXPECT_EQ(key.error().message, "\"seven\" is no key of this table: its keys are i64");
    EXPECT_FALSE(typedKey("u16", "70000"));
    EXPECT_FALSE(typedKey("i64", "7x"));
}

}  // namespace
}  // namespace tidemill::tools
