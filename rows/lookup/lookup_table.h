// A table in memory that rows are looked up in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/error.h"
#include "core/key_table.h"
#include "rows/lookup.h"

namespace tidemill::rows {

// Thread safety: immutable.
class LookupTable {
public:
    // The rows that the file's reader takes out of the records of `content`, by the columns at
    // `key`. Errors: kInvalid, a record that is no row or whose key has come before, with the
    // number of the line it begins in.
    static core::Result<std::shared_ptr<const LookupTable>> of(std::string content,
                                                               const LookupTableFile& file,
                                                               const std::vector<std::size_t>& key);

    // The row of an encoded key (key_encoding.h); none: the key is not there, or has a null.
    std::optional<std::uint32_t> find(std::string_view key) const;

    // Copies a value into row `to` of a column of its type; texts live as long as the table.
    void copy(std::size_t column, std::uint32_t row, ColumnBuffer& into, std::size_t to) const;

    std::size_t rows() const { return rows_; }

private:
    struct Stored {
        Type type;
        std::vector<std::byte> values;  // of Held<type>
        std::vector<bool> nulls;
    };

    explicit LookupTable(std::string content) : content_(std::move(content)) {}
    void add(const Column& column, std::size_t row, Stored& into);

    const std::string content_;
    core::Arena arena_;
    core::KeyTable keys_;
    std::vector<Stored> columns_;
    std::uint32_t rows_ = 0;
};

}  // namespace tidemill::rows
