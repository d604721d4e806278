#include "rows/readers/split_reader.h"

#include <algorithm>

#include "core/split_words.h"
#include "rows/readers/cut_record.h"
#include "rows/readers/field_columns.h"
#include "rows/readers/planned_reader.h"

namespace tidemill::rows {
namespace {

using core::Result;

struct Split {
    std::string separator;
    std::vector<std::size_t> places;  // of the fields, from 0
    std::size_t most;                 // places from the first to the last that is asked for
};

class SplitRowReader final : public CuttingReader {
public:
    SplitRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const Split> split)
        : CuttingReader(std::move(plan)), split_(std::move(split)), parts_(split_->most) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena&, RowFailures&) override {
        const std::string_view separator = split_->separator;
        const std::size_t most = split_->most;
        if (separator.empty()) {
            cutEach(records, [&](std::string_view record) {
                return cutAtBlanks(record, parts_.data(), most);
            });
        } else if (separator.size() == 1) {
            cutEach(records, [&, byte = separator[0]](std::string_view record) {
                return cutAtByte(record, byte, parts_.data(), most);
            });
        } else {
            cutEach(records, [&](std::string_view record) { return cutAt(record, separator); });
        }
    }

    template <class Cut>
    void cutEach(std::span<const std::string_view> records, Cut cutOne) {
        const auto& places = split_->places;
        for (std::size_t row = 0; row < records.size(); ++row) {
            const std::size_t count = cutOne(withoutMark(records[row]));
            for (std::size_t field = 0; field < places.size(); ++field)
                text(field, row) = places[field] < count ? parts_[places[field]] : kMissing;
        }
    }

    std::size_t cutAt(std::string_view record, std::string_view separator) {
        std::size_t count = 0;
        for (std::size_t begin = 0; count < split_->most;) {
            const std::size_t end = record.find(separator, begin);
            parts_[count++] = record.substr(begin, end - begin);
            if (end == record.npos) break;
            begin = end + separator.size();
        }
        return count;
    }

    std::string whyMissing(std::string_view record) const override {
        std::size_t count = 0;
        if (split_->separator.empty()) {
            core::splitLine(record, [&](std::string_view) { ++count; });
        } else {
            count = 1;
            for (std::size_t at = 0; (at = record.find(split_->separator, at)) != record.npos;
                 at += split_->separator.size())
                ++count;
        }
        return "the record has " + std::to_string(count) + (count == 1 ? " place" : " places");
    }

    const std::shared_ptr<const Split> split_;
    std::vector<std::string_view> parts_;
};

}  // namespace

Result<std::shared_ptr<const Reader>> makeSplitReader(std::vector<FieldSpec> fields,
                                                      SplitOptions options) {
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "place"));
    TM_ASSIGN(auto places, positionsOf(*plan));
    const std::size_t most = *std::max_element(places.begin(), places.end()) + 1;
    return std::make_shared<PlannedReader<SplitRowReader, Split>>(
        plan, Split{std::move(options.separator), std::move(places), most});
}

}  // namespace tidemill::rows
