#include "rows/lookup/lookup_table.h"

#include <algorithm>
#include <cstring>

#include "core/cut_lines.h"
#include "rows/key_encoding.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

// Files of some programs begin with it; no field does.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct NumberedRecord {
    std::string_view text;
    std::uint64_t line;  // that it begins in, from 1
};

std::vector<NumberedRecord> recordsOf(std::string_view content,
                                      const std::optional<CsvRecords>& csv) {
    if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
    std::vector<NumberedRecord> records;
    std::uint64_t line = 1;
    const auto add = [&](std::string_view record) {
        if (!record.empty()) records.push_back({record, line});
        line += 1 + static_cast<std::uint64_t>(std::count(record.begin(), record.end(), '\n'));
        return true;
    };
    if (csv) core::cutCsvRecords(content, core::CsvCutter(*csv, content.size()), add, [] {});
    else core::cutLines(content, add);
    return records;
}

Result<> failLine(std::uint64_t line, const std::string& message) {
    return fail(ErrorKind::kInvalid, "line " + std::to_string(line) + ": " + message);
}

}  // namespace

Result<std::shared_ptr<const LookupTable>> LookupTable::of(std::string content,
                                                           const LookupTableFile& file,
                                                           const std::vector<std::size_t>& key) {
    std::shared_ptr<LookupTable> table(new LookupTable(std::move(content)));
    for (const auto& column : file.reader->schema().columns())
        table->columns_.push_back({column.type, {}, {}});
    const auto all = recordsOf(table->content_, file.csv);
    std::vector<std::uint64_t> lines;  // that the rows begin in
    KeyEncoder keys(key);
    RowFailures failures;
    std::string_view records[kChunkRows];
    std::uint16_t selected[kChunkRows];
    const auto rows = file.reader->makeRowReader();
    for (std::size_t begin = 0; begin < all.size(); begin += kChunkRows) {
        const std::size_t count = std::min(kChunkRows, all.size() - begin);
        for (std::size_t i = 0; i < count; ++i) records[i] = all[begin + i].text;
        Chunk chunk;
        chunk.rows = count;
        chunk.columns = rows->read(std::span(records).first(count), table->arena_, failures);
        if (!failures.all().empty()) {
            const auto first =
                std::min_element(failures.all().begin(), failures.all().end(),
                                 [](const auto& a, const auto& b) { return a.first < b.first; });
            TM_TRY(failLine(all[begin + first->first].line, first->second));
        }
        for (std::size_t row = 0; row < count; ++row)
            if (!failures.failed(row))
                selected[chunk.selectedCount++] = static_cast<std::uint16_t>(row);
        failures.clear();
        chunk.selected = selected;
        if (chunk.selectedCount == 0) continue;
        const auto encoded = keys.encode(chunk);
        for (std::size_t i = 0; i < chunk.selectedCount; ++i) {
            const std::size_t row = selected[i];
            const std::uint64_t line = all[begin + row].line;
            if (keys.hasNull(chunk, row)) continue;  // equals nothing
            bool isNew = false;
            auto& slot = table->keys_.insert(encoded[i], isNew);
            if (!isNew)
                TM_TRY(failLine(line, "its key stands in line " +
                                          std::to_string(lines[slot.value]) + " already"));
            slot.value = table->rows_++;
            lines.push_back(line);
            for (std::size_t c = 0; c < chunk.columns.size(); ++c)
                table->add(chunk.columns[c], row, table->columns_[c]);
        }
    }
    return table;
}

void LookupTable::add(const Column& column, std::size_t row, Stored& into) {
    into.nulls.push_back(column.isNull(row));
    const std::size_t bytes = heldBytes(column.type);
    const auto* const from = static_cast<const std::byte*>(column.values) + row * bytes;
    into.values.insert(into.values.end(), from, from + bytes);
}

std::optional<std::uint32_t> LookupTable::find(std::string_view key) const {
    const auto* slot = keys_.find(key);
    if (slot == nullptr) return std::nullopt;
    return static_cast<std::uint32_t>(slot->value);
}

void LookupTable::copy(std::size_t column, std::uint32_t row, ColumnBuffer& into,
                       std::size_t to) const {
    const Stored& from = columns_[column];
    if (from.nulls[row]) into.setNull(to);
    const std::size_t bytes = heldBytes(from.type);
    std::memcpy(reinterpret_cast<std::byte*>(into.as<Type::kBool>()) + to * bytes,
                from.values.data() + row * bytes, bytes);
}

}  // namespace tidemill::rows
