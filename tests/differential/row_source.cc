#include "tests/differential/row_source.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace tidemill::rows::test {
namespace {

enum class By { kSplit, kCsv, kJson, kLogfmt, kKeyValue, kRegex };
constexpr const char* kWords[] = {"split", "csv", "json", "logfmt", "key_value", "regex"};

class Source {
public:
    Source(Draw& draw, By by) : draw_(draw), by_(by) {}

    DrawnSource made(std::int64_t rowsMax) {
        source_.kind = kWords[static_cast<std::size_t>(by_)];
        drawFields();
        describe();
        const auto variety = draw_.number(1, 40);
        for (const auto tick : draw_.ticks) {
            auto& rows = source_.made.history[tick];
            auto& text = source_.text[tick];
            if (draw_.oneIn(5)) continue;
            for (auto left = draw_.number(0, rowsMax); left > 0; --left) add(rows, text, variety);
        }
        return std::move(source_);
    }

private:
    void drawFields() {
        std::vector<Field> all{{"i", Type::kInt},  {"j", Type::kInt},  {"x", Type::kFloat},
                               {"s", Type::kText}, {"t", Type::kText}, {"b", Type::kBool},
                               {"w", Type::kTime}, {"d", Type::kJson}};
        if (by_ == By::kRegex) all.pop_back();  // its pattern is simple
        std::shuffle(all.begin(), all.end(), draw_.random);
        all.resize(
            static_cast<std::size_t>(draw_.number(2, static_cast<std::int64_t>(all.size()))));
        source_.made.fields = std::move(all);
    }

    void describe() {
        auto& toml = source_.toml;
        toml = "do = \"fields\"\nby = \"" + source_.kind + "\"\n";
        if (by_ == By::kSplit) toml += "separator = \";\"\n";
        if (by_ == By::kKeyValue) toml += "pair_separator = \";\"\nvalue_separator = \":\"\n";
        if (by_ == By::kRegex) {
            toml += "pattern = '^";
            for (std::size_t i = 0; i < fields().size(); ++i)
                toml += i == 0 ? "([^;]*)" : ";([^;]*)";
            toml += "$'\n";
        }
        toml += "fields = {";
        for (std::size_t i = 0; i < fields().size(); ++i) {
            const auto& [name, type] = fields()[i];
            toml += (i == 0 ? "" : ", ") + name + " = {at = ";
            if (by_ == By::kSplit || by_ == By::kCsv || by_ == By::kRegex)
                toml += std::to_string(i + 1);
            else toml += by_ == By::kJson ? "\"/" + name + "\"" : "\"" + name + "\"";
            toml += std::string(", type = \"") + toString(type) + "\"";
            if (by_ != By::kJson) toml += ", null = \"~\"";
            toml += "}";
        }
        toml += "}";
    }

    const std::vector<Field>& fields() const { return source_.made.fields; }

    Cell cell(const Field& field, std::int64_t variety) {
        if (draw_.oneIn(8)) return {};
        switch (field.type) {
            case Type::kInt:
                if (field.name == "j" && draw_.oneIn(8))
                    return draw_.oneIn(2) ? std::numeric_limits<std::int64_t>::max()
                                          : std::numeric_limits<std::int64_t>::min();
                return draw_.number(-3, variety);
            case Type::kFloat: {
                if (draw_.oneIn(20)) return std::numeric_limits<double>::quiet_NaN();
                if (draw_.oneIn(30)) return std::numeric_limits<double>::infinity();
                if (draw_.oneIn(30)) return -0.0;
                return static_cast<double>(draw_.number(-80, 8 * variety)) / 8;
            }
            case Type::kBool: return draw_.oneIn(2);
            case Type::kTime: return draw_.one(kTimes).micros;
            case Type::kText: return text(variety);
            case Type::kJson: break;
        }
        static const std::vector<std::string> kValues{"[]", "[1,2]",      R"(["b",{"c":[1]},null])",
                                                      "7",  R"({"a":1})", "[[\"x,y\"]]"};
        return draw_.one(kValues);
    }

