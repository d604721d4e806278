// The store against a plain std::map through freezes, ingests, spills and restarts.
#include "state/state_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

class StateStoreTest : public StoreFixture {};

TEST_F(StateStoreTest, AnEmptyStoreHasNoMark) { EXPECT_EQ(must(store_->mark()), std::nullopt); }

TEST_F(StateStoreTest, TheMarkIsAmongTheRowsOfItsCheckpoint) {
    const auto generation = checkpoint(4);
    restartFrom(generation);
    EXPECT_EQ(must(store_->mark()), markOf(4));
}

TEST_F(StateStoreTest, AnOperandIsAppliedOnceBeforeDuringAndAfterItsIngest) {
    auto& table = store_->table(kOperator, 0, ValueKind::kSum);
    merge(table, "tide", 5);
    checkpoint(1);
    EXPECT_EQ(number(table, "tide"), 5);
    merge(table, "tide", 7);
    EXPECT_EQ(number(table, "tide"), 12);
    auto frozen = store_->freeze(markOf(2));
    EXPECT_EQ(number(table, "tide"), 12);
    merge(table, "tide", 100);
    EXPECT_EQ(number(table, "tide"), 112);
    must(store_->ingest(std::move(frozen)));
    EXPECT_EQ(number(table, "tide"), 112);
    EXPECT_EQ(rows(table).at("tide"), numberBytes(112));
    link();
    checkpoint(3);
    EXPECT_EQ(number(table, "tide"), 112);
}

// RocksDB took the number of the first snapshot for none, and dropped what was ingested first when
// files were merged under it.
TEST_F(StateStoreTest, RowsOfTheFirstIngestStayWhileAnOldReaderIsThere) {
    store_ = must(StateStore::openInMemory());  // no table has a snapshot before the first ingest
    auto& table = store_->table(kOperator, 0, ValueKind::kBytes);
    const auto put = [&](const std::string& key) { must(table.rangeOf(key).put(key, "value")); };
    for (int i = 0; i < 40; ++i) put("first " + std::to_string(i));
    must(store_->spill());
    const std::string_view key = "first 0";
    Lookup reader;
    must(table.rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, reader));
    for (int i = 0; i < 20; ++i) {
        put("later " + std::to_string(i));
        put("last " + std::to_string(i % 7));
        must(store_->spill());
        std::this_thread::sleep_for(std::chrono::milliseconds(3));  // files are merged meanwhile
    }
    const auto seen = rows(table);
    EXPECT_EQ(seen.size(), 40u + 20u + 7u);
    EXPECT_TRUE(reader.found(0));
}

TEST_F(StateStoreTest, EveryExactReductionSurvivesIngests) {
    const auto i64 = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
    struct Case {
        ValueKind kind;
        std::uint64_t expected;
    };
    const Case cases[] = {{ValueKind::kSum, i64(-1)},
                          {ValueKind::kMinI64, i64(-9)},
                          {ValueKind::kMaxI64, 5},
                          {ValueKind::kMinU64, 3},
                          {ValueKind::kMaxU64, i64(-9)}};
    for (const auto& [kind, expected] : cases) {
        auto& table = store_->table(kOperator, static_cast<std::uint8_t>(kind), kind);
        for (const std::int64_t operand : {3, -9, 5}) {
            merge(table, "a key that is longer than fifteen bytes", i64(operand));
            checkpoint(1);
        }
        EXPECT_EQ(number(table, "a key that is longer than fifteen bytes"), expected);
    }
}

TEST_F(StateStoreTest, ARemovedKeyStaysRemovedAndCanComeBack) {
    auto& table = store_->table(kOperator, 0, ValueKind::kSum);
    merge(table, "k", 5);
    checkpoint(1);
    remove(table, "k");
    EXPECT_EQ(number(table, "k"), std::nullopt);
    auto frozen = store_->freeze(markOf(2));
    EXPECT_EQ(number(table, "k"), std::nullopt);
    must(store_->ingest(std::move(frozen)));
    EXPECT_EQ(number(table, "k"), std::nullopt);
    EXPECT_TRUE(rows(table).empty());
    link();
    merge(table, "k", 2);
    EXPECT_EQ(number(table, "k"), 2);
    remove(table, "k");
    merge(table, "k", 3);
    checkpoint(3);
    EXPECT_EQ(number(table, "k"), 3);
}

TEST_F(StateStoreTest, TheEmptyKeyAndTheEmptyValueAreRows) {
    auto& sums = store_->table(kOperator, 0, ValueKind::kSum);
    auto& texts = store_->table(kOperator, 1, ValueKind::kBytes);
    merge(sums, std::string_view(), 3);
    put(texts, "", std::string_view());
    checkpoint(1);
    merge(sums, "", 4);
    EXPECT_EQ(number(sums, std::string_view()), 7);
    EXPECT_EQ(bytes(texts, std::string_view()), "");
    EXPECT_EQ(rows(texts), (std::map<std::string, std::string>{{"", ""}}));
}

