#include "rows/readers/logfmt_reader.h"

#include <cstring>
#include <utility>

#include "rows/readers/field_columns.h"
#include "rows/readers/named_places.h"
#include "rows/readers/planned_reader.h"
#include "rows/readers/unescape.h"

namespace tidemill::rows {
namespace {

using core::Result;

bool isBlank(char c) { return static_cast<unsigned char>(c) <= ' '; }

class LogfmtRowReader final : public CuttingReader {
public:
    LogfmtRowReader(std::shared_ptr<const FieldPlan> plan,
                    std::shared_ptr<const NamedPlaces> places)
        : CuttingReader(std::move(plan)), places_(std::move(places)) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena& arena,
             RowFailures& failures) override {
        for (std::size_t row = 0; row < records.size(); ++row) {
            for (std::size_t field = 0; field < fieldCount(); ++field) text(field, row) = kMissing;
            std::string wrong = cutOne(withoutMark(records[row]), row, arena);
            if (!wrong.empty()) failRecord(row, std::move(wrong), failures);
        }
    }

    // Answers what is wrong with the record, or nothing.
    std::string cutOne(std::string_view record, std::size_t row, core::Arena& arena) {
        const char* const begin = record.data();
        const char* const end = begin + record.size();
        const auto wrong = [&](const char* at, const char* what) {
            return "byte " + std::to_string(at - begin + 1) + ": " + what;
        };
        std::size_t expected = 0;
        const char* at = begin;
        while (true) {
            while (at != end && isBlank(*at)) ++at;
            if (at == end) return {};
            const char* const nameBegin = at;
            while (at != end && !isBlank(*at) && *at != '=' && *at != '"') ++at;
            const std::string_view name(nameBegin, static_cast<std::size_t>(at - nameBegin));
            if (at != end && *at == '"') return wrong(at, "a quote in a name");
            if (name.empty()) return wrong(at, "a value without a name");
            const auto* const fields = places_->find(name, expected);
            if (at == end || *at != '=') {
                if (fields != nullptr) giveName(*fields, row);
                continue;
            }
            ++at;
            std::string_view value;
            if (at != end && *at == '"') {
                const char* const open = at;
                bool hasEscape = false;
                for (++at; at != end && *at != '"'; ++at) {
                    if (*at != '\\') continue;
                    hasEscape = true;
                    if (++at == end) break;
                }
                if (at == end) return wrong(open, "a quote that is not closed");
                value = {open + 1, static_cast<std::size_t>(at - open - 1)};
                ++at;
                if (at != end && !isBlank(*at))
                    return wrong(at, "a value goes on behind the quote that closes it");
                if (hasEscape && fields != nullptr) {
                    const auto plain = unescapeJson(value, arena);
                    if (!plain) return wrong(open, "a wrong escape in quotes");
                    value = *plain;
                }
            } else {
                const char* const valueBegin = at;
                while (at != end && !isBlank(*at) && *at != '"') ++at;
                if (at != end && *at == '"')
                    return wrong(at, "a quote inside of a value that does not begin with one");
                value = {valueBegin, static_cast<std::size_t>(at - valueBegin)};
            }
            if (fields != nullptr)
                for (const std::size_t field : *fields) text(field, row) = value;
        }
    }

    // A name alone.
    void giveName(const std::vector<std::size_t>& fields, std::size_t row) {
        for (const std::size_t field : fields)
            text(field, row) =
                plan()[field].spec.type == Type::kBool ? std::string_view("true") : kNull;
    }

    std::string whyMissing(std::string_view) const override {
        return "the record has no such name";
    }

    const std::shared_ptr<const NamedPlaces> places_;
};

}  // namespace

Result<std::shared_ptr<const Reader>> makeLogfmtReader(std::vector<FieldSpec> fields) {
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "name"));
    return std::make_shared<PlannedReader<LogfmtRowReader, NamedPlaces>>(plan, NamedPlaces(*plan));
}

}  // namespace tidemill::rows
