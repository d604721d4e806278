// Split, and what all readers have in common; CSV.
#include <random>

#include "rows/readers/csv_reader.h"
#include "rows/readers/split_reader.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Split, BlanksComeInRunsAndSeparatorsDoNot) {
    const std::vector<FieldSpec> fields = {field("a", "1"), field("c", "3")};
    EXPECT_EQ(readOne(makeSplitReader(fields), "  x \t y\v z  rest"), R"("x" "z")");
    EXPECT_EQ(readOne(makeSplitReader(fields, {";"}), "x;;z"), R"("x" "z")");
    EXPECT_EQ(readOne(makeSplitReader(fields, {";"}), ";;"), R"("" "")");
    EXPECT_EQ(readOne(makeSplitReader(fields, {"::"}), "x::y:::z"), R"("x" ":z")");
}

TEST(Split, AnyLengthOfRecordIsCutAsByHand) {
    std::mt19937_64 random(17);
    for (int i = 0; i < 3000; ++i) {
        std::string record(random() % 150, 'x');
        for (char& c : record) c = random() % 4 == 0 ? ',' : static_cast<char>('a' + random() % 3);
        std::vector<std::string> parts(1);
        for (const char c : record) {
            if (c == ',') {
                parts.emplace_back();
            } else {
                parts.back() += c;
            }
        }
        const std::size_t place = random() % (parts.size() + 1) + 1;
        const auto reader = makeSplitReader({optional(field("a", std::to_string(place)))}, {","});
        ASSERT_EQ(readOne(reader, record),
                  place > parts.size() ? "null" : "\"" + parts[place - 1] + "\"")
            << record << " at " << place;
    }
}

TEST(Split, EachTypeIsRead) {
    const auto reader = makeSplitReader({field("i", "1", Type::kInt), field("f", "2", Type::kFloat),
                                         field("b", "3", Type::kBool), field("t", "4", Type::kTime),
                                         field("j", "5", Type::kJson), field("x", "6")});
    EXPECT_EQ(readOne(reader, "-7 2.50 yes 2024-02-29T12:30:59Z [1,2] caf\xe9"),
              R"(-7 2.5 true "2024-02-29T12:30:59Z" [1,2] "caf)"
              "\xEF\xBF\xBD\"");
}

TEST(Split, MessagesNameFieldPlaceAndValue) {
    const auto reader = [](Type type) { return makeSplitReader({field("bytes", "2", type)}); };
    EXPECT_EQ(readOne(reader(Type::kInt), "x abc"), "bytes (place 2): \"abc\" is no int");
    EXPECT_EQ(readOne(reader(Type::kInt), "x 9223372036854775808"),
              "bytes (place 2): \"9223372036854775808\" does not fit into an int of 64 bits");
    EXPECT_EQ(readOne(reader(Type::kFloat), "x 1e999"),
              "bytes (place 2): \"1e999\" does not fit into a float");
    EXPECT_EQ(readOne(reader(Type::kBool), "x maybe"), "bytes (place 2): \"maybe\" is no bool");
    EXPECT_EQ(readOne(reader(Type::kJson), "x {]"), "bytes (place 2): \"{]\" is no JSON");
    EXPECT_EQ(readOne(reader(Type::kTime), "x noon"),
              "bytes (place 2): \"noon\" is no time of ISO 8601");
    EXPECT_EQ(readOne(makeSplitReader({withFormat(field("t", "1", Type::kTime), "%d/%m/%Y")}), "x"),
              "t (place 1): \"x\" is no time \"%d/%m/%Y\"");
    EXPECT_EQ(readOne(reader(Type::kInt), "x"), "bytes (place 2): the record has 1 place");
    EXPECT_EQ(readOne(makeSplitReader({field("a", "4")}, {";"}), "x;y;z"),
              "a (place 4): the record has 3 places");
}

