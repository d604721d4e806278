// The examples of docs/fields.md: records through the reader that the page's TOML says.
#include <toml++/toml.h>

#include <fstream>

#include "rows/readers/access_log_reader.h"
#include "rows/readers/csv_reader.h"
#include "rows/readers/json_reader.h"
#include "rows/readers/key_value_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "rows/readers/split_reader.h"
#include "rows/readers/syslog_reader.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

// A number, a truth or a text, as text.
std::string asText(const toml::node& node) {
    if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
    if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
    return node.value_or(std::string());
}

Type typeOf(const std::string& name) {
    for (std::uint8_t type = 0; type < kTypes; ++type)
        if (toString(static_cast<Type>(type)) == name) return static_cast<Type>(type);
    ADD_FAILURE() << "no type " << name;
    return Type::kText;
}

// In the order of the page: TOML tables have none.
std::vector<FieldSpec> fieldsOf(const toml::table& page) {
    std::vector<std::pair<toml::source_index, FieldSpec>> placed;
    for (const auto& [key, node] : *page["fields"].as_table()) {
        FieldSpec spec;
        spec.name = std::string(key.str());
        if (const auto* table = node.as_table()) {
            for (const auto& [name, value] : *table) {
                if (name == "at") spec.place = asText(value);
                if (name == "type") spec.type = typeOf(asText(value));
                if (name == "null") spec.nullText = asText(value);
                if (name == "default") spec.defaultText = asText(value);
                if (name == "optional") spec.optional = asText(value) == "true";
                if (name == "format") spec.format = asText(value);
            }
        } else {
            spec.place = asText(node);
        }
        placed.emplace_back(node.source().begin.line, std::move(spec));
    }
    std::sort(placed.begin(), placed.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<FieldSpec> fields;
    for (auto& [line, spec] : placed) fields.push_back(std::move(spec));
    return fields;
}

MadeReader readerOf(const toml::table& page) {
    const auto fields = fieldsOf(page);
    const std::string by = page["by"].value_or(std::string());
    const std::string separator = page["separator"].value_or(std::string());
    if (by == "split") return makeSplitReader(fields, {separator});
    if (by == "csv") {
        CsvOptions options;
        if (!separator.empty()) options.separator = separator[0];
        for (const auto& name : *page["header"].as_array()) options.header.push_back(asText(name));
        return makeCsvReader(fields, options);
    }
    if (by == "regex") return makeRegexReader(fields, {page["pattern"].value_or(std::string())});
    if (by == "json") return makeJsonReader(fields);
    if (by == "logfmt") return makeLogfmtReader(fields);
    if (by == "key_value")
        return makeKeyValueReader(fields, {page["pair_separator"].value_or(std::string()),
                                           page["value_separator"].value_or(std::string())});
    if (by == "combined") return makeAccessLogReader(AccessLog::kCombined, fields);
    if (by == "syslog") return makeSyslogReader(fields);
    return core::fail(core::ErrorKind::kInvalid, "by = " + by);
}

std::string objectOf(const MadeReader& reader, std::string_view record) {
    core::Arena arena;
    RowFailures failures;
    const auto rowReader = (*reader)->makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));  // 2024-06-15
    const std::string_view records[] = {record};
    const auto columns = rowReader->read(records, arena, failures);
    if (!failures.all().empty()) return failures.all().front().second;
    if (failures.failed(0)) return "left out";
    std::string object = "{";
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) object += ", ";
        appendJsonText(object, (*reader)->schema()[i].name);
        object += ": ";
        appendJson(object, columns[i], 0);
    }
    return object + "}";
}

TEST(FieldsPage, EveryExampleGivesTheRowsThatItSays) {
    std::ifstream page(TIDEMILL_FIELDS_PAGE);
    ASSERT_TRUE(page);
    std::string line;
    std::string fence;  // of the block that is open
    std::string toml;
    std::string record;
    MadeReader reader = core::fail(core::ErrorKind::kInvalid, "no TOML yet");
    std::size_t readers = 0;
    std::size_t records = 0;
    while (std::getline(page, line)) {
        if (line.starts_with("```")) {
            if (fence == "```toml") {
                reader = readerOf(toml::parse(toml));
                ASSERT_TRUE(reader) << reader.error().message << "\n" << toml;
                ++readers;
            }
            fence = fence.empty() ? line : "";
            toml.clear();
        } else if (fence == "```toml") {
            toml += line + "\n";
        } else if (fence == "```" && line.starts_with("> ")) {
            record = line.substr(2);
        } else if (fence == "```") {
            EXPECT_EQ(objectOf(reader, record), line) << record;
            ++records;
        }
    }
    EXPECT_EQ(readers, 9u);
    EXPECT_EQ(records, 26u);
}

}  // namespace
}  // namespace tidemill::rows
