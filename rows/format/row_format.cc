#include "rows/format/row_format.h"

#include <algorithm>
#include <optional>

#include "rows/format/value_text.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

class JsonFormat final : public RowFormat {
public:
    explicit JsonFormat(const Schema& schema) {
        for (const auto& column : schema.columns()) names_.push_back(column.name);
        const auto has = [&](std::string_view name) {
            return std::any_of(names_.begin(), names_.end(), [&](const std::string& column) {
                return column == name || column == std::string(name) + "_base64";
            });
        };
        if (has("batch") || has("time")) {
            batch_ = "_batch";
            time_ = "_time";
        }
    }
    void append(std::string& out, const BatchStamp& stamp, const Chunk& chunk,
                std::size_t row) const override {
        out += "{\"" + batch_ + "\": " + std::to_string(stamp.batch) + ", \"" + time_ +
               "\": " + std::to_string(stamp.timeMillis);
        for (std::size_t i = 0; i < names_.size(); ++i) {
            out += ", ";
            appendJsonMember(out, names_[i], chunk.columns[i], row);
        }
        out += "}\n";
    }
    std::string describe() const override {
        return "each line with \"" + batch_ + "\" and \"" + time_ + "\"";
    }

private:
    std::vector<std::string> names_;
    std::string batch_ = "batch", time_ = "time";
};

class CsvFormat final : public RowFormat {
public:
    explicit CsvFormat(const Schema& schema) {
        for (const auto& column : schema.columns()) {
            if (!header_.empty()) header_ += ',';
            appendField(header_, column.name);
        }
        header_ += "\r\n";
    }
    std::string header() const override { return header_; }
    void append(std::string& out, const BatchStamp&, const Chunk& chunk,
                std::size_t row) const override {
        std::string value;
        for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
            if (i != 0) out += ',';
            if (chunk.columns[i].isNull(row)) continue;
            value.clear();
            appendValue(value, chunk.columns[i], row);
            appendField(out, value);
        }
        out += "\r\n";
    }
    std::string describe() const override { return "csv"; }

private:
    static void appendField(std::string& out, const std::string& value) {
        if (!value.empty() && value.find_first_of("\",\r\n") == value.npos) {
            out += value;
            return;
        }
        out += '"';
        for (const char c : value) {
            out += c;
            if (c == '"') out += c;
        }
        out += '"';
    }
    std::string header_;
};

class TsvFormat final : public RowFormat {
public:
    explicit TsvFormat(const Schema& schema) {
        for (const auto& column : schema.columns()) {
            if (!header_.empty()) header_ += '\t';
            appendField(header_, column.name);
        }
        header_ += '\n';
    }
    std::string header() const override { return header_; }
    void append(std::string& out, const BatchStamp&, const Chunk& chunk,
                std::size_t row) const override {
        std::string value;
        for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
            if (i != 0) out += '\t';
            value.clear();
            appendValue(value, chunk.columns[i], row);
            if (chunk.columns[i].isNull(row)) out += "\\N";
            else appendField(out, value);
        }
        out += '\n';
    }
    std::string describe() const override { return "tsv"; }

private:
    static void appendField(std::string& out, const std::string& value) {
        for (const char c : value) {
            constexpr std::string_view kBytes = "\t\n\r\\", kLetters = "tnr\\";
            if (const auto at = kBytes.find(c); at != kBytes.npos) {
                out += '\\';
                out += kLetters[at];
            } else {
                out += c;
            }
        }
    }
    std::string header_;
};

class TemplateFormat final : public RowFormat {
public:
    enum class Value { kText, kColumn, kBatch, kTime };
    struct Part {
        Value value = Value::kText;
        std::string text;
        std::size_t place = 0;
    };
    explicit TemplateFormat(std::vector<Part> parts) : parts_(std::move(parts)) {}
    void append(std::string& out, const BatchStamp& stamp, const Chunk& chunk,
                std::size_t row) const override {
        for (const auto& part : parts_) {
            switch (part.value) {
                case Value::kText: out += part.text; break;
                case Value::kColumn: appendValue(out, chunk.columns[part.place], row); break;
                case Value::kBatch: out += std::to_string(stamp.batch); break;
                case Value::kTime: out += std::to_string(stamp.timeMillis); break;
            }
        }
        out += '\n';
    }
    std::string describe() const override { return "by a template"; }

private:
    const std::vector<Part> parts_;
};

Result<TemplateFormat::Part> placeholder(const std::string& name, const Schema& schema) {
    using Value = TemplateFormat::Value;
    if (const auto place = schema.find(name))
        return TemplateFormat::Part{Value::kColumn, {}, *place};
    if (name == "batch") return TemplateFormat::Part{Value::kBatch, {}, 0};
    if (name == "time") return TemplateFormat::Part{Value::kTime, {}, 0};
    return fail(schema.indexOf(name).error());
}

}  // namespace

Result<std::shared_ptr<const RowFormat>> makeJsonFormat(const Schema& schema) {
    for (const char* reserved : {"_batch", "_time"})
        if (schema.find(reserved))
            return fail(ErrorKind::kInvalid, "the name \"" + std::string(reserved) +
                                                 "\" is reserved for what lines of JSON say of "
                                                 "their batch: rename the field");
    return std::make_shared<JsonFormat>(schema);
}

std::shared_ptr<const RowFormat> makeCsvFormat(const Schema& schema) {
    return std::make_shared<CsvFormat>(schema);
}
std::shared_ptr<const RowFormat> makeTsvFormat(const Schema& schema) {
    return std::make_shared<TsvFormat>(schema);
}

Result<std::shared_ptr<const RowFormat>> makeTemplateFormat(const std::string& text,
                                                            const Schema& schema) {
    std::vector<TemplateFormat::Part> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
            parts.back().text += c;
            ++i;
        } else if (c == '{') {
            const auto end = text.find('}', i);
            if (end == text.npos)
                return fail(ErrorKind::kInvalid, "the template's \"" + text.substr(i) +
                                                     "\" is not closed by \"}\"; write {{ for a "
                                                     "brace");
            TM_ASSIGN(auto part, placeholder(text.substr(i + 1, end - i - 1), schema));
            parts.push_back(std::move(part));
            parts.emplace_back();
            i = end;
        } else if (c == '}') {
            return fail(ErrorKind::kInvalid,
                        "the template has a \"}\" without \"{\"; write }} for "
                        "a brace");
        } else {
            parts.back().text += c;
        }
    }
    return std::make_shared<TemplateFormat>(std::move(parts));
}

}  // namespace tidemill::rows
