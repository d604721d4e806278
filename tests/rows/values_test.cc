// Texts to values and back.
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>

#include "rows/calendar.h"
#include "rows/parse_value.h"
#include "rows/write_value.h"

namespace tidemill::rows {
namespace {

// "12", "none" or "range".
template <class T>
std::string shown(Parsed parsed, T value) {
    if (parsed == Parsed::kNoValue) return "none";
    if (parsed == Parsed::kOutOfRange) return "range";
    char room[kValueTextMax];
    if constexpr (std::is_same_v<T, double>) return {room, writeFloat(room, value)};
    if constexpr (std::is_same_v<T, std::uint8_t>) return std::string(boolText(value));
    return {room, writeInt(room, static_cast<std::int64_t>(value))};
}
std::string asInt(std::string_view text) {
    std::int64_t value = 0;
    const Parsed parsed = parseInt(text, value);
    return shown(parsed, value);
}
std::string asFloat(std::string_view text) {
    double value = 0;
    const Parsed parsed = parseFloat(text, value);
    return shown(parsed, value);
}
std::string asBool(std::string_view text) {
    std::uint8_t value = 0;
    const Parsed parsed = parseBool(text, value);
    return shown(parsed, value);
}
std::string asTime(std::string_view text) {
    std::int64_t micros = 0;
    const Parsed parsed = parseTime(text, micros);
    if (parsed != Parsed::kValue) return parsed == Parsed::kNoValue ? "none" : "range";
    char room[kValueTextMax];
    return {room, writeTime(room, micros)};
}

TEST(ParseInt, HoldsAllOfSixtyFourBits) {
    EXPECT_EQ(asInt("0"), "0");
    EXPECT_EQ(asInt("-0"), "0");
    EXPECT_EQ(asInt("007"), "7");
    EXPECT_EQ(asInt("+7"), "7");
    EXPECT_EQ(asInt("9007199254740993"), "9007199254740993");
    EXPECT_EQ(asInt("9223372036854775807"), "9223372036854775807");
    EXPECT_EQ(asInt("-9223372036854775808"), "-9223372036854775808");
    EXPECT_EQ(asInt("00000000000000000000000000012"), "12");
}

TEST(ParseInt, WhatDoesNotFitIsNotAWrongNumber) {
    EXPECT_EQ(asInt("9223372036854775808"), "range");
    EXPECT_EQ(asInt("-9223372036854775809"), "range");
    EXPECT_EQ(asInt("18446744073709551617"), "range");
    EXPECT_EQ(asInt(std::string(400, '9')), "range");
    EXPECT_EQ(asInt(std::string(400, '9') + "x"), "none");
}

TEST(ParseInt, OtherTextIsNone) {
    for (const char* text : {"", "-", "+", "--1", "+-1", " 1", "1 ", "1.0", "1e3", "0x10", "1_000",
                             "1,000", "abc", "123456789012345678x", "\xd9\xa1"})
        EXPECT_EQ(asInt(text), "none") << text;
    EXPECT_EQ(asInt(std::string_view("1\0", 2)), "none");
}

TEST(ParseFloat, RoundsToNearest) {
    EXPECT_EQ(asFloat("0.1"), "0.1");
    EXPECT_EQ(asFloat("-.5"), "-0.5");
    EXPECT_EQ(asFloat("1."), "1");
    EXPECT_EQ(asFloat("+1.5"), "1.5");
    EXPECT_EQ(asFloat("007"), "7");
    EXPECT_EQ(asFloat("2e-3"), "0.002");
    EXPECT_EQ(asFloat("9007199254740993"), "9.007199254740992e+15");
    EXPECT_EQ(asFloat("123456789012345"), "123456789012345");
    EXPECT_EQ(asFloat("-0"), "-0");
    EXPECT_EQ(asFloat("1.7976931348623157e308"), "1.7976931348623157e+308");
    EXPECT_EQ(asFloat("5e-324"), "5e-324");
}

TEST(ParseFloat, WordsForNaNAndInfinity) {
    EXPECT_EQ(asFloat("NaN"), "NaN");
    EXPECT_EQ(asFloat("inf"), "Infinity");
    EXPECT_EQ(asFloat("-Infinity"), "-Infinity");
    EXPECT_EQ(asFloat("nan(1)"), "none");
    EXPECT_EQ(asFloat("infinit"), "none");
}

TEST(ParseFloat, OtherTextIsNoneAndTooLargeIsSaid) {
    EXPECT_EQ(asFloat("1e999"), "range");
    EXPECT_EQ(asFloat("-1e999"), "range");
    EXPECT_EQ(asFloat("1e-999"), "range");
    for (const char* text : {"", "-", "+", ".", "-.", "1e", "e5", "1.2.3", "0x1p3", " 1", "1 ",
                             "1,5", "+-1", "--1", "1e5x", "-+1", "1-2"})
        EXPECT_EQ(asFloat(text), "none") << text;
}

TEST(ParseFloat, IsExactlyStrtodForShortDecimals) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string text = std::to_string(random() % 1'000'000'000'000'000 >> random() % 50);
        text.insert(random() % (text.size() + 1), ".");
        if (text == ".") continue;
        double value = 0;
        ASSERT_EQ(parseFloat(text, value), Parsed::kValue) << text;
        ASSERT_EQ(value, std::strtod(text.c_str(), nullptr)) << text;
    }
}

TEST(ParseBool, WordsOfPostgres) {
    for (const char* text : {"t", "TRUE", "tr", "y", "yes", "on", "1"})
        EXPECT_EQ(asBool(text), "true") << text;
    for (const char* text : {"f", "False", "n", "no", "of", "off", "0"})
        EXPECT_EQ(asBool(text), "false") << text;
    for (const char* text : {"", "o", "truee", "2", "10", " t", "none", "wahr"})
        EXPECT_EQ(asBool(text), "none") << text;
}

TEST(ParseTime, FormsOfIso8601) {
    EXPECT_EQ(asTime("2024-02-29"), "2024-02-29T00:00:00Z");
    EXPECT_EQ(asTime("20240229"), "2024-02-29T00:00:00Z");
    EXPECT_EQ(asTime("2024-02-29T12:30"), "2024-02-29T12:30:00Z");
    EXPECT_EQ(asTime("2024-02-29 12:30:59"), "2024-02-29T12:30:59Z");
    EXPECT_EQ(asTime("2024-02-29t12:30:59z"), "2024-02-29T12:30:59Z");
    EXPECT_EQ(asTime("2024-02-29T12:30:59.5Z"), "2024-02-29T12:30:59.500Z");
    EXPECT_EQ(asTime("2024-02-29T12:30:59,123456789Z"), "2024-02-29T12:30:59.123456Z");
    EXPECT_EQ(asTime("2024-02-29T12:30:59+02:00"), "2024-02-29T10:30:59Z");
    EXPECT_EQ(asTime("2024-02-29 12:30:59 -0530"), "2024-02-29T18:00:59Z");
    EXPECT_EQ(asTime("2024-03-01T00:30:00+01"), "2024-02-29T23:30:00Z");
    EXPECT_EQ(asTime("20240229T123059Z"), "2024-02-29T12:30:59Z");
    EXPECT_EQ(asTime("20240229T12"), "2024-02-29T12:00:00Z");
    EXPECT_EQ(asTime("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00Z");
    EXPECT_EQ(asTime("2024-02-29T24:00:00Z"), "2024-03-01T00:00:00Z");
    EXPECT_EQ(asTime("1969-12-31T23:59:59.999999Z"), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(asTime("-0044-03-15"), "-0044-03-15T00:00:00Z");
    EXPECT_EQ(asTime("+12024-02-29"), "12024-02-29T00:00:00Z");
}

TEST(ParseTime, OtherTextIsNone) {
    for (const char* text : {"",
                             "2024",
                             "2024-02",
                             "2024-2-9",
                             "2023-02-29",
                             "2024-13-01",
                             "2024-00-01",
                             "2024-01-00",
                             "2024-02-29T",
                             "2024-02-29T25:00",
                             "2024-02-29T24:00:01",
                             "2024-02-29T12:60",
                             "2024-02-29T12:30:61",
                             "2024-02-29T12:30:",
                             "2024-02-29T12:30:59.",
                             "2024-02-29T12:30:59+",
                             "2024-02-29T12:30:59+1",
                             "2024-02-29T12:30:59+01:",
                             "2024-02-29T12:30:59+16:00",
                             "2024-02-29T12:30:59ZZ",
                             "2024-02-29x12:30",
                             " 2024-02-29",
                             "2024-02-29 ",
                             "2024-0229",
                             "-20240229",
                             "12:30:59",
                             "now",
                             "2024-02-29T12:3",
                             "20240229T1",
                             "20240229T123"})
        EXPECT_EQ(asTime(text), "none") << text;
    EXPECT_EQ(asTime("294247-01-01"), "range");
    EXPECT_EQ(asTime("9999999-01-01"), "range");
    EXPECT_EQ(asTime("-999999-01-01"), "range");
}

TEST(Calendar, AgreesWithTheLibraryOnEveryDayOfThousandsOfYears) {
    for (std::int64_t days = -800'000; days < 800'000; ++days) {
        const auto day = civilDayOf(days);
        const std::chrono::year_month_day expected{
            std::chrono::sys_days(std::chrono::days(static_cast<int>(days)))};
        ASSERT_EQ(day.year, static_cast<int>(expected.year())) << days;
        ASSERT_EQ(day.month, static_cast<unsigned>(expected.month())) << days;
        ASSERT_EQ(day.day, static_cast<unsigned>(expected.day())) << days;
        ASSERT_EQ(daysOf(day.year, day.month, day.day), days);
    }
}

TEST(WriteValue, EveryTextReadsBackAsTheSameValue) {
    std::mt19937_64 random(11);
    char room[kValueTextMax];
    for (int i = 0; i < 50'000; ++i) {
        const auto bits = static_cast<std::int64_t>(random() >> (random() % 64));
        const std::int64_t whole = i % 2 == 0 ? bits : -bits;
        std::int64_t wholeBack = 0;
        ASSERT_EQ(parseInt({room, writeInt(room, whole)}, wholeBack), Parsed::kValue);
        ASSERT_EQ(wholeBack, whole);

        const auto real = std::bit_cast<double>(random());
        double realBack = 0;
        ASSERT_EQ(parseFloat({room, writeFloat(room, real)}, realBack), Parsed::kValue) << real;
        ASSERT_TRUE(realBack == real || std::isnan(real)) << real;

        const std::int64_t micros = whole / 2;
        std::int64_t microsBack = 0;
        char* const end = writeTime(room, micros);
        *end = 0;
        ASSERT_LT(end, room + kValueTextMax);
        ASSERT_EQ(parseTime({room, end}, microsBack), Parsed::kValue) << room;
        ASSERT_EQ(microsBack, micros);
    }
    for (const std::int64_t micros :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()})
        EXPECT_LE(writeTime(room, micros), room + kValueTextMax);
}

TEST(IsJson, TakesWhatTheRfcHas) {
    for (const char* text :
         {"0", "-0", "1.5e+10", "\"\"", "\"\\u00e9\\n\\/\"", "true", " null ", "[]", "{}",
          "[[],{}]", "{\"a\":1,\"b\":[1,2,{\"c\":null}]}", "\t[ 1 , 2 ]\r\n", "\"\xc3\xa9\""})
        EXPECT_TRUE(isJson(text)) << text;
}

TEST(IsJson, TakesNothingElse) {
    for (const char* text : {"",          " ",         "01",       "1.",
                             ".5",        "+1",        "-",        "1e",
                             "nul",       "truex",     "[",        "]",
                             "[1,]",      "[,1]",      "[1 2]",    "{",
                             "{1:2}",     "{\"a\"}",   "{\"a\":}", "{\"a\":1,}",
                             "{,}",       "1 2",       "\"",       "\"\\x\"",
                             "\"\\u12\"", "\"a\nb\"",  "'a'",      "NaN",
                             "[1}",       "{\"a\":1]", "\"\xff\"", "\"\xed\xa0\x80\"",
                             "// c",      "[1]]",      "{}{}",     "\"\\u12G4\""})
        EXPECT_FALSE(isJson(text)) << text;
}

TEST(IsJson, DepthIsBounded) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(isJson(nested(kJsonDepthMax)));
    EXPECT_FALSE(isJson(nested(kJsonDepthMax + 1)));
    EXPECT_FALSE(isJson(std::string(1'000'000, '[')));
}

TEST(IsJson, AgreesWithAnotherParserOnMutatedTexts) {
    std::mt19937_64 random(3);
    const std::string seed =
        R"({"a":[1,-2.5e3,true,false,null],"b":{"c":"x\u00e9\n\"","d":[]},"e":""})";
    for (int i = 0; i < 20'000; ++i) {
        std::string text = seed;
        for (std::size_t n = random() % 3; n-- > 0;) {
            const std::size_t at = random() % text.size();
            switch (random() % 3) {
                case 0: text.erase(at, 1 + random() % 4); break;
                case 1: text.insert(at, 1, "{}[],:\"\\0e. -ntf"[random() % 16]); break;
                default: text[at] = static_cast<char>(random() % 256);
            }
            if (text.empty()) text = "1";
        }
        ASSERT_EQ(isJson(text), nlohmann::json::accept(text)) << text;
    }
}

