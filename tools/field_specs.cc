#include "tools/field_specs.h"

#include <algorithm>

#include "rows/format/value_text.h"
#include "rows/readers/access_log_reader.h"
#include "rows/readers/csv_reader.h"
#include "rows/readers/json_reader.h"
#include "rows/readers/key_value_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "rows/readers/split_reader.h"
#include "rows/readers/syslog_reader.h"

namespace tidemill::tools {
namespace {

using rows::FieldSpec;
using rows::Type;

enum class By { kSplit, kRegex, kCsv, kJson, kLogfmt, kKeyValue, kClf, kCombined, kSyslog };

class FieldsReader {
public:
    FieldsReader(TomlTable& table, JobFileErrors& errors) : table_(table), errors_(errors) {}

    FieldsSpec read() {
        const auto by = table_.choice("by", {"split", "regex", "csv", "json", "logfmt", "key_value",
                                             "clf", "combined", "syslog"});
        if (by) by_ = static_cast<By>(*by);
        std::vector<FieldSpec> ready;
        if (by_ == By::kClf) ready = rows::accessLogFields(rows::AccessLog::kCommon);
        if (by_ == By::kCombined) ready = rows::accessLogFields(rows::AccessLog::kCombined);
        if (by_ == By::kSyslog) ready = rows::syslogFields();
        known_ = ready;
        const std::size_t errorsBefore = errors_.count();
        const auto members = table_.members("fields", ready.empty());
        std::vector<FieldSpec> fields;
        for (const auto& [name, node] : members) fields.push_back(field(name, *node));
        if (members.empty()) fields = std::move(ready);
        auto reader = made(by.has_value(), std::move(fields));
        if (!by || errors_.count() != errorsBefore || !reader) return std::move(spec_);
        if (*reader) spec_.reader = std::move(**reader);
        else errors_.add(table_.at("fields"), reader->error().message);
        return std::move(spec_);
    }

private:
    using Made = core::Result<std::shared_ptr<const rows::Reader>>;

    // A place, or a table with one: {at = 10, type = "int", null = "-"}.
    FieldSpec field(const std::string& name, const toml::node& node) {
        FieldSpec field;
        field.name = name;
        bool isTyped = false;
        if (const auto place = placeOf(node)) {
            field.place = *place;
        } else if (const auto* details = node.as_table()) {
            TomlTable inner(*details, "the field \"" + name + "\"", errors_);
            isTyped = readDetails(inner, field);
            inner.finish();
        } else {
            errors_.add(positionOf(node), "the field \"" + name +
                                              "\" must be a place, such as 3 or \"/name\" (without "
                                              "NUL bytes), or a table, such as {at = 3, type = "
                                              "\"int\"}");
        }
        if (isTyped) return field;
        const auto ready = std::find_if(known_.begin(), known_.end(), [&](const auto& known) {
            return known.place == field.place || known.name == field.place;
        });
        if (ready != known_.end()) {
            field.type = ready->type;
            return field;
        }
        if (by_ == By::kJson) field.type = Type::kJson;
        spec_.loose.push_back(name);
        return field;
    }

    // None: it is neither a number nor a text without NUL bytes.
    static std::optional<std::string> placeOf(const toml::node& node) {
        if (const auto* text = node.as_string()) return plain(text->get());
        if (const auto* number = node.as_integer()) return std::to_string(number->get());
        return std::nullopt;
    }

    static std::optional<std::string> plain(const std::string& text) {
        if (text.find('\0') != std::string::npos) return std::nullopt;
        return text;
    }

    // True when it says a type.
    bool readDetails(TomlTable& inner, FieldSpec& field) {
        if (const auto* at = inner.node("at")) {
            const auto place = placeOf(*at);
            if (place) field.place = *place;
            else
                errors_.add(positionOf(*at),
                            "at must be a position or a name in quotes, without NUL bytes");
        } else {
            field.place = (by_ == By::kJson ? "/" : "") + field.name;
        }
        if (inner.has("null")) field.nullText = inner.text("null", "");
        if (const auto* value = inner.node("default")) field.defaultText = textOf(*value);
        field.optional = inner.boolean("optional", false);
        field.format = inner.text("format", "");
        if (!inner.has("type")) {
            if (field.format.empty()) return false;
            field.type = Type::kTime;
            return true;
        }
        const auto type = inner.choice("type", {"int", "float", "bool", "text", "time", "json"});
        if (type) field.type = static_cast<Type>(*type);
        return true;
    }

    std::string textOf(const toml::node& node) {
        if (const auto place = placeOf(node)) return *place;
        if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
        if (const auto* real = node.as_floating_point()) {
            std::string text;
            rows::appendFloat(text, real->get());
            return text;
        }
        errors_.add(positionOf(node),
                    "default must be a value: a number, a text without NUL bytes, true or "
                    "false");
        return {};
    }

    std::optional<Made> made(bool isKnown, std::vector<FieldSpec> fields) {
        if (!isKnown) return std::nullopt;
        switch (by_) {
            case By::kSplit:
                return rows::makeSplitReader(std::move(fields), {table_.text("separator", "")});
            case By::kRegex:
                return rows::makeRegexReader(std::move(fields), {table_.requiredText("pattern")});
            case By::kCsv: return csv(std::move(fields));
            case By::kJson: return rows::makeJsonReader(std::move(fields));
            case By::kLogfmt: return rows::makeLogfmtReader(std::move(fields));
            case By::kKeyValue:
                return rows::makeKeyValueReader(
                    std::move(fields),
                    {table_.text("pair_separator", " "), table_.text("value_separator", "=")});
            case By::kClf:
                return rows::makeAccessLogReader(rows::AccessLog::kCommon, std::move(fields));
            case By::kCombined:
                return rows::makeAccessLogReader(rows::AccessLog::kCombined, std::move(fields));
            case By::kSyslog: break;
        }
        return rows::makeSyslogReader(std::move(fields));
    }

    Made csv(std::vector<FieldSpec> fields) {
        rows::CsvOptions options;
        const std::string separator = table_.text("separator", ",");
        if (separator.size() == 1) options.separator = separator.front();
        else errors_.add(table_.at("separator"), "the separator of csv must be one byte");
        options.trim = table_.boolean("trim", false);
        spec_.csv = CsvRecords{options.separator, options.trim};
        options.header = table_.texts("header");
        // The header line itself, as it stands in the file.
        if (options.header.size() == 1) {
            TM_ASSIGN(options.header, rows::csvFields(options.header.front(), options));
        }
        return rows::makeCsvReader(std::move(fields), std::move(options));
    }

    TomlTable& table_;
    JobFileErrors& errors_;
    By by_ = By::kSplit;
    std::vector<FieldSpec> known_;  // of ready-made ways
    FieldsSpec spec_;
};

}  // namespace

FieldsSpec readFields(TomlTable& table, JobFileErrors& errors) {
    return FieldsReader(table, errors).read();
}

}  // namespace tidemill::tools
