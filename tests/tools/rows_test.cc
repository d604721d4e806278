// Fields taken out of lines, and what job files compute with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/batch_harness.h"
#include "tools/aggregate.h"
#include "tools/field_reader.h"
#include "tools/job_plan.h"
#include "tools/row_steps.h"

namespace tidemill::tools {
namespace {

using ::testing::HasSubstr;
using Lines = std::vector<std::string>;

std::string shown(const Row& row) {
    std::string text;
    core::appendElement(text, row);
    return text;
}

// What the fields of `line` are, or what is wrong.
std::string read(FieldsBy by, const std::vector<FieldSpec>& fields, std::string_view line,
                 const std::string& separator = "", const std::string& pattern = "") {
    const auto reader = makeFieldReader(by, separator, pattern, fields);
    if (!reader) return reader.error().message;
    try {
        return shown((*reader)->read(line));
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

TEST(Fields, BySplitPosition) {
    EXPECT_EQ(read(FieldsBy::kSplit, {{"a", "3"}, {"b", "1"}}, "  x  y\tz "), "(z,x)");
    EXPECT_EQ(read(FieldsBy::kSplit, {{"a", "2"}}, "x;;z", ";"), "()");
    EXPECT_EQ(read(FieldsBy::kSplit, {{"a", "3"}}, "x::y::z", "::"), "(z)");
    EXPECT_EQ(read(FieldsBy::kSplit, {{"a", "3"}}, "x y"),
              "field \"a\" (3): the line has 2 fields");
    EXPECT_THAT(read(FieldsBy::kSplit, {{"a", "0"}}, ""), HasSubstr("counted from 1"));
    EXPECT_THAT(read(FieldsBy::kSplit, {{"a", "name"}}, ""), HasSubstr("counted from 1"));
}

TEST(Fields, ByCsvColumn) {
    const std::vector<FieldSpec> all{{"a", "1"}, {"b", "2"}, {"c", "3"}};
    EXPECT_EQ(read(FieldsBy::kCsv, all, R"(x,"y, ""z""",)"), "(x,y, \"z\",)");
    EXPECT_EQ(read(FieldsBy::kCsv, {{"a", "2"}}, "x"), "field \"a\" (2): the line has 1 fields");
    EXPECT_EQ(read(FieldsBy::kCsv, all, R"(x,"y)"), "a quote of the CSV line is not closed");
}

TEST(Fields, ByRegexGroup) {
    const std::string pattern = R"((?P<word>\w+)=(\d+)(!)?)";
    EXPECT_EQ(read(FieldsBy::kRegex, {{"n", "2"}, {"w", "word"}}, "so a=17 it is", "", pattern),
              "(17,a)");
    EXPECT_THAT(read(FieldsBy::kRegex, {{"n", "2"}}, "nothing", "", pattern),
                HasSubstr("does not match"));
    EXPECT_THAT(read(FieldsBy::kRegex, {{"n", "3"}}, "a=1", "", pattern),
                HasSubstr("took no part"));
    EXPECT_THAT(read(FieldsBy::kRegex, {{"n", "4"}}, "", "", pattern), HasSubstr("has 3 groups"));
    EXPECT_THAT(read(FieldsBy::kRegex, {{"n", "1"}}, "", "", "("), HasSubstr("no regular"));
}

TEST(Fields, ByJsonPointer) {
    const std::string line = R"({"a": {"b": [1, 2.5, "x"]}, "t": true, "n": null, "": 3})";
    EXPECT_EQ(read(FieldsBy::kJson, {{"x", "/a/b/2"}, {"y", "/a/b/1"}, {"z", "/t"}}, line),
              "(x,2.5,true)");
    EXPECT_EQ(read(FieldsBy::kJson, {{"x", "/a/c"}}, line),
              "field \"x\" (/a/c): the JSON has nothing there");
    EXPECT_THAT(read(FieldsBy::kJson, {{"x", "/a"}}, line), HasSubstr("but is object"));
    EXPECT_THAT(read(FieldsBy::kJson, {{"x", "/n"}}, line), HasSubstr("but is null"));
    EXPECT_EQ(read(FieldsBy::kJson, {{"x", "/a"}}, "{"), "the line is no JSON");
    EXPECT_THAT(read(FieldsBy::kJson, {{"x", "a"}}, line), HasSubstr("no JSON pointer"));
}

// `function` over rows of one field, added up in two parts.
std::string computed(const std::string& function, const std::vector<std::string>& values) {
    auto spec = parseAggregate("it", function);
    if (!spec) return spec.error().message;
    AggregateState first, second;
    try {
        for (std::size_t i = 0; i < values.size(); ++i)
            (i % 2 == 0 ? first : second).add(*spec, Row{{textField(values[i])}});
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    first.merge(second);
    return first.result(*spec).text;
}

TEST(Aggregate, ComputesWhatItsNameSays) {
    const Lines numbers{"3", "10", "-4", "10"};
    EXPECT_EQ(computed("count()", numbers), "4");
    EXPECT_EQ(computed("sum(x)", numbers), "19");
    EXPECT_EQ(computed("min(x)", numbers), "-4");
    EXPECT_EQ(computed("max(x)", numbers), "10");
    EXPECT_EQ(computed("avg(x)", numbers), "4.75");
    EXPECT_EQ(computed("distinct(x)", numbers), "3");
    EXPECT_EQ(computed("top(2, x)", {"b", "a", "c", "a", "b", "d"}),
              R"([{"value": "a", "count": 2}, {"value": "b", "count": 2}])");
    EXPECT_EQ(computed("sum(x)", {"0.5", "1", "2"}), "3.5");
    EXPECT_EQ(computed("sum(x)", {"9223372036854775807", "0", "1", "0"}), "9223372036854775808");
    EXPECT_EQ(computed("sum(x)", {"1", "many"}), "field \"x\" must be a number, but is \"many\"");
    EXPECT_EQ(computed("max(x)", {"nan"}), "field \"x\" must be a number, but is \"nan\"");
    for (const char* wrong : {"sum()", "count(x)", "top(x)", "top(0, x)", "mean(x)", "sum(x", ""})
        EXPECT_THAT(computed(wrong, {}), HasSubstr("must be one of")) << wrong;
}

TEST(Rows, AreGroupedPerBatchOverWindowsAndForEver) {
    const std::vector<Lines> inputs{{"a 1", "b 2", "a 3"}, {"a 10"}, {}};
    const auto over = [&](const StepSpec& step) {
        return test::runBatches(inputs, [&](DStream<std::string> lines) {
            const RowStream rows{
                lines.map([](const std::string& line) {
                    return Row{{textField(line.substr(0, 1)), textField(line.substr(2))}};
                }),
                {"name", "n"}};
            return core::orThrow(aggregate(rows, step)).rows;
        });
    };
    StepSpec step;
    step.key = {"name"};
    step.compute = {*parseAggregate("rows", "count()"), *parseAggregate("total", "sum(n)")};
    EXPECT_EQ(over(step), (test::Batches{{"(a,2,4)", "(b,1,2)"}, {"(a,1,10)"}, {}}));
    step.window = step.slide = Duration(1000);
    step.window = Duration(2000);
    EXPECT_EQ(over(step), (test::Batches{{"(a,2,4)", "(b,1,2)"}, {"(a,3,14)", "(b,1,2)"},
                                         {"(a,1,10)"}}));
    step.window = Duration(0);
    step.running = true;
    step.name = "totals";
    EXPECT_EQ(over(step), (test::Batches{{"(a,2,4)", "(b,1,2)"}, {"(a,3,14)"}, {}}));
    step.key = {};
    EXPECT_EQ(over(step), (test::Batches{{"(3,6)"}, {"(4,16)"}, {}}));
}

const auto rowsOfWords = [](DStream<std::string> lines, std::vector<std::string> columns) {
    return RowStream{lines.map([](const std::string& line) {
                         Row row;
                         std::istringstream words(line);
                         for (std::string word; words >> word;)
                             row.fields.push_back(textField(word));
                         return row;
                     }),
                     std::move(columns)};
};

TEST(Rows, TopOrdersNumbersBySizeAndTiesByTheirText) {
    StepSpec step;
    step.n = 3;
    step.by = "n";
    std::vector<std::string> seen;
    test::Life life(test::inMemory());
    RecordQueue<std::string> queue;
    queue.push({"a 9", "b 10", "d 9", "c 9", "e 1"});
    core::orThrow(top(rowsOfWords(life.context().queueStream(queue), {"name", "n"}), step))
        .rows.forEachBatch([&](Batch<Row>& batch) {
            batch.forEach([&](const Row& row) { seen.push_back(shown(row)); });
        });
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_EQ(seen, (Lines{"(b,10)", "(a,9)", "(c,9)"}));
}

TEST(Rows, AreJoinedByAField) {
    const auto joinedAs = [](StepSpec::Join kind) {
        StepSpec step;
        step.join = kind;
        step.on = "id";
        return test::runBatches(std::vector<Lines>{{"1 x", "2 y"}}, [&](DStream<std::string> lines) {
            const auto left = rowsOfWords(lines, {"id", "l"});
            const auto right = rowsOfWords(
                lines.filter([](const std::string& line) { return line[0] == '2'; })
                    .flatMap([](const std::string&) { return Lines{"B 2", "C 3"}; }),
                {"r", "id"});
            return core::orThrow(join(left, right, step)).rows;
        });
    };
    EXPECT_EQ(joinedAs(StepSpec::Join::kInner), (test::Batches{{"(2,y,B)"}}));
    EXPECT_EQ(joinedAs(StepSpec::Join::kLeft), (test::Batches{{"(1,x,null)", "(2,y,B)"}}));
    EXPECT_EQ(joinedAs(StepSpec::Join::kRight), (test::Batches{{"(2,y,B)", "(3,null,C)"}}));
    EXPECT_EQ(joinedAs(StepSpec::Join::kFull),
              (test::Batches{{"(1,x,null)", "(2,y,B)", "(3,null,C)"}}));
}

TEST(Rows, AsJsonNumbersAreNumbers) {
    std::string json;
    appendJsonFields(json, {"a", "b", "c"},
                     Row{{textField("x\"y"), numberField(std::int64_t{7}),
                          Field{Field::Kind::kJson, "null"}}});
    EXPECT_EQ(json, R"("a": "x\"y", "b": 7, "c": null)");
}

}  // namespace
}  // namespace tidemill::tools
