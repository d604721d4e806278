// What a record costs a reader in allocations: none.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/cut_lines.h"
#include "tests/rows/reader_cases.h"
#include "tests/tidemill/allocation_count.h"

namespace tidemill::rows {
namespace {

using tidemill::test::allocationCount;

std::uint64_t allocationsOf(const Reader& reader, const std::vector<std::string>& seeds) {
    std::string text;
    for (std::size_t i = 0; i < kChunkRows; ++i) text += seeds[i % seeds.size()] + "\n";
    std::vector<std::string_view> records;
    core::cutLines(text, [&](std::string_view line) {
        records.push_back(line);
        return true;
    });
    const auto rowReader = reader.makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));
    core::Arena arena;
    RowFailures failures;
    // Some of the records cannot be read; a message may cost what it likes.
    rowReader->read(records, arena, failures);
    std::size_t row = 0;
    std::erase_if(records, [&](std::string_view) { return failures.failed(row++); });
    failures.clear();
    EXPECT_GE(records.size(), kChunkRows / 2);
    std::uint64_t before = 0;
    constexpr int kWarm = 10;
    for (int chunk = 0; chunk < 2 * kWarm; ++chunk) {
        if (chunk == kWarm) before = allocationCount();
        rowReader->read(records, arena, failures);
        arena.reset();
        for (const auto& [row, message] : failures.all()) ADD_FAILURE() << message;
        failures.clear();
    }
    return allocationCount() - before;
}

TEST(ReaderAllocations, ARecordCostsNone) {
    for (const auto& tried : readerCases()) {
        // RE2 keeps what it has tried in memory of each match, unless the pattern leaves no choice.
        if (tried.name == "regex") continue;
        EXPECT_EQ(allocationsOf(**tried.make(), tried.seeds), 0u) << tried.name;
    }
    const auto regex =
        makeRegexReader({field("a", "1"), field("b", "2", Type::kInt)}, {R"(^([a-z]+) (\d+)$)"});
    EXPECT_EQ(allocationsOf(**regex, {"abc 12"}), 0u);
}

}  // namespace
}  // namespace tidemill::rows
