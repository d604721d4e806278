// Access logs and syslog.
#include "rows/readers/access_log_reader.h"
#include "rows/readers/syslog_reader.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

using testing::HasSubstr;

std::string combined(std::string_view record) {
    return readOne(makeAccessLogReader(AccessLog::kCombined, accessLogFields(AccessLog::kCombined)),
                   record);
}
std::string common(std::string_view record) {
    return readOne(makeAccessLogReader(AccessLog::kCommon, accessLogFields(AccessLog::kCommon)),
                   record);
}
// method, path, protocol and all of the request.
std::string requestOf(std::string_view request) {
    return readOne(
        makeAccessLogReader(AccessLog::kCommon, {field("m", "method"), field("p", "path"),
                                                 field("v", "protocol"), field("r", "request")}),
        "h - - [10/Oct/2000:13:55:36 -0700] " + std::string(request) + " 200 5");
}

TEST(AccessLog, LinesOfTheServersOwnManual) {
    EXPECT_EQ(
        common(
            R"(127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326)"),
        R"("127.0.0.1" null "frank" "2000-10-10T20:55:36Z" "GET" "/apache_pb.gif" "HTTP/1.0" 200 2326)");
    EXPECT_EQ(
        combined(
            R"log(127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)")log"),
        R"log("127.0.0.1" null "frank" "2000-10-10T20:55:36Z" "GET" "/apache_pb.gif" "HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)")log");
}

TEST(AccessLog, DashesAreNull) {
    EXPECT_EQ(combined(R"(::1 - - [10/Oct/2000:13:55:36 +0000] "-" 408 - "-" "-")"),
              R"("::1" null null "2000-10-10T13:55:36Z" null null null 408 null null null)");
    EXPECT_EQ(combined(R"(- - - [-] - - - - -)"),
              "null null null null null null null null null null null");
}