    std::string text(std::int64_t variety) {
        static const std::vector<std::string> kPieces{"a", "b", "ab", "\xC3\xBC", "A", "cab"};
        if (draw_.oneIn(10) && by_ != By::kLogfmt) return "";
        if (draw_.oneIn(10) && (by_ == By::kCsv || by_ == By::kJson)) return "say \"b\", ;";
        std::string text = draw_.one(kPieces);
        if (variety > 10) text += std::to_string(draw_.number(0, variety));
        if (draw_.oneIn(12)) text += " and a text that is no short one";
        return text;
    }

    void add(std::vector<Cells>& rows, std::string& text, std::int64_t variety) {
        Cells row;
        for (const auto& field : fields()) row.push_back(cell(field, variety));
        std::string line;
        bool isRecord = true;
        if (draw_.oneIn(25)) {
            isRecord = false;
            ++draw_.counts["line that is no record"];
        }
        nlohmann::json object;
        for (std::size_t i = 0; i < row.size(); ++i) {
            // One value of the row is none of its type, or the record ends too early.
            std::string value = written(row[i], fields()[i].type);
            if (!isRecord && i == 0) {
                if (fields()[0].type == Type::kText) {
                    line = "";
                    break;
                }
                value = "q";
            }
            append(line, object, fields()[i], row[i], value);
        }
        if (by_ == By::kJson) line = !isRecord ? "{\"q\": " : object.dump();
        if (isRecord) rows.push_back(std::move(row));
        text += line + "\n";
    }

    static std::string written(const Cell& cell, Type type) {
        if (isNull(cell)) return "~";
        switch (type) {
            case Type::kInt: return std::to_string(std::get<std::int64_t>(cell));
            case Type::kFloat: {
                char text[40];
                const auto end =
                    std::to_chars(text, text + sizeof text, std::get<double>(cell)).ptr;
                return std::string(text, end);
            }
            case Type::kBool: return std::get<bool>(cell) ? "true" : "false";
            case Type::kTime:
                for (const auto& time : kTimes)
                    if (time.micros == std::get<std::int64_t>(cell)) return time.text;
                return "";
            case Type::kText:
            case Type::kJson: break;
        }
        return std::get<std::string>(cell);
    }

    void append(std::string& line, nlohmann::json& object, const Field& field, const Cell& cell,
                const std::string& value) {
        const auto inQuotes = [&](const char* quote) {
            std::string text = "\"";
            for (const char c : value) text += c == '"' ? quote : std::string(1, c);
            return text + '"';
        };
        const std::string separator = line.empty() && &field == &fields()[0] ? "" : ";";
        switch (by_) {
            case By::kSplit:
            case By::kRegex: line += separator + value; return;
            case By::kCsv:
                if (&field != &fields()[0]) line += ',';
                line += !isNull(cell) && isTextual(field.type) ? inQuotes("\"\"") : value;
                return;
            case By::kKeyValue: line += separator + field.name + ":" + value; return;
            case By::kLogfmt:
                if (!line.empty()) line += ' ';
                line += field.name + "=" +
                        (!isNull(cell) && isTextual(field.type) ? inQuotes("\\\"") : value);
                return;
            case By::kJson: break;
        }
        auto& member = object[field.name];
        if (isNull(cell)) return;
        if (field.type == Type::kFloat && (value == "nan" || value == "inf"))
            member = value == "nan" ? "NaN" : "Infinity";
        else if (field.type == Type::kText || field.type == Type::kTime) member = value;
        else member = nlohmann::json::parse(value, nullptr, false);
    }

    Draw& draw_;
    const By by_;
    DrawnSource source_;
};

}  // namespace

DrawnSource drawSource(Draw& draw, std::int64_t rowsMax) {
    return Source(draw, static_cast<By>(draw.number(0, 5))).made(rowsMax);
}

}  // namespace tidemill::rows::test
