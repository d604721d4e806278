// How values of columns become the bytes of a key, and back: canonical per type, so that keys are
// equal exactly when their bytes are. A null is a value of its own; -0.0 is 0.0, NaN is one value.
//
// A key is its columns one after another:
//   int, time   0 null; of x >= 0: 0x80 + n and the n (0 … 8) bytes of x, high byte first, without
//               zeros before; of x < 0: 0x7F - n and the n bytes of -1 - x likewise, inverted
//   float       0 null; else 1 and 8 bytes: its bits, the sign inverted, of negative ones all bits
//               inverted, high byte first
//   bool        0 null, 1 false, 2 true
//   text, json  0 null; else its length + 1 as LEB128 and its bytes; in the last column 1 and its
//               bytes
// Numbers have the order of their bytes. Format: docs/formats/state_rows.md.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rows/chunk.h"
#include "rows/schema.h"

namespace tidemill::rows {

// Encodes the keys of one chunk after another, and single rows. Thread safety: worker-confined.
class KeyEncoder {
public:
    // Places of the key's columns in the chunk.
    explicit KeyEncoder(std::vector<std::size_t> places) : places_(std::move(places)) {}

    // A key for each selected row, in their order. Holds until the next call.
    std::span<const std::string_view> encode(const Chunk& chunk);

    // True when one of the key's values in this row is null.
    bool hasNull(const Chunk& chunk, std::size_t row) const {
        for (const auto place : places_)
            if (chunk.columns[place].isNull(row)) return true;
        return false;
    }

private:
    char* room(const Chunk& chunk);

    std::vector<std::size_t> places_;
    std::vector<std::string_view> keys_;
    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
};

// Appends the key form of one value that stands alone, as the last column of a key.
void appendKeyValue(std::string& out, const Column& column, std::size_t row);

// Writes the values of `key` into row `row` of the columns, which have the types of the key; texts
// are views into it. False when the bytes are no such key.
bool decodeKey(std::string_view key, std::size_t row, std::span<ColumnBuffer> columns);

}  // namespace tidemill::rows
