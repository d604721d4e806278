#include "rows/readers/field_columns.h"

#include <algorithm>
#include <utility>

#include "rows/parse_value.h"

namespace tidemill::rows {
namespace {

// What a text that is no value of its type is not.
std::string complaint(const PlannedField& field, Parsed parsed) {
    const bool isTooLarge = parsed == Parsed::kOutOfRange;
    switch (field.spec.type) {
        case Type::kInt: return isTooLarge ? " does not fit into an int of 64 bits" : " is no int";
        case Type::kFloat: return isTooLarge ? " does not fit into a float" : " is no float";
        case Type::kBool: return " is no bool";
        case Type::kTime:
            if (isTooLarge) return " is no time of the years that are held";
            return field.format.text().empty() ? " is no time of ISO 8601"
                                               : " is no time \"" + field.format.text() + "\"";
        case Type::kJson: return " is no JSON";
        case Type::kText: break;
    }
    return " is no text";
}

std::string_view withoutBlanks(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto begin = text.find_first_not_of(kBlanks);
    return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace

CuttingReader::CuttingReader(std::shared_ptr<const FieldPlan> plan)
    : plan_(std::move(plan)),
      texts_(std::make_unique<std::string_view[]>(plan_->size() * kChunkRows)),
      keptFromNull_(plan_->size() * kNullWords) {
    for (const auto& field : plan_->fields()) values_.emplace_back(field.spec.type);
    columns_.resize(plan_->size());
}

std::span<const Column> CuttingReader::read(std::span<const std::string_view> records,
                                            core::Arena& arena, RowFailures& failures) {
    if (std::exchange(hasKeptFromNull_, false))
        std::fill(keptFromNull_.begin(), keptFromNull_.end(), 0);
    records_ = records;
    failures_ = &failures;
    cut(records, arena, failures);
    for (std::size_t field = 0; field < columns_.size(); ++field)
        columns_[field] = convert(field, records.size(), arena);
    return columns_;
}

void CuttingReader::failRecord(std::size_t row, std::string message, RowFailures& failures) {
    for (std::size_t field = 0; field < fieldCount(); ++field) text(field, row) = kMissing;
    failures.add(row, std::move(message));
}

void CuttingReader::noRecord(std::size_t row, RowFailures& failures) {
    for (std::size_t field = 0; field < fieldCount(); ++field) text(field, row) = kMissing;
    failures.noRecord(row);
}

void CuttingReader::keepFromNull(std::size_t field, std::size_t row) {
    keptFromNull_[field * kNullWords + row / 64] |= std::uint64_t{1} << (row % 64);
    hasKeptFromNull_ = true;
}

// Asked only where the text is the null text.
bool CuttingReader::isNullText(std::size_t field, std::size_t row) const {
    return !hasKeptFromNull_ ||
           ((keptFromNull_[field * kNullWords + row / 64] >> (row % 64)) & 1) == 0;
}

// For a field without text: false when it is null now, or the record has failed.
bool CuttingReader::takesDefault(std::size_t field, std::size_t row) {
    const PlannedField& planned = (*plan_)[field];
    const bool isMissing = text(field, row).size() == kMissing.size();
    if (isMissing && planned.spec.defaultText) return true;
    values_[field].setNull(row);
    if (isMissing && !planned.spec.optional && !failures_->failed(row))
        failures_->add(row, planned.label + ": " + whyMissing(records_[row]));
    return false;
}

void CuttingReader::failValue(std::size_t field, std::size_t row, Parsed parsed) {
    const PlannedField& planned = (*plan_)[field];
    values_[field].setNull(row);
    if (!failures_->failed(row))
        failures_->add(
            row, planned.label + ": " + excerpt(text(field, row)) + complaint(planned, parsed));
}

template <Type type, class Parse>
Column CuttingReader::convertEach(std::size_t field, std::size_t rows, Held<type> ofDefault,
                                  Parse parse) {
    const std::string_view* const texts = &text(field, 0);
    ColumnBuffer& buffer = values_[field];
    Held<type>* const values = buffer.as<type>();
    buffer.clearNulls();
    const auto convertRows = [&](auto isNull) {
        for (std::size_t row = 0; row < rows; ++row) {
            const std::string_view text = texts[row];
            if (text.data() == nullptr) [[unlikely]] {
                if (takesDefault(field, row)) values[row] = ofDefault;
            } else if (isNull(text, row)) {
                buffer.setNull(row);
            } else if (const Parsed parsed = parse(text, values[row]); parsed != Parsed::kValue)
                [[unlikely]] {
                failValue(field, row, parsed);
            }
        }
    };
    if (const auto& nullText = (*plan_)[field].spec.nullText) {
        convertRows(
            [&, nulls = std::string_view(*nullText)](std::string_view text, std::size_t row) {
                return text == nulls && isNullText(field, row);
            });
    } else {
        convertRows([](std::string_view, std::size_t) { return false; });
    }
    return buffer.column();
}

// Texts stay where the records have them; only what is not there changes.
Column CuttingReader::convertTexts(std::size_t field, std::size_t rows, core::Arena& arena) {
    const PlannedField& planned = (*plan_)[field];
    std::string_view* const texts = &text(field, 0);
    ColumnBuffer& buffer = values_[field];
    buffer.clearNulls();
    const bool hasNullText = planned.spec.nullText.has_value();
    const std::string_view nullText = hasNullText ? *planned.spec.nullText : std::string_view();
    std::string_view ofDefault;
    for (std::size_t row = 0; row < rows; ++row) {
        if (texts[row].data() == nullptr) [[unlikely]] {
            if (!takesDefault(field, row)) {
                texts[row] = {};
                continue;
            }
            if (ofDefault.data() == nullptr) ofDefault = arena.copy(*planned.spec.defaultText);
            texts[row] = ofDefault;
        } else if (hasNullText && texts[row] == nullText && isNullText(field, row)) {
            buffer.setNull(row);
        } else if (planned.spec.type == Type::kJson) {
            if (isJson(texts[row])) {
                texts[row] = withoutBlanks(texts[row]);
            } else {
                failValue(field, row, Parsed::kNoValue);
                texts[row] = {};
            }
        }
    }
    Column column = buffer.column();
    column.values = texts;
    return column;
}

Column CuttingReader::convert(std::size_t field, std::size_t rows, core::Arena& arena) {
    const PlannedField& planned = (*plan_)[field];
    switch (planned.spec.type) {
        case Type::kInt:
            return convertEach<Type::kInt>(
                field, rows, planned.defaultInt,
                [](auto text, auto& value) { return parseInt(text, value); });
        case Type::kFloat:
            return convertEach<Type::kFloat>(
                field, rows, planned.defaultFloat,
                [](auto text, auto& value) { return parseFloat(text, value); });
        case Type::kBool:
            return convertEach<Type::kBool>(
                field, rows, planned.defaultBool,
                [](auto text, auto& value) { return parseBool(text, value); });
        case Type::kTime: {
            // Records that follow each other often have the same time.
            std::string_view lastText;
            std::int64_t last = 0;
            return convertEach<Type::kTime>(
                field, rows, planned.defaultInt, [&](std::string_view text, std::int64_t& micros) {
                    if (text == lastText && lastText.data() != nullptr) {
                        micros = last;
                        return Parsed::kValue;
                    }
                    const Parsed parsed = planned.format.parse(text, micros, now_);
                    if (parsed == Parsed::kValue) {
                        lastText = text;
                        last = micros;
                    }
                    return parsed;
                });
        }
        case Type::kText:
        case Type::kJson: break;
    }
    return convertTexts(field, rows, arena);
}

}  // namespace tidemill::rows
