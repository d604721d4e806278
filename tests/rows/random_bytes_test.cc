// Any bytes through every reader: a row or a message, never a read outside of the record (under the
// address sanitizer) and never a JSON column that is none.
#include <algorithm>
#include <random>

#include "rows/parse_value.h"
#include "tests/rows/reader_cases.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

class RandomBytes : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomBytes, AreReadOrRefused) {
    const ReaderCase& tried = readerCases()[GetParam()];
    const auto reader = tried.make();
    ASSERT_TRUE(reader) << reader.error().message;
    const auto rowReader = (*reader)->makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));
    const std::uint64_t seed = 41 + GetParam();
    std::mt19937_64 random(seed);
    std::string alphabet;
    for (const auto& text : tried.seeds) alphabet += text;
    const auto mutated = [&] {
        std::string text = tried.seeds[random() % tried.seeds.size()];
        if (random() % 16 == 0) {
            text.resize(random() % 40);
            for (char& c : text) c = static_cast<char>(random());
        }
        for (std::size_t n = random() % 4; n > 0 && !text.empty(); --n) {
            const std::size_t at = random() % text.size();
            switch (random() % 4) {
                case 0: text.erase(at, 1 + random() % 8); break;
                case 1: text.insert(at, text.substr(random() % text.size(), random() % 16)); break;
                case 2: text[at] = alphabet[random() % alphabet.size()]; break;
                default: text[at] = static_cast<char>(random());
            }
        }
        return text;
    };
    std::size_t read = 0;
    std::size_t refused = 0;
    // A chunk of one block as a source has them, so that readers see what follows a record.
    for (int chunk = 0; chunk < 25; ++chunk) {
        std::vector<std::string> texts(1 + random() % kChunkRows);
        std::size_t bytes = 0;
        for (auto& text : texts) {
            text = mutated();
            bytes += text.size() + 1;
        }
        const auto block = std::make_unique<char[]>(bytes - 1);  // nothing behind the last
        std::vector<std::string_view> records;
        std::size_t at = 0;
        for (const auto& text : texts) {
            if (!records.empty()) block[at++] = '\n';
            std::copy(text.begin(), text.end(), block.get() + at);
            records.emplace_back(block.get() + at, text.size());
            at += text.size();
        }
        core::Arena arena;
        RowFailures failures;
        const auto columns = rowReader->read(records, arena, failures);
        ASSERT_EQ(columns.size(), (*reader)->schema().size());
        for (const auto& [row, message] : failures.all()) {
            ASSERT_FALSE(message.empty());
            ASSERT_LT(message.size(), 600u) << message;
        }
        std::string json;
        for (std::size_t row = 0; row < records.size(); ++row) {
            if (failures.failed(row)) {
                ++refused;
                continue;
            }
            ++read;
            for (const Column& column : columns) {
                json.clear();
                appendJson(json, column, row);
                ASSERT_TRUE(isJson(json)) << json << "\nof " << records[row] << "\nseed " << seed;
            }
        }
    }
    EXPECT_GT(read, 100u);
    // Split at a separator and pairs take nearly anything.
    EXPECT_GT(refused, 20u);
}

INSTANTIATE_TEST_SUITE_P(Readers, RandomBytes, testing::Range<std::size_t>(0, readerCases().size()),
                         [](const auto& tried) { return readerCases()[tried.param].name; });

}  // namespace
}  // namespace tidemill::rows
