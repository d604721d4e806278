#include "rows/readers/json_reader.h"

#include <nlohmann/json.hpp>
#include <random>

#include "rows/parse_value.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string readAs(Type type, std::string_view json) {
    return readOne(makeJsonReader({field("v", "/v", type)}), "{\"v\":" + std::string(json) + "}");
}

TEST(Json, PointersReachEverywhere) {
    const auto reader = makeJsonReader(
        {field("name", "/user/name"), field("second", "/items/1/n", Type::kInt),
         field("odd", "/a~1b/c~0d"), field("nothing", "/"), field("all", "", Type::kJson)});
    const std::string record =
        R"({"x":[{}],"user":{"id":7,"name":"ann"},"items":[{"n":1},{"n":2}],"a/b":{"c~d":"o"},"":"e"})";
    EXPECT_EQ(readOne(reader, record), R"("ann" 2 "o" "e" )" + record);
    EXPECT_EQ(readOne(makeJsonReader({field("n", "", Type::kInt)}), " 7 "), "7");
    EXPECT_EQ(readOne(makeJsonReader({field("n", "/1", Type::kInt)}), "[6,7]"), "7");
}

TEST(Json, OrderOfNamesDoesNotMatter) {
    const auto reader = makeJsonReader(
        {field("a", "/a", Type::kInt), field("b", "/b", Type::kInt), field("c", "/c")});
    EXPECT_THAT(read(reader, {R"({"a":1,"b":2,"c":"x"})", R"({"c":"x","b":2,"a":1})",
                              R"({"b":2,"z":{"a":9},"c":"x","a":1})"}),
                ElementsAre("1 2 \"x\"", "1 2 \"x\"", "1 2 \"x\""));
}

TEST(Json, NumbersKeepTheirType) {
    EXPECT_EQ(readAs(Type::kInt, "9007199254740993"), "9007199254740993");
    EXPECT_EQ(readAs(Type::kInt, "-9223372036854775808"), "-9223372036854775808");
    EXPECT_EQ(readAs(Type::kInt, "9223372036854775808"),
              "v (/v): \"9223372036854775808\" does not fit into an int of 64 bits");
    EXPECT_EQ(readAs(Type::kInt, "1.0"), "v (/v): \"1.0\" is no int");
    EXPECT_EQ(readAs(Type::kInt, "1e3"), "v (/v): \"1e3\" is no int");
    EXPECT_EQ(readAs(Type::kInt, "\"5\""), "v (/v): the string \"5\" is no int");
    EXPECT_EQ(readAs(Type::kInt, "true"), "v (/v): \"true\" is no int");
    EXPECT_EQ(readAs(Type::kFloat, "1"), "1");
    EXPECT_EQ(readAs(Type::kFloat, "-2.5e-3"), "-0.0025");
    EXPECT_EQ(readAs(Type::kFloat, "123456789012345678901234567890"), "1.2345678901234568e+29");
    EXPECT_EQ(readAs(Type::kFloat, "1e999"), "v (/v): \"1e999\" does not fit into a float");
    EXPECT_EQ(readAs(Type::kFloat, "\"NaN\""), "\"NaN\"");
    EXPECT_EQ(readAs(Type::kFloat, "\"-Infinity\""), "\"-Infinity\"");
    EXPECT_EQ(readAs(Type::kFloat, "\"1.5\""), "v (/v): the string \"1.5\" is no float");
}

TEST(Json, OtherTypes) {
    EXPECT_EQ(readAs(Type::kBool, "true"), "true");
    EXPECT_EQ(readAs(Type::kBool, "1"), "v (/v): the number \"1\" is no bool");
    EXPECT_EQ(readAs(Type::kBool, "\"true\""), "v (/v): the string \"true\" is no bool");
    EXPECT_EQ(readAs(Type::kText, "\"a\\u00e9\\n\\\"\\ud83d\\ude00\""),
              "\"a\xc3\xa9\\n\\\"\xf0\x9f\x98\x80\"");
    EXPECT_EQ(readAs(Type::kText, "\"\\ud83d\""), "\"\xEF\xBF\xBD\"");
    EXPECT_EQ(readAs(Type::kText, "\"\""), "\"\"");
    EXPECT_EQ(readAs(Type::kText, "1.50"), "\"1.50\"");
    EXPECT_EQ(readAs(Type::kText, "false"), "\"false\"");
    EXPECT_EQ(readAs(Type::kText, "[1]"), "v (/v): the object or array \"[1]\" is no text");
    EXPECT_EQ(readAs(Type::kTime, "\"2024-02-29\""), "\"2024-02-29T00:00:00Z\"");
    EXPECT_EQ(readOne(makeJsonReader({withFormat(field("t", "/t", Type::kTime), "%Q")}),
                      R"({"t":1709210000123})"),
              "\"2024-02-29T12:33:20.123Z\"");
    for (const char* json : {"{\"a\": [1, {}]}", "[]", "\"x\\n\"", "1.50", "true"})
        EXPECT_EQ(readAs(Type::kJson, json), json);
    EXPECT_EQ(readAs(Type::kJson, " [ 1 ] "), "[ 1 ]");
}