TEST(Split, ValuesInMessagesAreEscapedAndBounded) {
    const auto reader = makeSplitReader({field("n", "1", Type::kInt)});
    EXPECT_EQ(readOne(reader, "\x1b[31m\xff"), "n (place 1): \"\\x1b[31m\\xff\" is no int");
    const std::string message = readOne(reader, std::string(100'000, 'x'));
    EXPECT_THAT(message, HasSubstr("…\" (100000 bytes) is no int"));
    EXPECT_LT(message.size(), 150u);
}

TEST(Split, MissingIsADefaultOrNullOrAnError) {
    EXPECT_EQ(readOne(makeSplitReader({withDefault(field("n", "2", Type::kInt), "5")}), "x"), "5");
    EXPECT_EQ(readOne(makeSplitReader({withDefault(field("n", "2"), "none")}), "x"), "\"none\"");
    EXPECT_EQ(
        readOne(makeSplitReader({withDefault(field("n", "2", Type::kTime), "2024-01-01")}), "x"),
        "\"2024-01-01T00:00:00Z\"");
    EXPECT_EQ(readOne(makeSplitReader({optional(field("n", "2", Type::kFloat))}), "x"), "null");
    EXPECT_EQ(readOne(makeSplitReader({optional(field("n", "2"))}), "x"), "null");
    EXPECT_EQ(readOne(makeSplitReader({optional(field("n", "2", Type::kInt))}), "x y"),
              "n (place 2): \"y\" is no int");
}

TEST(Split, NullTextIsNullAndNotTheDefault) {
    auto spec = withNull(withDefault(field("n", "2", Type::kInt), "5"), "-");
    EXPECT_EQ(readOne(makeSplitReader({spec}), "x -"), "null");
    EXPECT_EQ(readOne(makeSplitReader({spec}), "x"), "5");
    EXPECT_EQ(readOne(makeSplitReader({spec}), "x -1"), "-1");
    EXPECT_EQ(readOne(makeSplitReader({withNull(field("n", "2"), "")}, {","}), "x,"), "null");
}

TEST(Split, FailedRowsLeaveTheOthersAlone) {
    const auto reader = makeSplitReader({field("a", "1", Type::kInt), field("b", "2")});
    EXPECT_THAT(read(reader, {"1 x", "y", "", "2 y", "3"}),
                ElementsAre("1 \"x\"", "a (place 1): \"y\" is no int",
                            "a (place 1): the record has 0 places", "2 \"y\"",
                            "b (place 2): the record has 1 place"));
}

TEST(Split, NullsOfAChunkDoNotStayForTheNext) {
    const auto reader = makeSplitReader(
        {withNull(field("a", "1", Type::kInt), "-"), withNull(field("b", "2"), "-")});
    const auto rowReader = (*reader)->makeRowReader();
    core::Arena arena;
    EXPECT_THAT(rowsOf(*rowReader, {"- -"}, arena), ElementsAre("null null"));
    EXPECT_THAT(rowsOf(*rowReader, {"1 x"}, arena), ElementsAre("1 \"x\""));
}

TEST(Split, AByteOrderMarkIsNoPartOfTheFirstField) {
    const std::string record = "\xEF\xBB\xBFid x";
    EXPECT_EQ(readOne(makeSplitReader({field("a", "1")}), record), "\"id\"");
    EXPECT_EQ(readOne(makeCsvReader({field("a", "1")}), "\xEF\xBB\xBFid,x"), "\"id\"");
    EXPECT_EQ(readOne(makeCsvReader({field("a", "1")}), "\xEF\xBB\xBF\"i,d\",x"), "\"i,d\"");
}

TEST(Split, WhatCannotBeIsRefused) {
    EXPECT_THAT(refusal(makeSplitReader({})), HasSubstr("no fields"));
    EXPECT_THAT(refusal(makeSplitReader({field("a", "0")})), HasSubstr("place from 1"));
    EXPECT_THAT(refusal(makeSplitReader({field("a", "x")})), HasSubstr("place from 1"));
    EXPECT_THAT(refusal(makeSplitReader({field("a", "99999999999999999999")})),
                HasSubstr("place from 1"));
    EXPECT_THAT(refusal(makeSplitReader({field("a", "1"), field("a", "2")})), HasSubstr("\"a\""));
    EXPECT_THAT(refusal(makeSplitReader({withDefault(field("a", "1", Type::kInt), "x")})),
                HasSubstr("the default \"x\", which is no int"));
    EXPECT_THAT(refusal(makeSplitReader({withFormat(field("a", "1"), "%Y")})),
                HasSubstr("formats are for times"));
    EXPECT_THAT(refusal(makeSplitReader({withFormat(field("a", "1", Type::kTime), "%Y")})),
                HasSubstr("does not say the day"));
    EXPECT_THAT(refusal(makeSplitReader({optional(withDefault(field("a", "1"), "x"))})),
                HasSubstr("optional and has a default"));
}

const std::vector<FieldSpec> kThree = {field("a", "1"), field("b", "2"), field("c", "3")};

TEST(Csv, Rfc4180) {
    const auto reader = makeCsvReader(kThree);
    EXPECT_EQ(readOne(reader, "aaa,bbb,ccc"), R"("aaa" "bbb" "ccc")");
    EXPECT_EQ(readOne(reader, R"("aaa","bbb","ccc")"), R"("aaa" "bbb" "ccc")");
    EXPECT_EQ(readOne(reader, R"("aaa","b""bb","ccc")"), R"("aaa" "b\"bb" "ccc")");
    EXPECT_EQ(readOne(reader, "\"aaa\",\"b \r\nbb\",\"ccc\""), R"("aaa" "b \r\nbb" "ccc")");
    EXPECT_EQ(readOne(reader, R"("a,b","",)"), R"("a,b" "" "")");
    EXPECT_EQ(readOne(reader, R"("""","""""",x)"), R"("\"" "\"\"" "x")");
    EXPECT_EQ(readOne(reader, " a , b,c "), R"(" a " " b" "c ")");
}

TEST(Csv, AQuoteElsewhereIsAnError) {
    const auto reader = makeCsvReader(kThree);
    EXPECT_THAT(readOne(reader, R"(5" nail,6" nail,3)"),
                HasSubstr("byte 2: a quote inside of a field that does not begin with one"));
    EXPECT_THAT(readOne(reader, R"("a"b,c,d)"),
                HasSubstr("byte 4: a field goes on behind the quote that closes it"));
    EXPECT_THAT(readOne(reader, R"(a,"b,c)"), HasSubstr("the quote at byte 3 is not closed"));
    EXPECT_THAT(readOne(reader, R"(a,b,"c"")"), HasSubstr("the quote at byte 5 is not closed"));
    EXPECT_THAT(readOne(reader, R"(a, "b",c)"), HasSubstr("byte 4: a quote inside"));
    EXPECT_THAT(readOne(makeCsvReader({field("a", "1")}), R"(a,b,c"d)"),
                HasSubstr("byte 6: a quote inside"));
}

// Of every text of a few bytes, in records of any length around the pieces of 16 bytes that are
// looked at at once, the same fields and errors as csvFields() finds.
TEST(Csv, EveryFewBytesAreCutAsAFieldAtATimeWouldBe) {
    constexpr std::string_view kBytes = "\",a\n";
    constexpr std::size_t kFew = 6;
    std::vector<FieldSpec> fields;
    for (int i = 1; i <= 8; ++i)
        fields.push_back(optional(field("f" + std::to_string(i), std::to_string(i))));
    const auto reader = makeCsvReader(fields);
    std::size_t wrong = 0;
    for (const std::size_t before : {0, 11, 14}) {
        std::vector<std::string> records;
        for (std::size_t number = 0; number < std::size_t{1} << (2 * kFew); ++number) {
            std::string record(before, 'x');
            if (before != 0) record.back() = ',';
            for (std::size_t i = 0; i < kFew; ++i) record += kBytes[number >> (2 * i) & 3];
            records.push_back(std::move(record));
        }
        for (const auto& record : records) {
            std::string expected;
            if (const auto cut = csvFields(record, {})) {
                for (std::size_t i = 0; i < fields.size(); ++i) {
                    if (i != 0) expected += ' ';
                    if (i < cut->size()) appendJsonText(expected, (*cut)[i]);
                    else expected += "null";
                }
            } else {
                expected = cut.error().message;
                ++wrong;
            }
            ASSERT_EQ(readOne(reader, record), expected) << record;
        }
    }
    EXPECT_GT(wrong, 1000u);
}

TEST(Csv, TrimmingOnWish) {
    CsvOptions options;
    options.trim = true;
    EXPECT_EQ(readOne(makeCsvReader(kThree, options), " a b ,\t\" q \" , c"), R"("a b" " q " "c")");
    options.separator = '\t';
    EXPECT_EQ(readOne(makeCsvReader(kThree, options), " a\t\t\"c\" "), R"("a" "" "c")");
}

TEST(Csv, ANullTextInQuotesIsAText) {
    const auto reader =
        makeCsvReader({withNull(field("a", "1"), ""), withNull(field("b", "2"), "NA")});
    EXPECT_EQ(readOne(reader, R"(,NA)"), "null null");
    EXPECT_EQ(readOne(reader, R"("","NA")"), R"("" "NA")");
    EXPECT_THAT(read(reader, {R"("",NA)", R"(,"NA")", ",NA"}),
                ElementsAre(R"("" null)", R"(null "NA")", "null null"));
}

TEST(Csv, TheHeaderNamesPlacesAndIsLeftOut) {
    CsvOptions options;
    options.separator = ';';
    options.header = {"id", "full name", "n"};
    const auto reader =
        makeCsvReader({field("name", "full name"), field("n", "n", Type::kInt)}, options);
    EXPECT_THAT(
        read(reader, {"\xEF\xBB\xBFid;full name;n", "id;x;7", "id;\"full name\";n", "3;y;8"}),
        ElementsAre("left out", "\"x\" 7", "left out", "\"y\" 8"));
    EXPECT_THAT(readOne(reader, "id;full name;n;more"), HasSubstr("\"n\" is no int"));
    EXPECT_THAT(refusal(makeCsvReader({field("a", "nam")}, options)), HasSubstr("\"full name\""));
    options.header = {"a", "a"};
    EXPECT_THAT(refusal(makeCsvReader({field("a", "a")}, options)), HasSubstr("twice"));
    EXPECT_THAT(*csvFields("\xEF\xBB\xBF"
                           R"(id,"full ""name""",n)"),
                ElementsAre("id", "full \"name\"", "n"));
    EXPECT_FALSE(csvFields("\"a"));
}

TEST(Csv, WhatIsWrittenIsReadBack) {
    std::mt19937_64 random(23);
    const auto reader = makeCsvReader({withNull(field("a", "1"), ""), withNull(field("b", "2"), ""),
                                       withNull(field("c", "3"), "")});
    for (int i = 0; i < 5000; ++i) {
        std::string record;
        std::string expected;
        for (int n = 0; n < 3; ++n) {
            if (n > 0) {
                record += ',';
                expected += ' ';
            }
            if (random() % 5 == 0) {
                expected += "null";
                continue;
            }
            std::string value(random() % 6, ' ');
            for (char& c : value) c = "\",\n\r xy\t\xEF\xBB\xBF"[random() % 11];
            appendCsvText(record, value);
            appendJsonText(expected, value);
        }
        ASSERT_EQ(readOne(reader, record), expected) << record;
    }
}

}  // namespace
}  // namespace tidemill::rows
