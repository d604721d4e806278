// A table of values as the stream of one batch.
#pragma once

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rows/reader.h"
#include "rows/row_stream.h"
#include "tests/rows/expression_rig.h"
#include "tidemill/tidemill.h"

namespace tidemill::rows::test {

// Record "7" is row 7 of the table, which must outlive the job.
class TableReader final : public Reader {
public:
    explicit TableReader(const Table& table) : table_(table) {}
    const Schema& schema() const override { return table_.schema(); }
    std::unique_ptr<RowReader> makeRowReader() const override {
        return std::make_unique<Rows>(table_);
    }

private:
    class Rows final : public RowReader {
    public:
        explicit Rows(const Table& table) : table_(table) {
            for (const auto& column : table.schema().columns()) buffers_.emplace_back(column.type);
        }
        std::span<const Column> read(std::span<const std::string_view> records, core::Arena&,
                                     RowFailures&) override {
            columns_.clear();
            for (auto& buffer : buffers_) buffer.clearNulls();
            for (std::size_t row = 0; row < records.size(); ++row) {
                std::size_t number = 0;
                std::from_chars(records[row].data(), records[row].data() + records[row].size(),
                                number);
                for (std::size_t i = 0; i < buffers_.size(); ++i)
                    Table::put(buffers_[i], row, table_.rows()[number][i]);
            }
            for (const auto& buffer : buffers_) columns_.push_back(buffer.column());
            return columns_;
        }

    private:
        const Table& table_;
        std::vector<ColumnBuffer> buffers_;
        std::vector<Column> columns_;
    };

    const Table& table_;
};

inline RowStream rowsOfTable(StreamingContext& context, const Table& table) {
    RecordQueue<std::string> queue;
    std::vector<std::string> numbers;
    for (std::size_t i = 0; i < table.size(); ++i) numbers.push_back(std::to_string(i));
    queue.push(numbers);
    return readRows(context.queueStream(queue).map(
                        [](const std::string& line) { return std::string_view(line); }),
                    std::make_shared<TableReader>(table));
}

}  // namespace tidemill::rows::test
