#include "rows/readers/key_value_reader.h"

#include <utility>

#include "core/split_words.h"
#include "rows/readers/field_columns.h"
#include "rows/readers/named_places.h"
#include "rows/readers/planned_reader.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

struct KeyValue {
    KeyValueOptions options;
    NamedPlaces places;
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && core::isAsciiSpace(text.front())) text.remove_prefix(1);
    while (!text.empty() && core::isAsciiSpace(text.back())) text.remove_suffix(1);
    return text;
}

class KeyValueRowReader final : public CuttingReader {
public:
    KeyValueRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const KeyValue> shared)
        : CuttingReader(std::move(plan)), shared_(std::move(shared)) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena&, RowFailures&) override {
        const std::string& separator = shared_->options.pairSeparator;
        for (std::size_t row = 0; row < records.size(); ++row) {
            for (std::size_t field = 0; field < fieldCount(); ++field) text(field, row) = kMissing;
            const std::string_view record = withoutMark(records[row]);
            std::size_t expected = 0;
            for (std::size_t begin = 0;;) {
                const std::size_t end = record.find(separator, begin);
                takePair(record.substr(begin, end - begin), row, expected);
                if (end == record.npos) break;
                begin = end + separator.size();
            }
        }
    }

    void takePair(std::string_view pair, std::size_t row, std::size_t& expected) {
        const std::string& separator = shared_->options.valueSeparator;
        const std::size_t at = pair.find(separator);
        const std::string_view name = trimmed(pair.substr(0, at));
        const auto* const fields = shared_->places.find(name, expected);
        if (fields == nullptr) return;
        for (const std::size_t field : *fields) {
            if (at != pair.npos) {
                text(field, row) = trimmed(pair.substr(at + separator.size()));
            } else {
                text(field, row) =
                    plan()[field].spec.type == Type::kBool ? std::string_view("true") : kNull;
            }
        }
    }

    std::string whyMissing(std::string_view) const override {
        return "the record has no such name";
    }

    const std::shared_ptr<const KeyValue> shared_;
};

}  // namespace

Result<std::shared_ptr<const Reader>> makeKeyValueReader(std::vector<FieldSpec> fields,
                                                         KeyValueOptions options) {
    if (options.pairSeparator.empty() || options.valueSeparator.empty())
        return fail(ErrorKind::kInvalid,
                    "pairs and their values need separators of a byte or more");
    if (options.pairSeparator == options.valueSeparator)
        return fail(ErrorKind::kInvalid, "pairs and their values are both separated by " +
                                             excerpt(options.pairSeparator) +
                                             "; the two must differ");
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "name"));
    for (const auto& field : plan->fields())
        if (trimmed(field.spec.place).empty() || trimmed(field.spec.place) != field.spec.place)
            return fail(ErrorKind::kInvalid,
                        "field " + field.label + ": a name has no blanks around it");
    return std::make_shared<PlannedReader<KeyValueRowReader, KeyValue>>(
        plan, KeyValue{std::move(options), NamedPlaces(*plan)});
}

}  // namespace tidemill::rows