TEST(Json, NullsAndWhatIsMissing) {
    for (const Type type :
         {Type::kInt, Type::kFloat, Type::kBool, Type::kText, Type::kTime, Type::kJson})
        EXPECT_EQ(readAs(type, "null"), "null");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/v")}), "{}"),
              "v (/v): the record has nothing there");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/a/b")}), R"({"a":[]})"),
              "v (/a/b): the record has nothing there");
    EXPECT_EQ(readOne(makeJsonReader({withDefault(field("v", "/v", Type::kInt), "3")}), "{}"), "3");
    EXPECT_EQ(readOne(makeJsonReader({optional(field("v", "/v", Type::kInt))}), "7"), "null");
    EXPECT_EQ(
        readOne(makeJsonReader({withNull(field("v", "/v", Type::kInt), "-")}), R"({"v":"-"})"),
        "null");
}

TEST(Json, OfANameThatComesTwiceTheLastCounts) {
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/v", Type::kInt)}), R"({"v":1,"v":2})"), "2");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/v", Type::kInt)}), R"({"v":null,"v":2})"), "2");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/v", Type::kInt)}), R"({"v":2,"v":null})"),
              "null");
    EXPECT_EQ(readOne(makeJsonReader({optional(field("v", "/a/v", Type::kInt))}),
                      R"({"a":{"v":1},"a":{}})"),
              "null");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/v", Type::kInt)}), R"({"v":"x","v":2})"), "2");
}

TEST(Json, NamesMayBeEscaped) {
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/a\"b", Type::kInt)}), R"({"a\"b":1})"), "1");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/abc", Type::kInt)}), R"({"\u0061bc":1})"), "1");
    EXPECT_EQ(readOne(makeJsonReader({optional(field("v", "/a\\n", Type::kInt))}), R"({"a\n":1})"),
              "null");
}

