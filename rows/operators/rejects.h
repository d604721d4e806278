// Rows that fail: reported to the job's error policy, and left out of what goes on.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/failed_records.h"
#include "core/reversible_text.h"
#include "rows/chunk.h"
#include "rows/format/value_text.h"
#include "rows/row_failures.h"

namespace tidemill::rows {

// Thread safety: worker-confined.
class Rejects {
public:
    explicit Rejects(core::RecordGuard guard) : guard_(std::move(guard)) {}

    // Reports `failures`, which are of rows of `chunk`, and takes these out of its selection. The
    // selection holds until the next call. Throws TaskFailure when the job stops at such a row.
    void take(Chunk& chunk, RowFailures& failures) {
        if (failures.empty()) [[likely]]
            return;
        for (const auto& [row, message] : failures.all()) {
            if (chunk.records != nullptr) {
                const auto record = chunk.records[row];
                std::string text;
                core::appendReversible(text, record);
                guard_.reject(std::move(text), core::RecordKind::kLine, message, record.data());
            } else {
                std::string text;
                appendTuple(text, chunk, row);
                guard_.reject(std::move(text), core::RecordKind::kRow, message, nullptr);
            }
        }
        std::size_t count = 0;
        forEachRow(chunk, [&](std::size_t row) {
            if (!failures.failed(row)) selected_[count++] = static_cast<std::uint16_t>(row);
        });
        chunk.selected = selected_;
        chunk.selectedCount = count;
        failures.clear();
    }

private:
    core::RecordGuard guard_;
    std::uint16_t selected_[kChunkRows];
};

}  // namespace tidemill::rows
