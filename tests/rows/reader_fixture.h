// Records through a reader, with what comes out as text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "rows/reader.h"
#include "rows/write_value.h"
#include "tests/rows/reader_cases.h"

namespace tidemill::rows {

inline FieldSpec withNull(FieldSpec spec, std::string text) {
    spec.nullText = std::move(text);
    return spec;
}
inline FieldSpec withDefault(FieldSpec spec, std::string text) {
    spec.defaultText = std::move(text);
    return spec;
}
inline FieldSpec withFormat(FieldSpec spec, std::string format) {
    spec.format = std::move(format);
    return spec;
}

// The columns of a row in JSON, with blanks between them; of a row that failed, its message; of one
// left out, "left out".
inline std::vector<std::string> rowsOf(RowReader& reader,
                                       const std::vector<std::string_view>& records,
                                       core::Arena& arena) {
    RowFailures failures;
    const auto columns = reader.read(records, arena, failures);
    std::vector<std::string> rows;
    for (std::size_t row = 0; row < records.size(); ++row) {
        std::string text;
        if (!failures.failed(row)) {
            for (const Column& column : columns) {
                if (!text.empty()) text += ' ';
                appendJson(text, column, row);
            }
        } else {
            text = "left out";
            for (const auto& [failed, message] : failures.all())
                if (failed == row) text = message;
        }
        rows.push_back(std::move(text));
    }
    return rows;
}

inline std::vector<std::string> read(const MadeReader& reader,
                                     const std::vector<std::string_view>& records) {
    if (!reader) return {reader.error().message};
    core::Arena arena;
    const auto rowReader = (*reader)->makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));  // 2024-06-15
    return rowsOf(*rowReader, records, arena);
}
inline std::string readOne(const MadeReader& reader, std::string_view record) {
    return read(reader, {record}).front();
}
inline std::string refusal(const MadeReader& reader) {
    return reader ? "accepted" : reader.error().message;
}

}  // namespace tidemill::rows
