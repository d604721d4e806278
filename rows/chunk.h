// Chunks of rows, column by column: what row operators hand to each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/chunk.h"
#include "rows/type.h"

namespace tidemill::rows {

// A chunk has at most this many rows.
inline constexpr std::size_t kChunkRows = core::kChunkElements;
inline constexpr std::size_t kNullWords = kChunkRows / 64;

// A view of one column. Row i is null when bit i of `nulls` is set; its element in the array is
// then of any value, which may be read but means nothing (a text's is a valid view).
struct Column {
    Type type = Type::kInt;
    const void* values = nullptr;          // `rows` elements of Held<type>
    const std::uint64_t* nulls = nullptr;  // null pointer: no row is null

    template <Type t>
    const Held<t>* as() const {
        return static_cast<const Held<t>*>(values);
    }
    bool isNull(std::size_t row) const {
        return nulls != nullptr && ((nulls[row / 64] >> (row % 64)) & 1) != 0;
    }
};

// The element type of a stream of rows; one element is up to kChunkRows rows. It is a view: arrays,
// bitmaps and selection belong to the operator that made them and hold until the sink's take()
// returns, so an operator that keeps rows copies them. The bytes that texts point to live until the
// batch is complete.
// Rows that a filter left out stay in the arrays: only those of `selected` count.
struct Chunk {
    std::size_t rows = 0;                     // in the arrays, 1 ... kChunkRows
    std::span<const Column> columns;          // as the stream's schema says
    const std::uint16_t* selected = nullptr;  // ascending; null pointer: all rows
    std::size_t selectedCount = 0;            // how many rows count; without `selected`: rows
    // The text that row i was read from, for errors and dead letters; null pointer behind
    // aggregates.
    const std::string_view* records = nullptr;
};

// Calls f(row) for each selected row.
template <class F>
void forEachRow(const Chunk& chunk, F&& f) {
    if (chunk.selected == nullptr) {
        for (std::size_t row = 0; row < chunk.rows; ++row) f(row);
    } else {
        for (std::size_t i = 0; i < chunk.selectedCount; ++i) f(std::size_t{chunk.selected[i]});
    }
}

// Memory of one column that an operator makes anew for each chunk. Thread safety: worker-confined.
class ColumnBuffer {
public:
    explicit ColumnBuffer(Type type)
        : type_(type),
          values_(std::make_unique_for_overwrite<std::byte[]>(kChunkRows * heldBytes(type))) {
        std::memset(values_.get(), 0, kChunkRows * heldBytes(type));
    }

    Type type() const { return type_; }
    template <Type t>
    Held<t>* as() {
        return reinterpret_cast<Held<t>*>(values_.get());
    }
    // No row is null.
    void clearNulls() { hasNulls_ = false; }
    void setNull(std::size_t row) {
        if (!hasNulls_) {
            std::memset(nulls_, 0, sizeof nulls_);
            hasNulls_ = true;
        }
        nulls_[row / 64] |= std::uint64_t{1} << (row % 64);
    }
    void setNotNull(std::size_t row) {
        if (hasNulls_) nulls_[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    }
    // All kNullWords words; to be set whole by the caller.
    std::uint64_t* nullsForOverwrite() {
        hasNulls_ = true;
        return nulls_;
    }
    Column column() const { return {type_, values_.get(), hasNulls_ ? nulls_ : nullptr}; }

private:
    Type type_;
    bool hasNulls_ = false;
    std::unique_ptr<std::byte[]> values_;
    std::uint64_t nulls_[kNullWords];
};

}  // namespace tidemill::rows