TEST(Json, WhatIsNoJsonIsSaidWithItsPlace) {
    const auto reader = makeJsonReader({field("v", "/v", Type::kInt)});
    EXPECT_EQ(readOne(reader, R"({"v":1)"),
              "the record is no JSON: byte 7: a comma or } is missing");
    EXPECT_EQ(readOne(reader, R"({"v":1} x)"),
              "the record is no JSON: byte 9: something follows its value");
    EXPECT_EQ(readOne(reader, R"(  {"v":nope})"),
              "the record is no JSON: byte 8: a value that is none");
    EXPECT_EQ(readOne(reader, ""), "the record is no JSON: it is empty");
    EXPECT_EQ(readOne(reader, "{\"v\":\"\xff\"}"), "the record is no JSON: it is not UTF-8");
    EXPECT_EQ(readOne(reader, R"({"v":"abc)"), "the record is no JSON: a string is not closed");
    EXPECT_EQ(readOne(reader, "{\"v\":\"a\tb\"}"),
              "the record is no JSON: a control byte is in a string");
    EXPECT_EQ(readOne(reader, std::string(2000, '[') + std::string(2000, ']')),
              "the record is no JSON: byte 1025: it is nested too deeply");
    EXPECT_EQ(readOne(makeJsonReader({field("v", "/v")}), R"({"v":"\x"})"),
              "v (/v): \"\\x\" has an escape that JSON has not");
    for (const char* record : {R"({"v":1,})", R"({,})", R"([1 2])", R"({"v" 1})", R"({1:2})", "}",
                               "]", "{\"a\":[}", "[1,]", R"({"a":01,"v":1})", R"({"a":1.,"v":1})",
                               R"({"a":tru,"v":1})", R"({"a":"x"y,"v":1})", R"({"v":1}{"v":2})"})
        EXPECT_THAT(readOne(reader, record), HasSubstr("the record is no JSON")) << record;
}

TEST(Json, LinesOfABlockAreReadTogetherAndFailAlone) {
    const auto reader = makeJsonReader({field("v", "/v", Type::kInt)});
    const std::string block =
        "{\"v\":1}\n{\"v\":2}\r\n\n{\"v\":\"\n{\"v\":4}\n\xEF\xBB\xBF{\"v\":5}\n{\"v\":6\n}\n{"
        "\"v\":8}";
    std::vector<std::string_view> records;
    for (std::size_t begin = 0; begin <= block.size();) {
        const std::size_t end = std::min(block.find('\n', begin), block.size());
        records.emplace_back(block.data() + begin, end - begin);
        if (records.back().ends_with('\r')) records.back().remove_suffix(1);
        begin = end + 1;
    }
    EXPECT_THAT(read(reader, records),
                ElementsAre("1", "2", "the record is no JSON: it is empty",
                            "the record is no JSON: a string is not closed", "4", "5",
                            "the record is no JSON: byte 7: a comma or } is missing",
                            "the record is no JSON: byte 1: a value is missing", "8"));
    records.erase(records.begin() + 3);  // now they do not follow each other
    EXPECT_EQ(read(reader, records)[3], "4");
}

TEST(Json, ABlockWithoutFaultsIsReadAsItsLines) {
    const auto reader = makeJsonReader({field("v", "/v", Type::kInt), optional(field("s", "/s"))});
    std::string block;
    std::vector<std::string> expected;
    for (int i = 0; i < 1000; ++i) {
        block += "{\"v\":" + std::to_string(i) + ",\"s\":\"x\\n\"}\n";
        expected.push_back(std::to_string(i) + " \"x\\n\"");
    }
    std::vector<std::string_view> records;
    for (std::size_t begin = 0; begin < block.size();) {
        const std::size_t end = block.find('\n', begin);
        records.emplace_back(block.data() + begin, end - begin);
        begin = end + 1;
    }
    EXPECT_EQ(read(reader, records), expected);
}

TEST(Json, WhatIsNoPointerIsRefused) {
    for (const char* place : {"v", "/a~2", "/a~", "~"})
        EXPECT_THAT(refusal(makeJsonReader({field("v", place)})), HasSubstr("JSON pointer"))
            << place;
}

// Random documents, whole and damaged, against another parser.
TEST(Json, AgreesWithAnotherParser) {
    std::mt19937_64 random(29);
    const auto reader = makeJsonReader(
        {optional(field("a", "/a", Type::kJson)), optional(field("b", "/b/1", Type::kJson))});
    const auto value = [&](auto& self, int depth) -> nlohmann::json {
        switch (random() % (depth > 2 ? 5 : 7)) {
            case 0: return nullptr;
            case 1: return static_cast<std::int64_t>(random()) >> (random() % 60);
            case 2: return 0.5 * static_cast<double>(random() % 1000);
            case 3: return std::string(random() % 20, "a\"\\\n\x7f{[:,"[random() % 9]);
            case 4: return random() % 2 == 0;
            case 5: {
                auto array = nlohmann::json::array();
                for (std::size_t i = random() % 4; i > 0; --i)
                    array.push_back(self(self, depth + 1));
                return array;
            }
            default: {
                auto object = nlohmann::json::object();
                for (std::size_t i = random() % 4; i > 0; --i)
                    object[std::string(1, static_cast<char>('a' + random() % 4))] =
                        self(self, depth + 1);
                return object;
            }
        }
    };
    for (int i = 0; i < 5000; ++i) {
        nlohmann::json document = value(value, 0);
        std::string record = document.dump(random() % 2 == 0 ? -1 : 1);
        if (random() % 2 == 0) record[random() % record.size()] = "{}[]\":,1x\xff "[random() % 11];
        // A string that nobody asks for may have wrong escapes.
        if (!nlohmann::json::accept(record)) {
            const std::string row = readOne(reader, record);
            ASSERT_TRUE(row.find("is no JSON") != row.npos || record.find('\\') != record.npos)
                << record << " -> " << row;
            continue;
        }
        document = nlohmann::json::parse(record);
        const auto at = [&](const char* pointer) {
            const nlohmann::json::json_pointer place(pointer);
            return document.contains(place) ? document.at(place) : nlohmann::json();
        };
        const std::string row = readOne(reader, record);
        // Two values with a blank between them: found by trying where the first ends.
        bool found = false;
        for (std::size_t blank = row.find(' '); blank != row.npos && !found;
             blank = row.find(' ', blank + 1)) {
            const std::string a = row.substr(0, blank);
            const std::string b = row.substr(blank + 1);
            found = isJson(a) && isJson(b) && nlohmann::json::parse(a) == at("/a") &&
                    nlohmann::json::parse(b) == at("/b/1");
        }
        ASSERT_TRUE(found) << record << " -> " << row;
    }
}

}  // namespace
}  // namespace tidemill::rows
