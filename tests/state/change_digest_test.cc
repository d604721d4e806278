// Digests of what batches change in the state.
#include "state/change_digest.h"

#include <array>
#include <set>

#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

std::uint64_t sumOf(const std::vector<Pair>& values) {
    ChangeDigest digest;
    for (const auto& [key, value] : values) digest.addValue(key, value);
    EXPECT_EQ(digest.count(), values.size());
    return digest.sum();
}

TEST(ChangeDigest, TheOrderAndTheWayOfTheChangesDoNotMatter) {
    const std::vector<std::string_view> keys{"tide", "mill", "a key of more than sixteen bytes"};
    const std::vector<std::string_view> values{"1", "", "a value"};
    ChangeDigest chunk;
    chunk.addValues({reinterpret_cast<const char*>(keys.data())}, 3, values.data());
    const auto sum = sumOf({{keys[2], values[2]}, {keys[0], values[0]}, {keys[1], values[1]}});
    EXPECT_EQ(chunk.sum(), sum);
    ChangeDigest first, second;  // of two workers
    first.addValue(keys[1], values[1]);
    second.addValue(keys[2], values[2]);
    second.addValue(keys[0], values[0]);
    first.add(second);
    EXPECT_EQ(first.sum(), sum);
    EXPECT_EQ(first.count(), 3u);
}

TEST(ChangeDigest, AnyOtherKeyValueOrKindGivesAnotherOne) {
    std::set<std::uint64_t> sums{
        sumOf({}),
        sumOf({{"a", "b"}}),
        sumOf({{"b", "a"}}),
        sumOf({{"ab", ""}}),
        sumOf({{"", "ab"}}),
        sumOf({{"a", "b"}, {"a", "b"}}),
        sumOf({{"a", "b"}, {"c", "d"}}),
        sumOf({{"a", "d"}, {"c", "b"}}),
        sumOf({{"a", std::string_view("b\0", 2)}}),
    };
    ChangeDigest removal;
    removal.addRemoval("a");
    sums.insert(removal.sum());
    const std::vector<std::string_view> keys{"a", "b"};
    const core::KeyViews views{reinterpret_cast<const char*>(keys.data())};
    using Operands = std::array<std::uint64_t, 2>;
    for (const auto& operands : std::vector<Operands>{{1, 2}, {2, 1}, {1, 1}, {0, 0}}) {
        ChangeDigest digest;
        digest.addOperands(views, 2, operands.data());
        sums.insert(digest.sum());
    }
    // A value of the same bytes as an operand.
    ChangeDigest numbers;
    const std::uint64_t one = 1;
    numbers.addValue("a", {reinterpret_cast<const char*>(&one), sizeof one});
    ChangeDigest operand;
    operand.addOperands(views, 1, &one);
    sums.insert({numbers.sum(), operand.sum()});
    EXPECT_EQ(sums.size(), 16u);
}

class BatchDigests : public StoreFixture {
protected:
    StateTable& table(std::uint8_t number = 0) {
        return store_->table(kOperator, number, ValueKind::kBytes);
    }
    void put(StateTable& table, std::string_view key, std::string_view value) {
        must(table.rangeOf(key).put(key, value));
    }
};

TEST_F(BatchDigests, ABatchHasTheTablesItChangedAndTheNextBeginsAtNothing) {
    EXPECT_EQ(store_->endBatch(), core::ChangesOfBatch());
    put(table(1), "tide", "1");
    put(table(0), "mill", "2");
    must(table(0).rangeOf("tide").remove("tide"));
    const auto first = store_->endBatch();
    EXPECT_EQ(store_->changesOfBatch(), first);
    ASSERT_EQ(first.tables.size(), 2u);
    EXPECT_FALSE(first.unknown);
    EXPECT_EQ(first.tables[0].table, 0);
    EXPECT_EQ(first.tables[0].count, 2u);
    EXPECT_EQ(first.tables[1].operatorId, kOperator);
    EXPECT_EQ(first.tables[1].digest, sumOf({{"tide", "1"}}));
    put(table(1), "tide", "1");
    const auto second = store_->endBatch();
    ASSERT_EQ(second.tables.size(), 1u);
    EXPECT_EQ(second.tables[0], first.tables[1]);
    EXPECT_EQ(store_->endBatch(), core::ChangesOfBatch());
}

TEST_F(BatchDigests, WhatIsWrittenOutInsideABatchStaysInItsDigest) {
    put(table(), "tide", "1");
    must(store_->spill());
    put(table(), "mill", "2");
    const auto changes = store_->endBatch();
    ASSERT_EQ(changes.tables.size(), 1u);
    EXPECT_EQ(changes.tables[0].digest, sumOf({{"tide", "1"}, {"mill", "2"}}));
}

TEST(BatchDigestsInMemory, NobodyKeepsThem) {
    const auto store = must(StateStore::openInMemory());
    auto& table = store->table(kOperator, 0, ValueKind::kBytes);
    must(table.rangeOf("tide").put("tide", "1"));
    EXPECT_EQ(store->endBatch(), (core::ChangesOfBatch{{}, true}));
}

}  // namespace
}  // namespace tidemill::state
