#include "rows/readers/field_plan.h"

#include <algorithm>

#include "core/format.h"
#include "rows/parse_value.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

bool isPosition(const std::string& place) {
    return !place.empty() &&
           std::all_of(place.begin(), place.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string labelOf(const FieldSpec& spec, const std::string& kindOfPlace) {
    std::string label;
    core::appendPrintable(label, spec.name);
    if (spec.place == spec.name) return label;
    label += " (";
    if (!kindOfPlace.empty()) label += kindOfPlace + " ";
    const bool isQuoted = !kindOfPlace.empty() && !isPosition(spec.place);
    if (isQuoted) label += '"';
    core::appendPrintable(label, spec.place);
    return label + (isQuoted ? "\")" : ")");
}

Result<void> readDefault(PlannedField& field) {
    const std::string& text = *field.spec.defaultText;
    Parsed parsed = Parsed::kValue;
    switch (field.spec.type) {
        case Type::kInt: parsed = parseInt(text, field.defaultInt); break;
        case Type::kFloat: parsed = parseFloat(text, field.defaultFloat); break;
        case Type::kBool: parsed = parseBool(text, field.defaultBool); break;
        case Type::kTime:
            // A job file's default may also be written as its own dates are.
            parsed = field.format.parse(text, field.defaultInt);
            if (parsed != Parsed::kValue) parsed = parseTime(text, field.defaultInt);
            break;
        case Type::kJson: parsed = isJson(text) ? Parsed::kValue : Parsed::kNoValue; break;
        case Type::kText: break;
    }
    if (parsed == Parsed::kValue) return {};
    return fail(ErrorKind::kInvalid, "field " + field.label + " has the default " + excerpt(text) +
                                         ", which is no " + toString(field.spec.type));
}

}  // namespace

Result<std::shared_ptr<const FieldPlan>> FieldPlan::of(std::vector<FieldSpec> fields,
                                                       const std::string& kindOfPlace,
                                                       const TimeFormat& ofTimes) {
    if (fields.empty())
        return fail(ErrorKind::kInvalid, "there are no fields: name at least one and its place");
    auto plan = std::make_shared<FieldPlan>();
    std::vector<ColumnSpec> columns;
    for (auto& spec : fields) {
        PlannedField field;
        field.label = labelOf(spec, kindOfPlace);
        field.spec = std::move(spec);
        if (!field.spec.format.empty() && field.spec.type != Type::kTime)
            return fail(ErrorKind::kInvalid, "field " + field.label + " has a format, but is " +
                                                 toString(field.spec.type) +
                                                 ": formats are for times");
        if (field.spec.optional && field.spec.defaultText)
            return fail(ErrorKind::kInvalid,
                        "field " + field.label +
                            " is optional and has a default: missing, is it null or the default?");
        auto format = TimeFormat::compile(field.spec.format);
        if (!format)
            return fail(format.error().kind,
                        "field " + field.label + ": " + format.error().message);
        field.format = field.spec.format.empty() ? ofTimes : std::move(*format);
        if (field.spec.defaultText) TM_TRY(readDefault(field));
        columns.push_back({field.spec.name, field.spec.type});
        plan->fields_.push_back(std::move(field));
    }
    TM_ASSIGN(plan->schema_, Schema::of(std::move(columns)));
    return plan;
}

Result<std::size_t> positionOf(const PlannedField& field) {
    std::int64_t position = 0;
    if (!isPosition(field.spec.place) || parseInt(field.spec.place, position) != Parsed::kValue ||
        position < 1 || position > static_cast<std::int64_t>(kPositionMax))
        return fail(ErrorKind::kInvalid, "field " + field.label + " must be at a place from 1 to " +
                                             std::to_string(kPositionMax));
    return static_cast<std::size_t>(position - 1);
}

Result<std::vector<std::size_t>> positionsOf(const FieldPlan& plan) {
    std::vector<std::size_t> positions;
    for (const auto& field : plan.fields()) {
        TM_ASSIGN(const std::size_t position, positionOf(field));
        positions.push_back(position);
    }
    return positions;
}

Result<std::vector<std::size_t>> placesAmong(const FieldPlan& plan,
                                             const std::vector<std::string>& names,
                                             const std::string& kind) {
    std::vector<std::size_t> places;
    for (const auto& field : plan.fields()) {
        const auto found = std::find(names.begin(), names.end(), field.spec.place);
        if (found == names.end()) {
            std::string list;
            for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
            return fail(ErrorKind::kInvalid, "field " + field.label + ": there is no " + kind +
                                                 " of that name; there are: " + list);
        }
        places.push_back(static_cast<std::size_t>(found - names.begin()));
    }
    return places;
}

std::string excerpt(std::string_view bytes) {
    constexpr std::size_t kBytesMax = 64;
    std::string text = "\"";
    if (bytes.size() <= kBytesMax) {
        core::appendPrintable(text, bytes);
        return text + '"';
    }
    // Not in the middle of a character.
    std::size_t size = kBytesMax;
    while (size > kBytesMax - 4 && (static_cast<unsigned char>(bytes[size]) & 0xC0) == 0x80) --size;
    core::appendPrintable(text, bytes.substr(0, size));
    return text + "…\" (" + std::to_string(bytes.size()) + " bytes)";
}

}  // namespace tidemill::rows