template <Type type>
Column columnOf(ColumnBuffer& buffer, std::optional<Held<type>> value) {
    buffer.clearNulls();
    if (value) {
        buffer.as<type>()[0] = *value;
    } else {
        buffer.setNull(0);
    }
    return buffer.column();
}
template <Type type>
std::string jsonOf(std::optional<Held<type>> value) {
    ColumnBuffer buffer(type);
    std::string out;
    appendJson(out, columnOf<type>(buffer, value), 0);
    return out;
}
template <Type type>
std::string csvOf(std::optional<Held<type>> value) {
    ColumnBuffer buffer(type);
    std::string out;
    appendCsv(out, columnOf<type>(buffer, value), 0);
    return out;
}
std::string tsvOf(std::string_view value) {
    ColumnBuffer buffer(Type::kText);
    std::string out;
    appendTsv(out, columnOf<Type::kText>(buffer, value), 0);
    return out;
}

TEST(WriteValue, JsonHasTheTypesOfTheColumns) {
    EXPECT_EQ(jsonOf<Type::kInt>(7), "7");
    EXPECT_EQ(jsonOf<Type::kInt>(std::nullopt), "null");
    EXPECT_EQ(jsonOf<Type::kFloat>(0.1), "0.1");
    EXPECT_EQ(jsonOf<Type::kFloat>(1e300), "1e+300");
    EXPECT_EQ(jsonOf<Type::kFloat>(std::numeric_limits<double>::infinity()), "\"Infinity\"");
    EXPECT_EQ(jsonOf<Type::kFloat>(-std::numeric_limits<double>::infinity()), "\"-Infinity\"");
    EXPECT_EQ(jsonOf<Type::kFloat>(std::nan("")), "\"NaN\"");
    EXPECT_EQ(jsonOf<Type::kBool>(std::uint8_t{1}), "true");
    EXPECT_EQ(jsonOf<Type::kTime>(0), "\"1970-01-01T00:00:00Z\"");
    EXPECT_EQ(jsonOf<Type::kJson>("{\"a\": 1}"), "{\"a\": 1}");
    EXPECT_EQ(jsonOf<Type::kText>("007"), "\"007\"");
}

