#include "rows/time_format.h"

#include <gtest/gtest.h>

#include <string>

#include "rows/write_value.h"

namespace tidemill::rows {
namespace {

std::string read(std::string_view format, std::string_view text,
                 std::string_view now = "2024-06-15T00:00:00Z") {
    const auto compiled = TimeFormat::compile(format);
    if (!compiled) return compiled.error().message;
    std::int64_t nowMicros = 0;
    EXPECT_EQ(parseTime(now, nowMicros), Parsed::kValue);
    std::int64_t micros = 0;
    const Parsed parsed = compiled->parse(text, micros, nowMicros);
    if (parsed != Parsed::kValue) return parsed == Parsed::kNoValue ? "none" : "range";
    char room[kValueTextMax];
    return {room, writeTime(room, micros)};
}

TEST(TimeFormat, OfAccessLogs) {
    constexpr auto kFormat = "%d/%b/%Y:%H:%M:%S %z";
    EXPECT_EQ(read(kFormat, "10/Oct/2000:13:55:36 -0700"), "2000-10-10T20:55:36Z");
    EXPECT_EQ(read(kFormat, "01/JAN/2024:00:00:00 +0000"), "2024-01-01T00:00:00Z");
    EXPECT_EQ(read(kFormat, "10/Oct/2000:13:55:36"), "none");
    EXPECT_EQ(read(kFormat, "10/Okt/2000:13:55:36 -0700"), "none");
    EXPECT_EQ(read(kFormat, "30/Feb/2024:00:00:00 +0000"), "none");
    EXPECT_EQ(read(kFormat, "10/Oct/2000:13:55:36 -0700x"), "none");
    EXPECT_EQ(read(kFormat, ""), "none");
}

TEST(TimeFormat, EmptyIsIso8601) {
    EXPECT_EQ(read("", "2024-02-29T12:30:59.25+01:00"), "2024-02-29T11:30:59.250Z");
}

TEST(TimeFormat, EachDirective) {
    EXPECT_EQ(read("%Y-%m-%d %H:%M:%S.%f", "2024-02-29 01:02:03.5"), "2024-02-29T01:02:03.500Z");
    EXPECT_EQ(read("%F %T", "2024-02-29 01:02:03"), "2024-02-29T01:02:03Z");
    EXPECT_EQ(read("%D %R", "02/29/24 01:02"), "2024-02-29T01:02:00Z");
    EXPECT_EQ(read("%y%m%d", "690101"), "1969-01-01T00:00:00Z");
    EXPECT_EQ(read("%y%m%d", "680101"), "2068-01-01T00:00:00Z");
    EXPECT_EQ(read("%Y %j", "2024 366"), "2024-12-31T00:00:00Z");
    EXPECT_EQ(read("%Y %j", "2023 366"), "none");
    EXPECT_EQ(read("%Y %j", "2023 0"), "none");
    EXPECT_EQ(read("%a, %d %B %Y %I:%M %p", "Thu, 29 February 2024 12:05 am"),
              "2024-02-29T00:05:00Z");
    EXPECT_EQ(read("%A %d %b %Y %I%p", "Thursday 29 Feb 2024 12PM"), "2024-02-29T12:00:00Z");
    EXPECT_EQ(read("%Y%m%d%%%n%t.", "20240229% ."), "2024-02-29T00:00:00Z");
    EXPECT_EQ(read("%Y-%m-%dT%H:%M:%S%z", "2024-02-29T01:02:03+05:30"), "2024-02-28T19:32:03Z");
    EXPECT_EQ(read("%Y-%m-%d %Z", "2024-02-29 UTC"), "2024-02-29T00:00:00Z");
    EXPECT_EQ(read("%Y-%m-%d %Z", "2024-02-29 CET"), "none");
    EXPECT_EQ(read("%e/%m/%Y", " 9/3/2024"), "2024-03-09T00:00:00Z");
}

TEST(TimeFormat, SecondsAndMillisecondsSince1970) {
    EXPECT_EQ(read("%s", "1709210000"), "2024-02-29T12:33:20Z");
    EXPECT_EQ(read("%s.%f", "1709210000.125"), "2024-02-29T12:33:20.125Z");
    EXPECT_EQ(read("%s.%f", "-0.5"), "1969-12-31T23:59:59.500Z");
    EXPECT_EQ(read("%Q", "1709210000123"), "2024-02-29T12:33:20.123Z");
    EXPECT_EQ(read("%Q", "-1"), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(read("%s", "99999999999999999"), "range");
    EXPECT_EQ(read("%s", "9999999999999999999999"), "none");
    EXPECT_EQ(read("%s", ""), "none");
}

TEST(TimeFormat, WithoutAYearTheLatestThatHasCome) {
    constexpr auto kFormat = "%b %e %H:%M:%S";
    EXPECT_EQ(read(kFormat, "Jun  1 10:00:00"), "2024-06-01T10:00:00Z");
    EXPECT_EQ(read(kFormat, "Oct 11 22:14:15"), "2023-10-11T22:14:15Z");
    EXPECT_EQ(read(kFormat, "Jun 15 23:00:00"), "2024-06-15T23:00:00Z");  // within a day
    EXPECT_EQ(read(kFormat, "Jan  1 00:00:01", "2023-12-31T23:59:59Z"), "2024-01-01T00:00:01Z");
    EXPECT_EQ(read(kFormat, "Feb 29 00:00:00", "2023-12-31T23:59:59Z"), "2020-02-29T00:00:00Z");
    EXPECT_EQ(read(kFormat, "Feb 29 00:00:00", "1904-01-01T00:00:00Z"), "1896-02-29T00:00:00Z");
    EXPECT_EQ(read(kFormat, "Feb 30 00:00:00"), "none");
    std::int64_t micros = 0;
    EXPECT_EQ(TimeFormat::compile(kFormat)->parse("Oct 11 22:14:15", micros), Parsed::kNoValue);
}

TEST(TimeFormat, WhatCannotMakeATimeIsRefused) {
    for (const char* format : {"%Y", "%H:%M", "%Y-%m", "%Y %d", "text"})
        EXPECT_NE(read(format, "").find("does not say the day"), std::string::npos) << format;
    EXPECT_NE(read("%F %I:%M", "").find("%I and %p"), std::string::npos);
    EXPECT_NE(read("%F %H %p", "").find("%I and %p"), std::string::npos);
    EXPECT_NE(read("%F %H %I %p", "").find("both %H and %I"), std::string::npos);
    EXPECT_NE(read("%j", "").find("without a year"), std::string::npos);
    EXPECT_NE(read("%F %U", "").find("has \"%U\""), std::string::npos);
    EXPECT_NE(read("%F %", "").find("has \"%\""), std::string::npos);
}

}  // namespace
}  // namespace tidemill::rows
