// The worked example of docs/formats/state_rows.md, as it is really stored.
#include <gtest/gtest.h>

#include "core/key_codec.h"
#include "state/rocks_store.h"
#include "state/row_key.h"
#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

class RowFormatTest : public StoreFixture {};

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char byte : bytes) {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02x ", static_cast<unsigned char>(byte));
        out += digits;
    }
    if (!out.empty()) out.pop_back();
    return out;
}

TEST_F(RowFormatTest, StoredRowsAreThoseOfTheFormatsPage) {
    merge(store_->table(core::OperatorId(1), 0, ValueKind::kSum), "tide", 42);
    std::string key;
    core::KeyCodec<std::int32_t>::encode(-2, key);
    put(store_->table(core::OperatorId(2), 0, ValueKind::kBytes), key, "mill");
    const auto generation = checkpoint(3);
    store_.reset();

    const auto rocks = must(
        RocksStore::open({.directory = generation, .blockCacheBytes = 1 << 20, .readOnly = true}));
    std::vector<std::string> rows;
    for (RowCursor cursor(rocks->snapshot(), {}, {}); cursor.valid(); cursor.next())
        rows.push_back(hex(cursor.key()) + " -> " + hex(cursor.value()));
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0],
              "00 00 00 00 00 00 6d 61 72 6b -> 00 " + hex(core::encodeBatchMark(markOf(3))));
    EXPECT_EQ(rows[1], "0d 00 00 00 01 00 74 69 64 65 -> 01 2a 00 00 00 00 00 00 00");
    EXPECT_EQ(rows[2], "d4 00 00 00 02 00 7f ff ff fe -> 00 6d 69 6c 6c");
}

TEST_F(RowFormatTest, AValueOfAnotherKindIsCorrupt) {
    EXPECT_EQ(must(decodeRowValue(std::string("\1\1\0\0\0\0\0\0\0", 9), ValueKind::kSum)).size(),
              8u);
    for (const std::string& stored :
         {std::string(), std::string("\6x"), std::string("\1short"),
          std::string("\2\1\0\0\0\0\0\0\0", 9), std::string("\0x", 2)}) {
        const auto value = decodeRowValue(stored, ValueKind::kSum);
        ASSERT_FALSE(value.has_value());
        EXPECT_EQ(value.error().kind, core::ErrorKind::kCorrupt);
    }
}

TEST_F(RowFormatTest, AReadOfATableAsAnotherKindIsCorruptAndNotWrong) {
    put(store_->table(kOperator, 0, ValueKind::kBytes), "k", "12345678");
    restartFrom(checkpoint(1));
    auto& table = store_->table(kOperator, 0, ValueKind::kSum);
    Lookup lookup;
    const std::string_view key = "k";
    const auto read = table.rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, lookup);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().kind, core::ErrorKind::kCorrupt);
    const std::uint64_t one = 1;
    must(table.rangeOf(key).merge({reinterpret_cast<const char*>(&key)}, 1, &one));
    must(store_->spill());
    EXPECT_FALSE(
        table.rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, lookup).has_value());
}

}  // namespace
}  // namespace tidemill::state
