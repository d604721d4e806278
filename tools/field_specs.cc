#include "tools/field_specs.h"

#include "rows/format/value_text.h"
#include "rows/front_end.h"

namespace tidemill::tools {
namespace {

using rows::FieldSpec;
using rows::ReadBy;
using rows::Type;

class FieldsReader {
public:
    FieldsReader(TomlTable& table, JobFileErrors& errors) : table_(table), errors_(errors) {}

    FieldsSpec read() {
        const auto by = table_.choice("by", rows::readByNames());
        if (by) how_.by = static_cast<ReadBy>(*by);
        const std::size_t errorsBefore = errors_.count();
        for (const auto& [name, node] :
             table_.members("fields", rows::readyFields(how_.by).empty()))
            how_.fields.push_back(field(name, *node));
        if (by) readWay();
        if (!by || errors_.count() != errorsBefore) return std::move(spec_);
        auto reader = rows::makeReader(std::move(how_));
        if (reader) spec_.reader = std::move(*reader);
        else errors_.add(table_.at("fields"), reader.error().message);
        return std::move(spec_);
    }

private:
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
        if (!isTyped && rows::completeType(how_.by, field)) spec_.loose.push_back(name);
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
            field.place = (how_.by == ReadBy::kJson ? "/" : "") + field.name;
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

    void readWay() {
        switch (how_.by) {
            case ReadBy::kSplit: how_.separator = table_.text("separator", ""); return;
            case ReadBy::kRegex: how_.pattern = table_.requiredText("pattern"); return;
            case ReadBy::kCsv: return csv();
            case ReadBy::kKeyValue:
                how_.pairSeparator = table_.text("pair_separator", " ");
                how_.valueSeparator = table_.text("value_separator", "=");
                return;
            default: return;
        }
    }

    void csv() {
        auto& options = how_.csv;
        const std::string separator = table_.text("separator", ",");
        if (separator.size() == 1) options.separator = separator.front();
        else errors_.add(table_.at("separator"), "the separator of csv must be one byte");
        options.trim = table_.boolean("trim", false);
        spec_.csv = CsvRecords{options.separator, options.trim};
        options.header = table_.texts("header");
    }

    TomlTable& table_;
    JobFileErrors& errors_;
    rows::ReaderSpec how_;
    FieldsSpec spec_;
};

}  // namespace

FieldsSpec readFields(TomlTable& table, JobFileErrors& errors) {
    return FieldsReader(table, errors).read();
}

}  // namespace tidemill::tools