TEST(WriteValue, AnyBytesBecomeValidJson) {
    EXPECT_EQ(jsonOf<Type::kText>("a\"b\\c\n\t\r\x01"), "\"a\\\"b\\\\c\\n\\t\\r\\u0001\"");
    EXPECT_EQ(jsonOf<Type::kText>("caf\xe9 caf\xc3\xa9"), "\"caf\xEF\xBF\xBD caf\xc3\xa9\"");
    std::mt19937_64 random(5);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes(random() % 12, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        ASSERT_TRUE(nlohmann::json::accept(jsonOf<Type::kText>(bytes)));
    }
}

TEST(WriteValue, CsvQuotesWhatNeedsIt) {
    EXPECT_EQ(csvOf<Type::kText>("plain text"), "plain text");
    EXPECT_EQ(csvOf<Type::kText>("a,b"), "\"a,b\"");
    EXPECT_EQ(csvOf<Type::kText>("5\" nail"), "\"5\"\" nail\"");
    EXPECT_EQ(csvOf<Type::kText>("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(csvOf<Type::kText>(" a"), "\" a\"");
    EXPECT_EQ(csvOf<Type::kText>(""), "\"\"");
    EXPECT_EQ(csvOf<Type::kText>(std::nullopt), "");
    EXPECT_EQ(csvOf<Type::kInt>(-5), "-5");
    EXPECT_EQ(tsvOf("a\tb\\c\nd\r"), "a\\tb\\\\c\\nd\\r");
}

}  // namespace
}  // namespace tidemill::rows
