#include "state/state_reader.h"

#include <gtest/gtest.h>

#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

class StateReaderTest : public StoreFixture {
protected:
    using Rows = std::vector<std::pair<std::string, std::string>>;
    static Rows scan(const StateReader& reader, const ScanOptions& options = {}) {
        Rows rows;
        must(reader.scan(kOperator, 0, options, [&](std::string_view key, std::string_view value) {
            rows.emplace_back(key, value);
            return true;
        }));
        return rows;
    }

    // 2,000 sums in two ingests, and the position of a lane.
    core::Path generationOfSums() {
        auto& table = store_->table(kOperator, 0, ValueKind::kSum);
        for (std::uint64_t i = 0; i < 2000; ++i) merge(table, "key" + std::to_string(i), i);
        checkpoint(1);
        for (std::uint64_t i = 0; i < 2000; ++i) merge(table, "key" + std::to_string(i), 1);
        put(store_->table(core::kSystemOperator, kLaneTable, ValueKind::kBytes), "harbour",
            numberBytes(12));
        auto mark = markOf(2);
        mark.operators = {{kOperator, "totals", "runningTotals key=string value=i64"}};
        must(store_->ingest(store_->freeze(mark)));
        return link();
    }
};

TEST_F(StateReaderTest, RowsComeInTheOrderOfTheirKeyBytes) {
    const auto reader = must(StateReader::open(generationOfSums()));
    const auto rows = scan(*reader);
    ASSERT_EQ(rows.size(), 2000u);
    EXPECT_TRUE(std::ranges::is_sorted(rows));
    for (const auto& [key, value] : rows)
        EXPECT_EQ(value, numberBytes(std::stoull(key.substr(3)) + 1)) << key;
}

TEST_F(StateReaderTest, AScanKeepsToItsPrefixItsBoundsAndItsLimit) {
    const auto reader = must(StateReader::open(generationOfSums()));
    EXPECT_EQ(scan(*reader, {.prefix = "key19"}).size(), 111u);
    EXPECT_EQ(scan(*reader, {.from = "key1998"}).front().first, "key1998");
    EXPECT_EQ(scan(*reader, {.to = "key10"}),
              (Rows{{"key0", numberBytes(1)}, {"key1", numberBytes(2)}}));
    const auto some = scan(*reader, {.prefix = "key5", .from = "key55", .to = "key57", .limit = 3});
    ASSERT_EQ(some.size(), 3u);
    EXPECT_EQ(some.front().first, "key55");
    EXPECT_EQ(some.back().first, "key551");
    EXPECT_TRUE(scan(*reader, {.prefix = "nothing"}).empty());
}

TEST_F(StateReaderTest, TablesAreNamedByTheMark) {
    const auto reader = must(StateReader::open(generationOfSums()));
    EXPECT_EQ(reader->mark().batch, core::BatchId(2));
    const auto tables = must(reader->tables(true));
    ASSERT_EQ(tables.size(), 2u);
    EXPECT_EQ(tables[0].operatorId, core::kSystemOperator);
    EXPECT_EQ(tables[0].number, kLaneTable);
    EXPECT_EQ(tables[0].rows, 1u);
    EXPECT_EQ(tables[1].operatorName, "totals");
    EXPECT_EQ(tables[1].signature, "runningTotals key=string value=i64");
    EXPECT_EQ(tables[1].kind, ValueKind::kSum);
    EXPECT_EQ(tables[1].rows, 2000u);
    EXPECT_EQ(must(reader->tables(false)).size(), 2u);
}

TEST_F(StateReaderTest, OneKeyIsFoundOrNot) {
    const auto reader = must(StateReader::open(generationOfSums()));
    EXPECT_EQ(must(reader->get(kOperator, 0, "key41")), numberBytes(42));
    EXPECT_EQ(must(reader->get(kOperator, 0, "key41x")), std::nullopt);
    EXPECT_EQ(must(reader->get(core::kSystemOperator, kLaneTable, "harbour")), numberBytes(12));
}

TEST_F(StateReaderTest, AGenerationThatIsRemovedWhileOpenCanStillBeRead) {
    const auto generation = generationOfSums();
    const auto before = must(files().list(generation));
    const auto reader = must(StateReader::open(generation));
    EXPECT_EQ(must(files().list(generation)), before) << "a reader wrote something";
    must(files().removeTree(generation));
    EXPECT_EQ(scan(*reader).size(), 2000u);
}

TEST_F(StateReaderTest, NoGenerationIsAnError) {
    const auto reader = StateReader::open(root_ / "no such generation");
    ASSERT_FALSE(reader.has_value());
    EXPECT_FALSE(files().exists(root_ / "no such generation"));
}

}  // namespace
}  // namespace tidemill::state
