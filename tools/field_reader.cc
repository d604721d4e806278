#include "tools/field_reader.h"

#include <re2/re2.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

[[noreturn]] void lacks(const FieldSpec& field, const std::string& what) {
    throw std::runtime_error("field \"" + field.name + "\" (" + field.place + "): " + what);
}

std::optional<std::size_t> positionIn(const std::string& place) {
    std::size_t position = 0;
    const auto end = place.data() + place.size();
    const auto read = std::from_chars(place.data(), end, position);
    if (read.ec != std::errc() || read.ptr != end || position == 0) return std::nullopt;
    return position;
}

// Fields that a function cuts a line into, taken by their positions.
class ByPosition final : public FieldReader {
public:
    using Cut = std::vector<std::string> (*)(std::string_view line, const std::string& separator);

    ByPosition(Cut cut, std::string separator, std::vector<FieldSpec> fields,
               std::vector<std::size_t> positions)
        : cut_(cut),
          separator_(std::move(separator)),
          fields_(std::move(fields)),
          positions_(std::move(positions)) {}

    Row read(std::string_view line) const override {
        auto parts = cut_(line, separator_);
        Row row;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (positions_[i] > parts.size())
                lacks(fields_[i], "the line has " + std::to_string(parts.size()) + " fields");
            row.fields.push_back(textField(parts[positions_[i] - 1]));
        }
        return row;
    }

private:
    Cut cut_;
    std::string separator_;
    std::vector<FieldSpec> fields_;
    std::vector<std::size_t> positions_;
};

std::vector<std::string> cutAt(std::string_view line, const std::string& separator) {
    std::vector<std::string> parts;
    if (separator.empty()) {
        constexpr std::string_view kSpace = " \t\n\v\f\r";
        for (auto begin = line.find_first_not_of(kSpace); begin != line.npos;) {
            const auto end = line.find_first_of(kSpace, begin);
            parts.emplace_back(line.substr(begin, end - begin));
            begin = line.find_first_not_of(kSpace, end);
        }
        return parts;
    }
    for (std::size_t begin = 0;;) {
        const auto end = line.find(separator, begin);
        parts.emplace_back(line.substr(begin, end - begin));
        if (end == line.npos) return parts;
        begin = end + separator.size();
    }
}

// RFC 4180, without line breaks in fields: a record is a line.
std::vector<std::string> cutCsv(std::string_view line, const std::string&) {
    std::vector<std::string> parts(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
            parts.back() += line[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    if (quoted) throw std::runtime_error("a quote of the CSV line is not closed");
    return parts;
}

class ByRegex final : public FieldReader {
public:
    ByRegex(std::unique_ptr<re2::RE2> pattern, std::vector<FieldSpec> fields,
            std::vector<std::size_t> groups)
        : pattern_(std::move(pattern)), fields_(std::move(fields)), groups_(std::move(groups)) {}

    Row read(std::string_view line) const override {
        std::vector<re2::StringPiece> found(
            static_cast<std::size_t>(pattern_->NumberOfCapturingGroups()) + 1);
        if (!pattern_->Match(re2::StringPiece(line.data(), line.size()), 0, line.size(),
                             re2::RE2::UNANCHORED, found.data(), static_cast<int>(found.size())))
            throw std::runtime_error("the line does not match \"" + pattern_->pattern() + "\"");
        Row row;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            const auto& piece = found[groups_[i]];
            if (piece.data() == nullptr) lacks(fields_[i], "the group took no part in the match");
            row.fields.push_back(textField({piece.data(), piece.size()}));
        }
        return row;
    }

private:
    std::unique_ptr<re2::RE2> pattern_;
    std::vector<FieldSpec> fields_;
    std::vector<std::size_t> groups_;
};

// A document whose whole numbers keep their digits when 64 bits do not hold them, as what text
// cannot give otherwise: bytes.
class ExactNumbers : public nlohmann::detail::json_sax_dom_parser<nlohmann::json> {
public:
    using Base = nlohmann::detail::json_sax_dom_parser<nlohmann::json>;
    explicit ExactNumbers(nlohmann::json& into) : Base(into, false) {}
    bool number_float(double number, const std::string& text) {
        if (text.find_first_not_of("-0123456789") != text.npos)
            return Base::number_float(number, text);
        nlohmann::json::binary_t digits({text.begin(), text.end()});
        return Base::binary(digits);
    }
};

// Discarded when the line is no JSON.
nlohmann::json parsedJson(std::string_view line) {
    nlohmann::json document;
    ExactNumbers handler(document);
    if (!nlohmann::json::sax_parse(line, &handler) || handler.is_errored())
        return nlohmann::json(nlohmann::json::value_t::discarded);
    return document;
}

class ByJsonPointer final : public FieldReader {
public:
    ByJsonPointer(std::vector<FieldSpec> fields, std::vector<nlohmann::json::json_pointer> pointers)
        : fields_(std::move(fields)), pointers_(std::move(pointers)) {}

    Row read(std::string_view line) const override {
        const auto document = parsedJson(line);
        if (document.is_discarded()) throw std::runtime_error("the line is no JSON");
        Row row;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (!document.contains(pointers_[i])) lacks(fields_[i], "the JSON has nothing there");
            row.fields.push_back(fieldOf(document.at(pointers_[i]), fields_[i]));
        }
        return row;
    }

private:
    static Field fieldOf(const nlohmann::json& value, const FieldSpec& field) {
        if (value.is_string()) return textField(value.get_ref<const std::string&>());
        if (value.is_number()) return {Field::Kind::kNumber, value.dump()};
        if (value.is_binary()) {
            const auto& digits = value.get_binary();
            return {Field::Kind::kNumber, std::string(digits.begin(), digits.end())};
        }
        if (value.is_boolean()) return {Field::Kind::kJson, value.dump()};
        lacks(field, "must be a text, a number or true or false, but is " +
                         std::string(value.type_name()));
    }

    std::vector<FieldSpec> fields_;
    std::vector<nlohmann::json::json_pointer> pointers_;
};

