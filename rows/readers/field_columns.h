// The half of every reader that is the same: texts of fields become typed columns, one column after
// the other.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rows/chunk.h"
#include "rows/reader.h"
#include "rows/readers/field_plan.h"

namespace tidemill::rows {

// What a reader puts where there is no text.
inline constexpr std::string_view kMissing{};     // the record has no such field
inline const std::string_view kNull{nullptr, 1};  // it has, and says that it has no value

// Reads by cutting: a reader of one kind says where the texts of its fields are.
// Thread safety: worker-confined.
class CuttingReader : public RowReader {
public:
    explicit CuttingReader(std::shared_ptr<const FieldPlan> plan);

    void beginBatch(BatchTime time) final { now_ = toMillis(time) * 1000; }
    std::span<const Column> read(std::span<const std::string_view> records, core::Arena& arena,
                                 RowFailures& failures) final;

protected:
    // Sets text(field, row) of every field and record, or fails the record.
    virtual void cut(std::span<const std::string_view> records, core::Arena& arena,
                     RowFailures& failures) = 0;
    // Why a field of `record` can be missing, for the message: "the record has 7 places".
    virtual std::string whyMissing(std::string_view record) const = 0;

    const FieldPlan& plan() const { return *plan_; }
    std::size_t fieldCount() const { return plan_->size(); }
    std::string_view& text(std::size_t field, std::size_t row) {
        return texts_[field * kChunkRows + row];
    }
    // The record is none of the reader's kind.
    void failRecord(std::size_t row, std::string message, RowFailures& failures);
    // The record is no record, and that is no failure.
    void noRecord(std::size_t row, RowFailures& failures);
    // The text that stands for null in other records is a text here: it was in quotes.
    void keepFromNull(std::size_t field, std::size_t row);

private:
    Column convert(std::size_t field, std::size_t rows, core::Arena& arena);
    Column convertTexts(std::size_t field, std::size_t rows, core::Arena& arena);
    template <Type type, class Parse>
    Column convertEach(std::size_t field, std::size_t rows, Held<type> ofDefault, Parse parse);
    bool isNullText(std::size_t field, std::size_t row) const;
    bool takesDefault(std::size_t field, std::size_t row);
    void failValue(std::size_t field, std::size_t row, Parsed parsed);

    const std::shared_ptr<const FieldPlan> plan_;
    std::unique_ptr<std::string_view[]> texts_;  // kChunkRows of each field
    std::vector<ColumnBuffer> values_;
    std::vector<Column> columns_;
    // A bit for each field and row, used when there is one.
    std::vector<std::uint64_t> keptFromNull_;
    bool hasKeptFromNull_ = false;
    std::int64_t now_ = TimeFormat::kNoNow;
    // Of the read that is going on.
    std::span<const std::string_view> records_;
    RowFailures* failures_ = nullptr;
};

// A byte order mark at a record's start is no part of its first field.
inline std::string_view withoutMark(std::string_view record) {
    if (record.size() >= 3 && record[0] == '\xEF' && record[1] == '\xBB' && record[2] == '\xBF')
        record.remove_prefix(3);
    return record;
}

}  // namespace tidemill::rows
