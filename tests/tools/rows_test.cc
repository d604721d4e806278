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

TEST(Fields, WholeNumbersOfJsonKeepTheirDigits) {
    const std::vector<FieldSpec> one{{"x", "/0"}};
    for (const char* digits :
         {"9223372036854775807", "18446744073709551615", "18446744073709551616",
          "-9223372036854775809", "123456789012345678901234567890"})
        EXPECT_EQ(read(FieldsBy::kJson, one, "[" + std::string(digits) + ", 1e3]"),
                  "(" + std::string(digits) + ")");
    EXPECT_EQ(read(FieldsBy::kJson, one, "[1e3]"), "(1000.0)");
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
    try {
        first.merge(second);
        return first.result(*spec).text;
    } catch (const std::runtime_error& error) {
        return error.what();
    }
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
    EXPECT_EQ(computed("sum(x)", {"1", "many"}), "field \"x\" must be a number, but is a text of 4 bytes");
    EXPECT_EQ(computed("max(x)", {"nan"}), "field \"x\" must be a number, but is a text of 3 bytes");
    for (const char* wrong : {"sum()", "count(x)", "top(x)", "top(0, x)", "mean(x)", "sum(x", ""})
        EXPECT_THAT(computed(wrong, {}), HasSubstr("must be one of")) << wrong;
}

TEST(Aggregate, WholeNumbersStayExactOrAreRefused) {
    constexpr const char* kMost = "9223372036854775807";
    constexpr const char* kLeast = "-9223372036854775808";
    EXPECT_EQ(computed("sum(x)", {kMost, kLeast}), "-1");
    // Over 64 bits on the way, not at the end.
    EXPECT_EQ(computed("sum(x)", {kMost, "5", "1", kLeast}), "5");
    EXPECT_EQ(computed("sum(x)", {kMost, "0", "1", "0"}),
              "it = sum(x) is 9223372036854775808, more than a whole number of 64 bits holds");
    EXPECT_EQ(computed("sum(x)", {kLeast, "-1"}),
              "it = sum(x) is -9223372036854775809, less than a whole number of 64 bits holds");
    EXPECT_EQ(computed("sum(x)", {"1e308", "1e308"}),
              "it = sum(x) is over the range of floating point numbers");
    EXPECT_EQ(computed("avg(x)", {"-1e308", "-1e308"}),
              "it = avg(x) is over the range of floating point numbers");
    EXPECT_EQ(computed("avg(x)", {kMost, kMost}),
              "9223372036854775808");  // a mean is no whole number
    for (const char* function : {"sum(x)", "min(x)", "max(x)", "avg(x)"})
        for (const char* large :
             {"9223372036854775808", "-9223372036854775809", "123456789012345678901234567890"})
            EXPECT_EQ(computed(function, {"1", large}),
                      "field \"x\" must be a number, but is a whole number of more than 64 bits (" +
                          std::to_string(std::string(large).size()) + " bytes of text)");
}