TEST_F(StateStoreTest, ReplacedValuesDoNotPileUp) {
    auto& table = store_->table(kOperator, 0, ValueKind::kBytes);
    for (std::size_t i = 0; i < 20000; ++i) put(table, "k", std::string(10 + i % 1000, 'x'));
    EXPECT_LT(store_->deltaBytes(), 2u << 20);
    EXPECT_EQ(bytes(table, "k")->size(), 10 + 19999 % 1000);
}

TEST_F(StateStoreTest, AFullDeltaIsWrittenOutInsideABatchAndTheMarkStays) {
    checkpoint(1);
    budgetBytes_ = 1 << 20;
    restartFrom("");
    auto& table = store_->table(kOperator, 0, ValueKind::kBytes);
    const std::string value(1000, 'v');
    std::size_t most = 0;
    for (int i = 0; i < 20000; ++i) {
        put(table, "key" + std::to_string(i), value);
        most = std::max(most, store_->deltaBytes());
    }
    EXPECT_LT(most, 3u << 20);
    EXPECT_EQ(must(store_->mark()), std::nullopt);
    EXPECT_EQ(bytes(table, "key0"), value);
    EXPECT_EQ(rows(table).size(), 20000u);
}

TEST_F(StateStoreTest, WithoutADirectoryChangesOverTheBudgetGoToATemporaryOne) {
    StateStoreOptions options;
    options.deltaBudgetBytes = 1 << 20;
    store_ = must(StateStore::openInMemory(options));
    auto& table = store_->table(kOperator, 0, ValueKind::kSum);
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 20000; ++i) merge(table, "key" + std::to_string(i), 1);
    EXPECT_LT(store_->deltaBytes(), 3u << 20);
    EXPECT_EQ(number(table, "key77"), 2);
    EXPECT_EQ(rows(table).size(), 20000u);
}

// Without a checkpoint nothing else would ever take them away, and every walk goes over them.
TEST_F(StateStoreTest, RemovedKeysWithNothingBelowThemAreForgotten) {
    store_ = must(StateStore::openInMemory());
    auto& texts = store_->table(kOperator, 0, ValueKind::kBytes);
    auto& sums = store_->table(kOperator, 1, ValueKind::kSum);
    for (int i = 0; i < 50'000; ++i) {
        const auto key = "key" + std::to_string(i);
        put(texts, key, "value " + key);
        merge(sums, key, 5);
        if (i % 1000 == 0) continue;
        must(texts.rangeOf(key).remove(key));
        must(sums.rangeOf(key).remove(key));
    }
    EXPECT_LT(store_->deltaBytes(), 3u << 20);
    EXPECT_EQ(rows(texts).size(), 50u);
    EXPECT_EQ(bytes(texts, "key49000"), "value key49000");
    EXPECT_EQ(number(sums, "key49000"), 5);
    merge(sums, "key49000", 2);
    merge(sums, "key49001", 3);
    must(store_->spill());
    must(sums.rangeOf("key0").remove("key0"));  // rows are below now
    for (int i = 0; i < 20'000; ++i) {
        const auto key = "other" + std::to_string(i);
        must(sums.rangeOf(key).remove(key));
    }
    EXPECT_EQ(number(sums, "key49000"), 7);
    EXPECT_EQ(number(sums, "key49001"), 3);
    EXPECT_EQ(rows(sums).size(), 50u);
    must(store_->spill());
    EXPECT_EQ(rows(sums).size(), 50u);
    EXPECT_EQ(rows(texts).size(), 50u);
}

TEST_F(StateStoreTest, ADroppedOperatorLeavesNoRows) {
    put(store_->table(core::OperatorId(8), 1, ValueKind::kBytes), "gone", "x");
    put(store_->table(core::OperatorId(9), 1, ValueKind::kBytes), "stays", "x");
    restartFrom(checkpoint(1));
    store_->dropOperator(core::OperatorId(8));
    restartFrom(checkpoint(2));
    EXPECT_TRUE(rows(store_->table(core::OperatorId(8), 1, ValueKind::kBytes)).empty());
    EXPECT_EQ(rows(store_->table(core::OperatorId(9), 1, ValueKind::kBytes)).size(), 1u);
}

