// Keys, sort keys and signatures: equal values have equal bytes, order of bytes is order of values,
// and what is written is read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "rows/format/row_format.h"
#include "rows/format/value_text.h"
#include "rows/group_layout.h"
#include "rows/group_text.h"
#include "rows/key_encoding.h"
#include "rows/sort_key.h"

namespace tidemill::rows {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Chunk chunkOf(std::span<const Column> columns, std::size_t rows) {
    Chunk chunk;
    chunk.rows = chunk.selectedCount = rows;
    chunk.columns = columns;
    return chunk;
}

TEST(KeyEncoding, ValuesOfEveryTypeComeBack) {
    ColumnBuffer ints(Type::kInt), floats(Type::kFloat), bools(Type::kBool), texts(Type::kText),
        lasts(Type::kText);
    const std::int64_t numbers[] = {0,
                                    -1,
                                    1,
                                    200,
                                    -129,
                                    65535,
                                    std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<std::int64_t>::min()};
    const std::string long200(200, 'x');
    for (std::size_t row = 0; row < 8; ++row) {
        ints.as<Type::kInt>()[row] = numbers[row];
        floats.as<Type::kFloat>()[row] = static_cast<double>(numbers[row]) / 3;
        bools.as<Type::kBool>()[row] = row % 2;
        texts.as<Type::kText>()[row] = row == 3 ? std::string_view(long200) : "ab";
        lasts.as<Type::kText>()[row] = row == 5 ? "" : std::string_view("\0z", 2);
    }
    for (auto* column : {&ints, &floats, &bools, &texts, &lasts}) column->setNull(7);
    const Column columns[] = {ints.column(), floats.column(), bools.column(), texts.column(),
                              lasts.column()};
    const auto chunk = chunkOf(columns, 8);
    KeyEncoder encoder({0, 1, 2, 3, 4});
    const auto keys = encoder.encode(chunk);
    ASSERT_EQ(keys.size(), 8u);
    std::vector<ColumnBuffer> back;
    for (const auto& column : columns) back.emplace_back(column.type);
    for (std::size_t row = 0; row < 8; ++row) ASSERT_TRUE(decodeKey(keys[row], row, back));
    std::vector<Column> decoded;
    for (auto& buffer : back) decoded.push_back(buffer.column());
    const auto again = chunkOf(decoded, 8);
    for (std::size_t row = 0; row < 8; ++row) {
        std::string before, after;
        appendTuple(before, chunk, row);
        appendTuple(after, again, row);
        EXPECT_EQ(before, after);
    }
    for (std::size_t cut = 0; cut < keys[2].size(); ++cut)
        EXPECT_FALSE(decodeKey(keys[2].substr(0, cut), 0, back) && cut + 3 < keys[2].size()) << cut;
}

TEST(KeyEncoding, NumbersThatAreEqualHaveOneKeyAndNullHasItsOwn) {
    ColumnBuffer floats(Type::kFloat), texts(Type::kText);
    const double values[] = {0.0, -0.0, kNan, -kNan, 1.0};
    for (std::size_t row = 0; row < 5; ++row) {
        floats.as<Type::kFloat>()[row] = values[row];
        texts.as<Type::kText>()[row] = row == 0 ? std::string_view("\0", 1) : std::string_view();
    }
    texts.setNull(2);
    const Column columns[] = {floats.column(), texts.column()};
    KeyEncoder byFloat({0}), byText({1});
    const auto chunk = chunkOf(columns, 5);
    const auto keys = byFloat.encode(chunk);
    EXPECT_EQ(keys[0], keys[1]);
    EXPECT_EQ(keys[2], keys[3]);
    EXPECT_NE(keys[0], keys[4]);
    const auto textKeys = byText.encode(chunk);
    EXPECT_NE(textKeys[0], textKeys[1]);
    EXPECT_NE(textKeys[1], textKeys[2]);
    EXPECT_NE(textKeys[0], textKeys[2]);
    EXPECT_EQ(textKeys[1], textKeys[3]);
    EXPECT_TRUE(byText.hasNull(chunk, 2));
}

std::string sortKey(const Column& column, std::size_t row, bool isDescending, bool isLoose) {
    std::string key;
    appendSortKey(key, chunkOf(std::span(&column, 1), 8), row, {{0, isDescending, isLoose}});
    return key;
}

TEST(SortKey, NumbersComeFirstThenNanThenNullInBothDirections) {
    ColumnBuffer floats(Type::kFloat);
    const double ascending[] = {-HUGE_VAL, -2.5, -0.0, 1e-300, 3, HUGE_VAL, kNan, 0};
    std::copy(std::begin(ascending), std::end(ascending), floats.as<Type::kFloat>());
    floats.setNull(7);
    const Column column = floats.column();
    for (std::size_t row = 0; row + 1 < 8; ++row)
        EXPECT_LT(sortKey(column, row, false, false), sortKey(column, row + 1, false, false))
            << row;
    const std::size_t descending[] = {5, 4, 3, 2, 1, 0, 6, 7};
    for (std::size_t i = 0; i + 1 < 8; ++i)
        EXPECT_LT(sortKey(column, descending[i], true, false),
                  sortKey(column, descending[i + 1], true, false))
            << i;
}

TEST(SortKey, LooseNumbersAreOrderedBySizeExactly) {
    ColumnBuffer texts(Type::kText);
    const std::string_view ascending[] = {
        "-9007199254740993", "-9007199254740992", "-0.5",  "0",
        "9007199254740992",  "9007199254740993",  "1e300", "apple"};
    std::copy(std::begin(ascending), std::end(ascending), texts.as<Type::kText>());
    const Column column = texts.column();
    for (std::size_t row = 0; row + 1 < 8; ++row)
        EXPECT_LT(sortKey(column, row, false, true), sortKey(column, row + 1, false, true)) << row;
}

TEST(SortKey, TextsAreOrderedByTheirBytesAlsoWithZeros) {
    ColumnBuffer texts(Type::kText);
    const std::string_view ascending[] = {"",
                                          std::string_view("\0", 1),
                                          std::string_view("\0a", 2),
                                          "a",
                                          std::string_view("a\0", 2),
                                          "a\x01",
                                          "b",
                                          "ba"};
    std::copy(std::begin(ascending), std::end(ascending), texts.as<Type::kText>());
    const Column column = texts.column();
    for (std::size_t row = 0; row + 1 < 8; ++row) {
        EXPECT_LT(sortKey(column, row, false, false), sortKey(column, row + 1, false, false))
            << row;
        EXPECT_GT(sortKey(column, row, true, false), sortKey(column, row + 1, true, false)) << row;
    }
}

TEST(GroupSignature, IsReadBackAndNamesColumnsOfAnyText) {
    std::vector<AggregateColumn> aggregates;
    const auto add = [&](const std::string& name, const std::string& call, std::optional<Type> type,
                         bool isLoose) {
        AggregateColumn column;
        column.name = name;
        column.call = *parseAggregateCall(call);
        column.type = type;
        column.isLoose = isLoose;
        column.accumulator = *makeAccumulator(column.call, type, isLoose);
        aggregates.push_back(std::move(column));
    };
    add("n", "count()", std::nullopt, false);
    add("a \"b\", ]", "sum(bytes)", Type::kInt, false);
    add("t", "top(3, path)", Type::kText, false);
    add("p", "approx_percentile(ms, 0.95)", Type::kFloat, false);
    add("m", "max(size)", Type::kText, true);
    const GroupLayout layout({{"path", Type::kText}, {"st\\atus", Type::kInt}}, aggregates);
    const auto signature = layout.signature();
    const auto back = parseGroupSignature("running" + signature);
    ASSERT_NE(back, nullptr) << signature;
    EXPECT_EQ(back->signature(), signature);
    EXPECT_EQ(back->recordBytes(), layout.recordBytes());
    EXPECT_EQ(parseGroupSignature("runningTotals key=string value=i64"), nullptr);
}

TEST(GroupText, ShowsColumnsByNameAndReadsKeysBack) {
    std::vector<AggregateColumn> aggregates(2);
    aggregates[0].name = "n";
    aggregates[0].call = *parseAggregateCall("count()");
    aggregates[1].name = "values";
    aggregates[1].call = *parseAggregateCall("count(distinct path)");
    aggregates[1].type = Type::kText;
    for (auto& one : aggregates) one.accumulator = *makeAccumulator(one.call, one.type, false);
    const GroupLayout layout({{"path", Type::kText}, {"status", Type::kInt}}, aggregates);

    ColumnBuffer paths(Type::kText), statuses(Type::kInt);
    paths.as<Type::kText>()[0] = "/a,b\\c";
    statuses.as<Type::kInt>()[0] = -404;
    paths.as<Type::kText>()[1] = {};
    paths.setNull(1);
    const Column columns[] = {paths.column(), statuses.column()};
    KeyEncoder encoder({0, 1});
    const auto chunk = chunkOf(columns, 2);
    const auto keys = encoder.encode(chunk);
    GroupRecord record(layout);
    std::byte* const records[] = {record.get(), record.get()};
    const GroupRows rows{2, nullptr, records};
    layout.aggregates()[0].accumulator->update({}, rows, layout.offset(0));
    layout.aggregates()[1].accumulator->update(columns[0], rows, layout.offset(1));
    std::string value;
    layout.encode(record.get(), value);

    const auto text = GroupText::of("running" + layout.signature());
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(*text->json(keys[0], value),
              "\"path\": \"/a,b\\\\c\", \"status\": -404, \"n\": 2, \"values\": 1");
    EXPECT_EQ(*text->line(keys[0], value), "/a\\,b\\\\c,-404\tn=2, values=1");
    EXPECT_EQ(*text->line(keys[1], value), "\\N,0\tn=2, values=1");
    EXPECT_EQ(*text->key("/a\\,b\\\\c,-404"), keys[0]);
    EXPECT_EQ(*text->key("\\N,0"), keys[1]);
    EXPECT_FALSE(text->key("/a"));
    EXPECT_FALSE(text->key("/a,x"));
    EXPECT_FALSE(text->json(keys[0].substr(0, 3), value));
    EXPECT_FALSE(text->json(keys[0], value.substr(1)));
}

TEST(GroupText, KeysOfEveryTypeAreReadAsTheyAreShownAndByName) {
    const GroupLayout layout(
        {{"at", Type::kTime}, {"ok", Type::kBool}, {"x", Type::kFloat}, {"path", Type::kText}}, {});
    ColumnBuffer times(Type::kTime), flags(Type::kBool), numbers(Type::kFloat), paths(Type::kText);
    times.as<Type::kTime>()[0] = 1'718'409'600'250'000;
    flags.as<Type::kBool>()[0] = 1;
    numbers.as<Type::kFloat>()[0] = std::numeric_limits<double>::quiet_NaN();
    paths.as<Type::kText>()[0] = "a=b";
    const Column columns[] = {times.column(), flags.column(), numbers.column(), paths.column()};
    KeyEncoder encoder({0, 1, 2, 3});
    const std::string key(encoder.encode(chunkOf(columns, 1))[0]);
    GroupRecord record(layout);
    std::string value;
    layout.encode(record.get(), value);
    const auto text = GroupText::of("running" + layout.signature());
    ASSERT_NE(text, nullptr);

    const std::string line = *text->line(key, value);
    const std::string shown = line.substr(0, line.find('\t'));
    EXPECT_EQ(shown, "2024-06-15T00:00:00.250Z,true,NaN,a=b");
    EXPECT_EQ(*text->key(shown), key);
    EXPECT_EQ(*text->key("path=a=b,at=2024-06-15 00:00:00.250Z,ok=true,x=nan"), key);
    EXPECT_NE(*text->key("path=\\N,at=2024-06-15 00:00:00.250Z,ok=true,x=nan"), key);

    const auto refused = [&](const char* typed) { return text->key(typed).error().message; };
    EXPECT_THAT(refused("yesterday,true,1,a"),
                testing::AllOf(testing::HasSubstr("\"yesterday\" is no time for at"),
                               testing::HasSubstr("(at time, ok bool, x float, path text)")));
    EXPECT_THAT(refused("2024-06-15T00:00:00Z,maybe,1,a"),
                testing::HasSubstr("\"maybe\" is no bool for ok"));
    EXPECT_THAT(refused("2024-06-15T00:00:00Z,true,1"), testing::HasSubstr("3 values for 4"));
    EXPECT_THAT(refused("2024-06-15T00:00:00Z,true,1,a\\N"),
                testing::HasSubstr("no text for path"));
}

TEST(AggregateCalls, AreTakenApartOrRefusedWithTheForms) {
    EXPECT_EQ(parseAggregateCall("count(*)")->function, "count");
    EXPECT_EQ(parseAggregateCall(" COUNT( distinct user )")->function, "count_distinct");
    EXPECT_EQ(parseAggregateCall("distinct(user)")->argument, "user");
    EXPECT_EQ(parseAggregateCall("sum(coalesce(a, 0) + ',)')")->argument, "coalesce(a, 0) + ',)'");
    EXPECT_EQ(parseAggregateCall("top(3, path)")->number, 3.0);
    EXPECT_EQ(parseAggregateCall("approx_percentile(0.5, ms)")->argument, "ms");
    for (const char* wrong : {"median(x)", "sum", "sum()", "sum(a, b)", "top(path)", "top(0, x)",
                              "top(1.5, x)", "approx_percentile(x, 2)", "count(a, b)"})
        EXPECT_FALSE(parseAggregateCall(wrong)) << wrong;
}

TEST(RowFormats, JsonIsValidWhateverTheNamesAndValues) {
    ColumnBuffer floats(Type::kFloat), texts(Type::kText), times(Type::kTime);
    floats.as<Type::kFloat>()[0] = HUGE_VAL;
    texts.as<Type::kText>()[0] = "caf\xe9";
    times.as<Type::kTime>()[0] = -1;
    const auto schema =
        Schema::of({{"a\"b", Type::kFloat}, {"time", Type::kText}, {"when", Type::kTime}});
    const Column columns[] = {floats.column(), texts.column(), times.column()};
    const auto chunk = chunkOf(columns, 1);
    std::string line;
    (*makeJsonFormat(*schema))->append(line, {7, 1000}, chunk, 0);
    EXPECT_EQ(line,
              "{\"_batch\": 7, \"_time\": 1000, \"a\\\"b\": \"Infinity\", \"time_base64\": "
              "\"Y2Fm6Q==\", \"when\": \"1969-12-31T23:59:59.999999Z\"}\n");
    EXPECT_FALSE(makeJsonFormat(*Schema::of({{"_time", Type::kInt}})));
}

TEST(RowFormats, CsvTsvAndTemplates) {
    ColumnBuffer texts(Type::kText), ints(Type::kInt);
    texts.as<Type::kText>()[0] = "a,\"b\"\t\\";
    texts.as<Type::kText>()[1] = "";
    texts.as<Type::kText>()[2] = "x";
    ints.as<Type::kInt>()[0] = -5;
    ints.setNull(1);
    const auto schema = *Schema::of({{"path", Type::kText}, {"n", Type::kInt}});
    const Column columns[] = {texts.column(), ints.column()};
    const auto chunk = chunkOf(columns, 3);
    const auto all = [&](const RowFormat& format) {
        std::string text = format.header();
        for (std::size_t row = 0; row < 3; ++row) format.append(text, {1, 2}, chunk, row);
        return text;
    };
    EXPECT_EQ(all(*makeCsvFormat(schema)), "path,n\r\n\"a,\"\"b\"\"\t\\\",-5\r\n\"\",\r\nx,0\r\n");
    EXPECT_EQ(all(*makeTsvFormat(schema)), "path\tn\na,\"b\"\\t\\\\\t-5\n\t\\N\nx\t0\n");
    EXPECT_EQ(all(**makeTemplateFormat("{{{n}}} {path}@{time}", schema)),
              "{-5} a,\"b\"\t\\@2\n{} @2\n{0} x@2\n");
    for (const char* wrong : {"{pth}", "{path", "}"})
        EXPECT_FALSE(makeTemplateFormat(wrong, schema)) << wrong;
}

}  // namespace
}  // namespace tidemill::rows
