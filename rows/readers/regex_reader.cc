#include "rows/readers/regex_reader.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "rows/readers/field_columns.h"
#include "rows/readers/planned_reader.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

struct Regex {
    std::unique_ptr<const re2::RE2> pattern;
    std::vector<std::size_t> groups;  // of the fields
    std::size_t most;                 // groups up to the last that is asked for, with group 0
};

class RegexRowReader final : public CuttingReader {
public:
    RegexRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const Regex> regex)
        : CuttingReader(std::move(plan)), regex_(std::move(regex)), found_(regex_->most) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena&,
             RowFailures& failures) override {
        const auto& groups = regex_->groups;
        for (std::size_t row = 0; row < records.size(); ++row) {
            const std::string_view record = withoutMark(records[row]);
            if (!regex_->pattern->Match({record.data(), record.size()}, 0, record.size(),
                                        re2::RE2::UNANCHORED, found_.data(),
                                        static_cast<int>(found_.size()))) {
                failRecord(row, "the record does not match " + excerpt(regex_->pattern->pattern()),
                           failures);
                continue;
            }
            for (std::size_t field = 0; field < groups.size(); ++field) {
                const auto& piece = found_[groups[field]];
                if (piece.data() != nullptr) {
                    text(field, row) = {piece.data(), piece.size()};
                } else {
                    text(field, row) = plan()[field].spec.defaultText ? kMissing : kNull;
                }
            }
        }
    }

    std::string whyMissing(std::string_view) const override {
        return "the group took no part in the match";
    }

    const std::shared_ptr<const Regex> regex_;
    std::vector<re2::StringPiece> found_;
};

// Numbers, or names of the pattern.
Result<std::vector<std::size_t>> groupsOf(const FieldPlan& plan, const re2::RE2& pattern) {
    const auto count = static_cast<std::size_t>(pattern.NumberOfCapturingGroups());
    const auto& names = pattern.NamedCapturingGroups();
    std::vector<std::size_t> groups;
    for (const auto& field : plan.fields()) {
        if (const auto named = names.find(field.spec.place); named != names.end()) {
            groups.push_back(static_cast<std::size_t>(named->second));
            continue;
        }
        const auto position = positionOf(field);
        if (!position || *position >= count) {
            std::string message =
                "field " + field.label + ": the pattern has " + std::to_string(count) + " groups";
            if (names.empty()) message += " without names";
            for (const auto& [name, group] : names)
                message += (name == names.begin()->first ? ", among them " : ", ") + name;
            return fail(ErrorKind::kInvalid, std::move(message));
        }
        groups.push_back(*position + 1);
    }
    return groups;
}

}  // namespace

Result<std::shared_ptr<const Reader>> makeRegexReader(std::vector<FieldSpec> fields,
                                                      RegexOptions options) {
    re2::RE2::Options settings(re2::RE2::Latin1);
    settings.set_log_errors(false);
    auto pattern = std::make_unique<const re2::RE2>(options.pattern, settings);
    if (!pattern->ok())
        return fail(ErrorKind::kInvalid,
                    excerpt(options.pattern) + " is no regular expression: " + pattern->error());
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "group"));
    TM_ASSIGN(auto groups, groupsOf(*plan, *pattern));
    const std::size_t most = *std::max_element(groups.begin(), groups.end()) + 1;
    return std::make_shared<PlannedReader<RegexRowReader, Regex>>(
        plan, Regex{std::move(pattern), std::move(groups), most});
}

}  // namespace tidemill::rows