TEST_F(StateStoreTest, TheFilesOfAGenerationVerifyAndDamageIsFound) {
    auto& table = store_->table(kOperator, 0, ValueKind::kBytes);
    for (int i = 0; i < 1000; ++i) put(table, "key" + std::to_string(i), "value");
    const auto generation = checkpoint(1);
    store_.reset();
    EXPECT_TRUE(verifyFiles(core::posixFileSystem(), generation).has_value());
    bool damaged = false;
    for (const auto& file : linked_) {
        EXPECT_EQ(must(files().info(generation / file.name)).sizeBytes, file.sizeBytes);
        EXPECT_EQ(file.name.ends_with(".sst"), !file.checksum.empty()) << file.name;
        if (!file.name.ends_with(".sst") || std::exchange(damaged, true)) continue;
        auto opened = must(files().open(generation / file.name, core::OpenMode::kReadWrite));
        must(opened->writeAt(100, "\xFF\xFE"));
    }
    ASSERT_TRUE(damaged);
    const auto verified = verifyFiles(core::posixFileSystem(), generation);
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().kind, core::ErrorKind::kCorrupt) << verified.error().message;
}

// Both a table of numbers and one of bytes, changed at random, against maps.
class AgainstMaps : public StoreFixture, public testing::WithParamInterface<std::uint32_t> {
protected:
    struct Model {
        std::map<std::string, std::uint64_t> sums;
        std::map<std::string, std::string> texts;
    };

    std::string randomKey() {
        const auto n = random_() % 300;
        return n % 7 == 0 ? "a rather long key, number " + std::to_string(n)
                          : "k" + std::to_string(n);
    }

    void changeSomething() {
        const auto key = randomKey();
        switch (random_() % 6) {
            case 0:
            case 1:
                merge(sums(), key, key.size());
                model_.sums[key] += key.size();
                break;
            case 2:
                put(texts(), key,
                    std::string(random_() % 60, static_cast<char>('a' + random_() % 26)));
                model_.texts[key] = *bytes(texts(), key);
                break;
            case 3:
                remove(sums(), key);
                model_.sums.erase(key);
                break;
            case 4:
                remove(texts(), key);
                model_.texts.erase(key);
                break;
            default: put(sums(), key, numberBytes(1)); model_.sums[key] = 1;
        }
    }

    // What updateStateByKey over all keys does: visits every row, replaces and removes some.
    void rewriteAll() {
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
            auto walker = texts().range(range).walk();
            while (must(walker.next())) {
                const std::string key(walker.key());
                if (random_() % 8 == 0) {
                    must(walker.remove());
                    model_.texts.erase(key);
                } else {
                    std::string longer(walker.value());
                    longer += '+';
                    if (longer.size() > 80) longer.clear();
                    must(walker.replace(longer));
                    model_.texts[key] = longer;
                }
                if (random_() % 200 == 0 && !underWay_) must(store_->spill());
            }
        }
    }

    void compare() {
        std::map<std::string, std::string> expected;
        for (const auto& [key, sum] : model_.sums) expected[key] = numberBytes(sum);
        ASSERT_EQ(rows(sums()), expected);
        ASSERT_EQ(rows(texts()), model_.texts);
        std::erase_if(expected, [](const auto& row) { return !row.first.starts_with("k2"); });
        ASSERT_EQ(rows(sums(), "k2"), expected);
        for (int i = 0; i < 20; ++i) {
            const auto key = randomKey();
            const auto sum = model_.sums.find(key);
            ASSERT_EQ(number(sums(), key),
                      sum == model_.sums.end() ? std::nullopt : std::optional(sum->second));
            const auto text = model_.texts.find(key);
            ASSERT_EQ(bytes(texts(), key),
                      text == model_.texts.end() ? std::nullopt : std::optional(text->second));
        }
    }

    StateTable& sums() { return store_->table(kOperator, 0, ValueKind::kSum); }
    StateTable& texts() { return store_->table(kOperator, 1, ValueKind::kBytes); }

    std::mt19937 random_{GetParam()};
    Model model_;
    bool underWay_ = false;
};

TEST_P(AgainstMaps, TheStoreHoldsWhatAMapHolds) {
    Model atCheckpoint, frozenModel;
    core::Path generation;
    FrozenDelta frozen;
    for (int step = 0; step < 120; ++step) {
        for (auto changes = random_() % 60; changes != 0; --changes) changeSomething();
        switch (random_() % 8) {
            case 0:
                if (underWay_) break;
                frozen = store_->freeze(markOf(static_cast<std::uint64_t>(step)));
                frozenModel = model_;
                underWay_ = true;
                break;
            case 1:
            case 2:
                if (!underWay_) break;
                must(store_->ingest(std::move(frozen)));
                compare();
                generation = link();
                atCheckpoint = frozenModel;
                underWay_ = false;
                break;
            case 3:
                if (!underWay_) must(store_->spill());
                break;
            case 4: rewriteAll(); break;
            case 5:
                if (random_() % 3 != 0) break;
                frozen = {};
                underWay_ = false;
                restartFrom(generation);
                model_ = atCheckpoint;
                break;
            default: break;
        }
        compare();
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgainstMaps, testing::Range(1u, 9u));

}  // namespace
}  // namespace tidemill::state