TEST(Aggregate, LeastAndMostAreExactAmongMixedNumbers) {
    // Neighbours that are one and the same as floating point numbers.
    const Lines near{"9007199254740993", "9007199254740992"};
    EXPECT_EQ(computed("min(x)", near), "9007199254740992");
    EXPECT_EQ(computed("max(x)", {near[1], near[0]}), "9007199254740993");
    EXPECT_EQ(computed("max(x)", {"9007199254740993", "9007199254740992.0"}), "9007199254740993");
    EXPECT_EQ(computed("min(x)", {"-9007199254740993", "-9007199254740992.0"}),
              "-9007199254740993");
    EXPECT_EQ(computed("max(x)", {"9223372036854775807", "9.3e18"}), "9.3e+18");
    EXPECT_EQ(computed("min(x)", {"-9223372036854775808", "-9.3e18"}), "-9.3e+18");
    EXPECT_EQ(computed("max(x)", {"2", "2.5"}), "2.5");
    EXPECT_EQ(computed("min(x)", {"-2", "-2.5"}), "-2.5");
    // Numbers of JSON, however they were written.
    EXPECT_EQ(computed("max(x)", {"007"}), "7");
    EXPECT_EQ(computed("min(x)", {"1.50"}), "1.5");
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

// What a start says to `second` in a directory where `first` has counted, with a checkpoint.
std::string changed(const StepSpec& first, const StepSpec& second) {
    test::TemporaryDirectory directory;
    StreamingOptions options;
    options.directory = directory / "data";
    std::string said;
    for (const auto* step : {&first, &second}) {
        test::Life life(options, fromMillis(step == &first ? 0 : 1000));
        RecordQueue<std::string> queue;
        queue.push({"a x 1"});
        const RowStream rows{
            life.context().queueStream(queue).map([](const std::string& line) {
                return Row{{textField(line.substr(0, 1)), textField(line.substr(2, 1)),
                            textField(line.substr(4))}};
            }),
            {"host", "path", "bytes"}};
        core::orThrow(aggregate(rows, *step)).rows.forEachBatch([](Batch<Row>&) {});
        try {
            life.start();
        } catch (const std::exception& error) {
            return error.what();
        }
        life.run(1);
        life.context().stop();
    }
    return "";
}

TEST(Rows, AChangedKeyOrFunctionOfStoredAggregatesIsRefused) {
    const auto with = [](std::vector<std::string> key, std::vector<std::string> functions,
                         bool running, std::string name) {
        StepSpec step;
        step.key = std::move(key);
        for (const auto& function : functions)
            step.compute.push_back(
                *parseAggregate("c" + std::to_string(step.compute.size()), function));
        step.running = running;
        if (!running) step.window = Duration(2000);
        step.name = std::move(name);
        return step;
    };
    for (const bool running : {false, true}) {
        for (const char* name : {"totals", ""}) {
            if (running && *name == '\0') continue;  // running aggregates have a name
            const auto first = with({"host"}, {"count()", "sum(bytes)"}, running, name);
            EXPECT_EQ(changed(first, first), "");
            // Another name of a result is no other state.
            auto renamed = first;
            renamed.compute[0].name = "rows";
            EXPECT_EQ(changed(first, renamed), "");

            const auto otherKey = with({"path"}, {"count()", "sum(bytes)"}, running, name);
            EXPECT_THAT(changed(first, otherKey),
                        testing::AllOf(HasSubstr(R"(by=["host"] -> by=["path"])"),
                                       HasSubstr("--drop-mismatched-state"),
                                       HasSubstr("rename the changed operator")));
            for (const auto& key : {std::vector<std::string>{"host", "path"}, {"path", "host"}, {}})
                EXPECT_THAT(changed(first, with(key, {"count()", "sum(bytes)"}, running, name)),
                            HasSubstr("does not fit the state"));
            EXPECT_THAT(changed(with({"host", "path"}, {"count()"}, running, name),
                                with({"path", "host"}, {"count()"}, running, name)),
                        HasSubstr(R"(by=["host", "path"] -> by=["path", "host"])"));
            for (const auto& functions : {std::vector<std::string>{"sum(bytes)", "count()"},
                                          {"count()"},
                                          {"count()", "avg(bytes)"},
                                          {"count()", "sum(bytes)", "min(bytes)"}})
                EXPECT_THAT(changed(first, with({"host"}, functions, running, name)),
                            HasSubstr("does not fit the state"));
        }
    }
    EXPECT_THAT(changed(with({"host"}, {"count()"}, true, "totals"),
                        with({"host"}, {"count()"}, false, "totals")),
                HasSubstr("does not fit the state"));
}

TEST(Rows, ASumOverSixtyFourBitsNamesTheAggregateAndGoesByThePolicy) {
    const std::vector<Lines> inputs{{"a 9223372036854775807", "a 1", "b 2"}, {"a -2"}};
    StepSpec step;
    step.key = {"name"};
    step.compute = {*parseAggregate("total", "sum(n)")};
    step.running = true;
    step.name = "totals";
    const auto build = [&](DStream<std::string> lines) {
        return core::orThrow(aggregate(rowsOfWords(lines, {"name", "n"}), step)).rows;
    };
    StreamingOptions options = test::inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    // The sum itself stays exact: it is shown again when it fits.
    EXPECT_EQ(test::runBatches(inputs, build, options),
              (test::Batches{{"(b,2)"}, {"(a,9223372036854775806)"}}));

    std::map<std::uint64_t, Lines> seen;
    test::Life life(test::inMemory());
    RecordQueue<std::string> queue;
    queue.push(inputs[0]);
    life.collect(build(life.context().queueStream(queue)), seen);
    life.start();
    life.run(1);
    try {
        life.context().awaitTermination();
        FAIL() << "the job went on";
    } catch (const std::exception& error) {
        EXPECT_THAT(error.what(), HasSubstr("total = sum(n) is 9223372036854775808"));
        EXPECT_THAT(error.what(), HasSubstr("group (a)"));
    }
}

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