TEST(AccessLog, HostsAndUsersOfManyForms) {
    EXPECT_THAT(common(R"([2001:db8::1] - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5)"),
                HasSubstr(R"("[2001:db8::1]" null null)"));
    EXPECT_THAT(
        common(
            R"(2001:db8::1 id Frank de Boer [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5)"),
        HasSubstr(R"("2001:db8::1" "id" "Frank de Boer")"));
    EXPECT_THAT(common(R"(h - "" [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5)"),
                HasSubstr(R"("h" null "\"\"")"));
    EXPECT_THAT(common(R"(h -  [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5)"),
                HasSubstr(R"("h" null "")"));
}

TEST(AccessLog, RequestsOfManyForms) {
    EXPECT_EQ(requestOf(R"("GET /a b HTTP/1.1")"),
              R"("GET" "/a b" "HTTP/1.1" "GET /a b HTTP/1.1")");
    EXPECT_EQ(requestOf(R"("GET /old")"), R"("GET" "/old" null "GET /old")");
    EXPECT_EQ(requestOf(R"("")"), R"(null null null "")");
    EXPECT_EQ(requestOf(R"("GET")"), R"(null null null "GET")");
    EXPECT_EQ(requestOf(R"("GET  HTTP/1.1")"), R"(null null null "GET  HTTP/1.1")");
    EXPECT_EQ(requestOf(R"("\x16\x03\x01 \xff")"),
              "null null null \"\\u0016\\u0003\\u0001 \xEF\xBF\xBD\"");
    EXPECT_EQ(requestOf(R"("GET /\"q\"\\ HTTP/1.1")"),
              R"("GET" "/\"q\"\\" "HTTP/1.1" "GET /\"q\"\\ HTTP/1.1")");
    EXPECT_EQ(requestOf(R"("GET /"q"x HTTP/1.1")"),
              R"("GET" "/\"q\"x" "HTTP/1.1" "GET /\"q\"x HTTP/1.1")");
    EXPECT_EQ(requestOf(R"("M-SEARCH * HTTP/1.1")"),
              R"("M-SEARCH" "*" "HTTP/1.1" "M-SEARCH * HTTP/1.1")");
    EXPECT_EQ(requestOf(R"("(x) /a HTTP/1.1")"), R"(null null null "(x) /a HTTP/1.1")");
    EXPECT_EQ(requestOf(R"(-)"), "null null null null");
}

TEST(AccessLog, MoreBehindTheLastColumnIsPassedOver) {
    EXPECT_THAT(
        combined(R"(h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "r" "a" 0.003 "x")"),
        HasSubstr(R"(200 5 "r" "a")"));
    EXPECT_THAT(common(R"(h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "r" "a")"),
                HasSubstr("200 5"));
}

TEST(AccessLog, WhatIsNoneIsSaidWithItsPlace) {
    EXPECT_EQ(common(""), "the record is no line of an access log: byte 1: the host is missing");
    EXPECT_THAT(common("hello"), HasSubstr("the host is missing"));
    EXPECT_THAT(common("h i u 10/Oct/2000"), HasSubstr("the time in brackets is missing"));
    EXPECT_THAT(common("h [10/Oct/2000:13:55:36 +0000]"), HasSubstr("the user is missing"));
    EXPECT_THAT(common("h - - [10/Oct/2000:13:55:36"), HasSubstr("the bracket behind the time"));
    EXPECT_THAT(common("h - - [x] GET"), HasSubstr("the request in quotes is missing"));
    EXPECT_THAT(common(R"(h - - [x] "GET / HTTP/1.1)"), HasSubstr("the request in quotes"));
    EXPECT_THAT(common(R"(h - - [x] "GET / HTTP/1.1\" 200 5)"), HasSubstr("the request in quotes"));
    EXPECT_THAT(common(R"(h - - [x] "GET / HTTP/1.1" 200)"), HasSubstr("the status or the bytes"));
    EXPECT_THAT(common(R"(h - - [x] "GET / HTTP/1.1" 200 5)"),
                HasSubstr("time: \"x\" is no time \"%d/%b/%Y:%H:%M:%S %z\""));
    EXPECT_THAT(common(R"(h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" abc 5)"),
                HasSubstr("status: \"abc\" is no int"));
    EXPECT_THAT(combined(R"(h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5)"),
                HasSubstr("referer: the record ends before it"));
}

TEST(AccessLog, ColumnsMayBeRenamedAndReadOtherwise) {
    const auto reader = makeAccessLogReader(
        AccessLog::kCommon,
        {field("code", "status"), withFormat(field("at", "time", Type::kTime), "%Y-%m-%dT%T%z")});
    EXPECT_EQ(readOne(reader, R"(h - - [2024-02-29T12:00:00+01:00] "GET / HTTP/1.1" 0200 5)"),
              R"("0200" "2024-02-29T11:00:00Z")");
    EXPECT_THAT(
        refusal(makeAccessLogReader(AccessLog::kCommon, {field("a", "agent")})),
        HasSubstr("a (column \"agent\"): there is no column of that name; there are: host"));
}

std::string syslog(std::string_view record) {
    return readOne(makeSyslogReader(syslogFields()), record);
}

TEST(Syslog, ExamplesOfRfc3164) {
    EXPECT_EQ(
        syslog("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"),
        "34 4 2 null \"2023-10-11T22:14:15Z\" \"mymachine\" \"su\" null null null "
        "\"'su root' failed for lonvick on /dev/pts/8\"");
    EXPECT_EQ(
        syslog("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!"),
        "13 1 5 null \"2024-02-05T17:32:18Z\" \"10.0.0.99\" null null null null \"Use the BFG!\"");
    EXPECT_EQ(syslog("<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time"),
              "165 20 5 null \"2023-08-24T05:34:00Z\" \"CST\" null null null null "
              "\"1987 mymachine myproc[10]: %% It's time\"");
    EXPECT_THAT(syslog("Use the BFG!"), HasSubstr("no time of RFC 3164 or ISO 8601"));
    EXPECT_THAT(
        syslog("<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: x"),
        HasSubstr("time: \"1990\" is no time"));
}

TEST(Syslog, LinesOfFiles) {
    EXPECT_EQ(
        syslog("Jun  1 10:00:00 host systemd-logind[17]: New session"),
        "null null null null \"2024-06-01T10:00:00Z\" \"host\" \"systemd-logind\" \"17\" null null "
        "\"New session\"");
    EXPECT_EQ(
        syslog("2024-06-01T10:00:00.123456+02:00 host postfix/smtpd: x"),
        "null null null null \"2024-06-01T08:00:00.123456Z\" \"host\" \"postfix/smtpd\" null null "
        "null \"x\"");
    EXPECT_EQ(syslog("<13>Jun  1 10:00:00 su[9]: no host"),
              "13 1 5 null \"2024-06-01T10:00:00Z\" null \"su\" \"9\" null null \"no host\"");
    EXPECT_EQ(syslog("<13>Jun  1 10:00:00 host"),
              "13 1 5 null \"2024-06-01T10:00:00Z\" null null null null null \"host\"");
}

TEST(Syslog, ExamplesOfRfc5424) {
    EXPECT_EQ(
        syslog("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
               "\xEF\xBB\xBF'su root' failed for lonvick on /dev/pts/8"),
        "34 4 2 1 \"2003-10-11T22:14:15.003Z\" \"mymachine.example.com\" \"su\" null \"ID47\" null "
        "\"'su root' failed for lonvick on /dev/pts/8\"");
    EXPECT_EQ(
        syslog("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time"),
        "165 20 5 1 \"2003-08-24T12:14:15.000003Z\" \"192.0.2.1\" \"myproc\" \"8710\" null null "
        "\"%% It's time\"");
    EXPECT_EQ(syslog("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
                     "[exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"]"
                     "[examplePriority@32473 class=\"high\"]"),
              "165 20 5 1 \"2003-10-11T22:14:15.003Z\" \"mymachine.example.com\" \"evntslog\" null "
              "\"ID47\" "
              "{\"exampleSDID@32473\":{\"iut\":\"3\",\"eventSource\":\"Application\",\"eventID\":"
              "\"1011\"},"
              "\"examplePriority@32473\":{\"class\":\"high\"}} null");
    EXPECT_EQ(syslog("<0>1 - - - - - -"), "0 0 0 1 null null null null null null null");
}

std::string dataOf(const std::string& data) {
    return readOne(makeSyslogReader({field("d", "data", Type::kJson)}), "<1>1 - - - - - " + data);
}

TEST(Syslog, StructuredDataIsJson) {
    EXPECT_EQ(dataOf(R"([a x="\"\\\]\n"] m)"), R"({"a":{"x":"\"\\]\\n"}})");
    EXPECT_EQ(dataOf(R"([a ip="1" n="2" ip="3"])"), R"({"a":{"ip":["1","3"],"n":"2"}})");
    EXPECT_EQ(dataOf("[a][b]"), R"({"a":{},"b":{}})");
    EXPECT_EQ(dataOf("[a x=\"\xff\"]"), "{\"a\":{\"x\":\"\xEF\xBF\xBD\"}}");
}

TEST(Syslog, WhatIsNoneIsSaidWithItsPlace) {
    EXPECT_EQ(syslog("<192>Oct 11 22:14:15 h x"),
              "the record is no syslog: byte 1: the priority in <> is none");
    for (const char* priority : {"<>", "<x>", "<1", "<007>", "<00>", "<1234>"})
        EXPECT_THAT(syslog(std::string(priority) + "Oct 11 22:14:15 h x"), HasSubstr("priority"))
            << priority;
    EXPECT_THAT(syslog("<1>1 - - - -"), HasSubstr("the header of RFC 5424 is not complete"));
    EXPECT_THAT(syslog("<1>1 - -  - - - x"), HasSubstr("the header of RFC 5424 is not complete"));
    EXPECT_THAT(syslog("<1>1 - - - - - -x"), HasSubstr("byte 17: a blank is missing"));
    EXPECT_THAT(syslog("<1>1 - - - - - x"), HasSubstr("byte 16: the structured data is missing"));
    EXPECT_THAT(syslog("<1>1 - - - - - [a"), HasSubstr("not closed"));
    EXPECT_THAT(syslog("<1>1 - - - - - [ x=\"1\"]"), HasSubstr("no id"));
    EXPECT_THAT(syslog("<1>1 - - - - - [a x]"), HasSubstr("no name=\"value\""));
    EXPECT_THAT(syslog("<1>1 - - - - - [a x=\"1]"), HasSubstr("a value of the structured data"));
    EXPECT_THAT(syslog("<1>1 - - - - - [a x=\"1\\"), HasSubstr("a value of the structured data"));
    EXPECT_THAT(syslog("<1>1 - - - - - [a][a]"), HasSubstr("comes twice"));
    EXPECT_THAT(syslog("<1>Oct 41 22:14:15 h x"), HasSubstr("is no time"));
    EXPECT_THAT(syslog(""), HasSubstr("no time"));
}

}  // namespace
}  // namespace tidemill::rows