Result<std::shared_ptr<const FieldReader>> makeByPosition(ByPosition::Cut cut,
                                                          const std::string& separator,
                                                          const std::vector<FieldSpec>& fields) {
    std::vector<std::size_t> positions;
    for (const auto& field : fields) {
        const auto position = positionIn(field.place);
        if (!position)
            return fail(ErrorKind::kInvalid, "field \"" + field.name + "\" is at \"" + field.place +
                                                 "\", but must be at a position, counted from 1");
        positions.push_back(*position);
    }
    return std::make_shared<ByPosition>(cut, separator, fields, std::move(positions));
}

Result<std::shared_ptr<const FieldReader>> makeByRegex(const std::string& text,
                                                       const std::vector<FieldSpec>& fields) {
    auto pattern = std::make_unique<re2::RE2>(text, re2::RE2::Quiet);
    if (!pattern->ok())
        return fail(ErrorKind::kInvalid,
                    "\"" + text + "\" is no regular expression: " + pattern->error());
    const auto count = static_cast<std::size_t>(pattern->NumberOfCapturingGroups());
    const auto& names = pattern->NamedCapturingGroups();
    std::vector<std::size_t> groups;
    for (const auto& field : fields) {
        const auto position = positionIn(field.place);
        const auto named = names.find(field.place);
        if (named == names.end() && (!position || *position > count))
            return fail(ErrorKind::kInvalid, "field \"" + field.name + "\" is group \"" +
                                                 field.place + "\", but the pattern has " +
                                                 std::to_string(count) + " groups" +
                                                 (names.empty() ? "" : " and none of that name"));
        groups.push_back(named != names.end() ? static_cast<std::size_t>(named->second) : *position);
    }
    return std::make_shared<ByRegex>(std::move(pattern), fields, std::move(groups));
}

Result<std::shared_ptr<const FieldReader>> makeByJson(const std::vector<FieldSpec>& fields) {
    std::vector<nlohmann::json::json_pointer> pointers;
    for (const auto& field : fields) {
        try {
            pointers.emplace_back(field.place);
        } catch (const nlohmann::json::exception&) {
            return fail(ErrorKind::kInvalid, "field \"" + field.name + "\" is at \"" + field.place +
                                                 "\", which is no JSON pointer: \"/name/of/it\"");
        }
    }
    return std::make_shared<ByJsonPointer>(fields, std::move(pointers));
}

}  // namespace

Result<std::shared_ptr<const FieldReader>> makeFieldReader(FieldsBy by,
                                                           const std::string& separator,
                                                           const std::string& pattern,
                                                           const std::vector<FieldSpec>& fields) {
    switch (by) {
        case FieldsBy::kSplit: return makeByPosition(cutAt, separator, fields);
        case FieldsBy::kCsv: return makeByPosition(cutCsv, separator, fields);
        case FieldsBy::kRegex: return makeByRegex(pattern, fields);
        case FieldsBy::kJson: break;
    }
    return makeByJson(fields);
}

}  // namespace tidemill::tools
