// Readers of rows, expressions, queries, and the bytes that rows are kept as.
#include "core/arena.h"
#include "core/cut_lines.h"
#include "rows/aggregates/functions.h"
#include "rows/expressions/interval.h"
#include "rows/format/row_format.h"
#include "rows/key_encoding.h"
#include "rows/parse_value.h"
#include "rows/sketches/distinct_sketch.h"
#include "rows/sketches/percentile_sketch.h"
#include "rows/time_format.h"
#include "rows/write_value.h"
#include "tests/fuzz/parsers.h"
#include "tests/rows/reader_cases.h"
#include "tests/rows/sql_bytes.h"

namespace tidemill::fuzz {
namespace {

using namespace rows;

void requireJson(const Column& column, std::size_t row) {
    std::string json;
    appendJson(json, column, row);
    require(isJson(json), "what is written of a value is no JSON");
}

// The lines are the records of one chunk.
void readRecords(const Reader& reader, std::string_view bytes) {
    const auto rowReader = reader.makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));
    std::vector<std::string_view> records;
    core::cutLines(bytes, [&](std::string_view line) {
        records.push_back(line);
        return records.size() < kChunkRows;
    });
    if (records.empty()) return;
    core::Arena arena;
    RowFailures failures;
    const auto columns = rowReader->read(records, arena, failures);
    for (std::size_t row = 0; row < records.size(); ++row) {
        if (failures.failed(row)) continue;
        for (const Column& column : columns) requireJson(column, row);
    }
}

// One function for each reader, as one parser is one function.
template <std::size_t kCase>
void parseRecords(std::string_view bytes) {
    static const auto reader = readerCases()[kCase].make().value();
    readRecords(*reader, bytes);
}

template <std::size_t... kCases>
std::vector<Parser> readers(std::index_sequence<kCases...>) {
    std::vector<Parser> all;
    const auto add = [&](const ReaderCase& tried, void (*parse)(std::string_view)) {
        all.push_back({"reader_" + tried.name, parse, tried.seeds});
    };
    (add(readerCases()[kCases], parseRecords<kCases>), ...);
    return all;
}

void broken(const std::string& what) { require(false, what.c_str()); }

void parseExpressionText(std::string_view bytes) {
    (void)rows::test::trySql("e" + std::string(bytes), broken);
}
void parseQuery(std::string_view bytes) {
    (void)rows::test::trySql("r" + std::string(bytes), broken);
}

void parseValues(std::string_view bytes) {
    std::int64_t integer = 0;
    double number = 0;
    std::uint8_t truth = 0;
    (void)parseInt(bytes, integer);
    (void)parseFloat(bytes, number);
    if (parseBool(bytes, truth) == Parsed::kValue) require(truth <= 1, "a truth that is none");
    (void)parseTime(bytes, integer);
    (void)isJson(bytes);
    (void)expressions::parseInterval(bytes);
}

// A format, a line end, a text.
void parseTimeFormat(std::string_view bytes) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const auto format = TimeFormat::compile(bytes.substr(0, end));
    if (!format) return require(!format.error().message.empty(), "a refusal without a reason");
    std::int64_t micros = 0;
    const auto text = bytes.substr(std::min(end + 1, bytes.size()));
    (void)format->parse(text, micros);
    (void)format->parse(text, micros, 1'718'409'600'000'000);
}

void parseAggregate(std::string_view bytes) {
    const auto call = parseAggregateCall(bytes);
    if (!call) return require(!call.error().message.empty(), "a refusal without a reason");
    for (const auto type : {Type::kInt, Type::kFloat, Type::kText, Type::kTime, Type::kJson})
        (void)makeAccumulator(*call, type, false);
}

void parseTemplate(std::string_view bytes) {
    const auto& table = rows::test::edgesOfTypes();
    const auto format = makeTemplateFormat(std::string(bytes), table.schema());
    if (!format) return require(!format.error().message.empty(), "a refusal without a reason");
    const Chunk chunk = table.chunk();
    std::string line;
    for (std::size_t row = 0; row < chunk.rows; ++row) (*format)->append(line, {}, chunk, row);
    require(line.ends_with('\n'), "a line without its end");
}

// The first byte chooses the types of the key's columns.
void parseKey(std::string_view bytes) {
    const auto types = takeByte(bytes);
    std::vector<ColumnBuffer> columns;
    columns.emplace_back(static_cast<Type>(types % kTypes));
    columns.emplace_back(static_cast<Type>(types / kTypes % kTypes));
    if (!decodeKey(bytes, 0, columns)) return;
    const std::vector<Column> decoded{columns[0].column(), columns[1].column()};
    Chunk chunk;
    chunk.rows = chunk.selectedCount = 1;
    chunk.columns = decoded;
    KeyEncoder encoder({0, 1});
    const std::string again(encoder.encode(chunk)[0]);
    std::vector<ColumnBuffer> more;
    for (const auto& column : columns) more.emplace_back(column.type());
    require(decodeKey(again, 0, more), "a key that is not taken again");
}

void parseSketches(std::string_view bytes) {
    if (auto sketch = DistinctSketch::decode(bytes)) {
        auto sum = *sketch;
        sum.merge(*sketch);
    }
    if (auto sketch = PercentileSketch::decode(bytes)) {
        auto sum = *sketch;
        sum.merge(*sketch);
    }
}

}  // namespace

std::vector<Parser> rowParsers() {
    static_assert(sizeof(std::size_t) == 8);
    auto all = readers(std::make_index_sequence<9>());
    require(all.size() == readerCases().size(), "a reader has no parser here");
    const std::vector<Parser> others{
        {"expression",
         parseExpressionText,
         {"i + 1 > 2 and t like 'a%'", "case when b then cast(t as int) else null end"}},
        {"query",
         parseQuery,
         {"select i, count(*) as n from r group by i having count(*) > 1 order by n desc limit 3",
          "select r.i from r join q on r.i = q.i where r.t <> 'x'"}},
        {"values",
         parseValues,
         {"-9223372036854775808", "1.5e-308", "true", "2024-02-29T23:59:59.5Z", "{\"a\":[1]}",
          "1 day 2 hours"}},
        {"time_format",
         parseTimeFormat,
         {"%Y-%m-%d %H:%M:%S\n2024-02-29 23:59:59", "%b %e\nMar 1"}},
        {"aggregate", parseAggregate, {"sum(bytes)", "top(3, path)", "count(distinct user)"}},
        {"template", parseTemplate, {"{batch}: {{}}"}},
        {"row_key", parseKey, {std::string("\x03\x01\x02hi", 5)}},
        {"sketch", parseSketches, {}},
    };
    all.insert(all.end(), others.begin(), others.end());
    return all;
}

}  // namespace tidemill::fuzz
