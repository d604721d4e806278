// What every reader knows of its fields before the first record comes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"
#include "rows/schema.h"
#include "rows/time_format.h"

namespace tidemill::rows {

struct PlannedField {
    FieldSpec spec;
    // Names the field in messages: 'bytes (place 10)'.
    std::string label;
    TimeFormat format;
    // The default as a value of the type; of texts `spec.defaultText` itself.
    std::int64_t defaultInt = 0;  // also of times
    double defaultFloat = 0;
    std::uint8_t defaultBool = 0;
};

// Thread safety: immutable.
class FieldPlan {
public:
    // `kindOfPlace` names what places are in messages: "place", "group", "column" …; empty: a place
    // speaks for itself. `ofTimes` is the format of times that name none. Errors (kInvalid): no
    // field or two of one name, a default or a format that the type has not, and what contradicts
    // itself.
    static core::Result<std::shared_ptr<const FieldPlan>> of(std::vector<FieldSpec> fields,
                                                             const std::string& kindOfPlace,
                                                             const TimeFormat& ofTimes = {});

    const Schema& schema() const { return schema_; }
    std::size_t size() const { return fields_.size(); }
    const PlannedField& operator[](std::size_t i) const { return fields_[i]; }
    const std::vector<PlannedField>& fields() const { return fields_; }

private:
    Schema schema_;
    std::vector<PlannedField> fields_;
};

// The place of a field that is a number from 1, counted from 0. Errors: kInvalid.
core::Result<std::size_t> positionOf(const PlannedField& field);
core::Result<std::vector<std::size_t>> positionsOf(const FieldPlan& plan);
inline constexpr std::size_t kPositionMax = 4096;

// For each field which of `names` its place is; `kind` says in the error (kInvalid) what they are.
core::Result<std::vector<std::size_t>> placesAmong(const FieldPlan& plan,
                                                   const std::vector<std::string>& names,
                                                   const std::string& kind);

// `bytes` in quotes, escaped, at most about 64 of them: for messages.
std::string excerpt(std::string_view bytes);

}  // namespace tidemill::rows
