// Whole rows as bytes, for operators that keep rows: joins, top.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/chunk.h"
#include "rows/key_encoding.h"

namespace tidemill::rows {

// Encodes all columns of a chunk's selected rows, as a key (key_encoding.h) is. Thread safety:
// worker-confined.
class RowEncoder {
public:
    explicit RowEncoder(std::size_t columns) : keys_(allPlaces(columns)) {}
    // A row's bytes for each selected row. Holds until the next call.
    std::span<const std::string_view> encode(const Chunk& chunk) { return keys_.encode(chunk); }

private:
    static std::vector<std::size_t> allPlaces(std::size_t columns) {
        std::vector<std::size_t> places(columns);
        for (std::size_t i = 0; i < columns; ++i) places[i] = i;
        return places;
    }
    KeyEncoder keys_;
};

// Rows made one by one, handed on in chunks. Texts must live as long as the batch. Thread safety:
// worker-confined.
class RowBuilder {
public:
    explicit RowBuilder(const Schema& schema) {
        for (const auto& column : schema.columns()) buffers_.emplace_back(column.type);
        columns_.resize(buffers_.size());
    }
    std::size_t rows() const { return rows_; }
    bool isFull() const { return rows_ == kChunkRows; }
    // The columns, whose row rows() is to be set; then next().
    std::span<ColumnBuffer> columns() { return buffers_; }
    void next() { ++rows_; }

    void flushInto(core::Sink<Chunk>& sink) {
        if (rows_ == 0) return;
        for (std::size_t i = 0; i < buffers_.size(); ++i) columns_[i] = buffers_[i].column();
        Chunk chunk;
        chunk.rows = chunk.selectedCount = rows_;
        chunk.columns = columns_;
        sink.take(std::span(&chunk, 1));
        for (auto& buffer : buffers_) buffer.clearNulls();
        rows_ = 0;
    }

private:
    std::vector<ColumnBuffer> buffers_;
    std::vector<Column> columns_;
    std::size_t rows_ = 0;
};

// Copies the value of `from` at `row` into row `to` of a column of the same type.
inline void copyValue(const Column& from, std::size_t row, ColumnBuffer& into, std::size_t to) {
    if (from.isNull(row)) into.setNull(to);
    switch (from.type) {
        case Type::kInt:
        case Type::kTime: into.as<Type::kInt>()[to] = from.as<Type::kInt>()[row]; return;
        case Type::kFloat: into.as<Type::kFloat>()[to] = from.as<Type::kFloat>()[row]; return;
        case Type::kBool: into.as<Type::kBool>()[to] = from.as<Type::kBool>()[row]; return;
        case Type::kText:
        case Type::kJson: into.as<Type::kText>()[to] = from.as<Type::kText>()[row]; return;
    }
}
inline void setNull(ColumnBuffer& into, std::size_t to) {
    into.setNull(to);
    if (isTextual(into.type())) into.as<Type::kText>()[to] = {};
}

}  // namespace tidemill::rows
