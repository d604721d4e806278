// Rows of bursts that do not fit into memory: batches that are read from the log as they run, whose
// blocks go as soon as the steps are done with them.
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "rows/aggregate.h"
#include "rows/operators/groups.h"
#include "rows/outputs.h"
#include "tests/rows/row_rig.h"
#include "tests/tidemill/burst_rig.h"

namespace tidemill::rows::test {
namespace {

using core::orThrow;
using tidemill::test::Burst;
using tidemill::test::burstOptions;
using tidemill::test::kMebi;
using tidemill::test::Life;
using tidemill::test::TemporaryDirectory;

constexpr std::size_t kBurstBytes = 24 * kMebi;

// "key17 4711 red,green …": every 7th has no number, every 11th no text.
std::string lineOf(std::uint64_t number) {
    std::string line = "key" + std::to_string(number % 300) + " ";
    line += number % 7 == 0 ? "-" : std::to_string(number);
    line += number % 11 == 0 ? " - " : " red,tone" + std::to_string(number % 40) + " ";
    line.resize(std::max<std::size_t>(line.size() + 1, 90), '.');
    line.back() = '\n';
    return line;
}

const std::vector<ColumnSpec> kColumns{
    {"key", Type::kText}, {"n", Type::kInt}, {"tones", Type::kText}};

std::shared_ptr<const Expression> expression(const char* sql, const RowStream& rows) {
    return orThrow(parseExpression(sql, rows.schema));
}

// A count, a sum, a text and a set of each key: what is kept in a slot, and as objects.
RowStream totals(const RowStream& rows, const std::string& key = "key") {
    Aggregation how;
    how.key = {key};
    how.compute = {{"rows", "count()"},
                   {"sum", "sum(n)"},
                   {"least", "min(tones)"},
                   {"kinds", "count(distinct tones)"}};
    if (key != "key") how.compute.resize(2);
    return orThrow(aggregate(rows, how));
}

// What steps make of a burst: rows that are printed, added up over batches by what they begin with.
struct Case {
    const char* name;
    std::function<RowStream(const RowStream&)> make;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"aggregate", [](const RowStream& rows) { return totals(rows); }},
        {"aggregateByText", [](const RowStream& rows) { return totals(rows, "tones"); }},
        {"where",
         [](const RowStream& rows) {
             return totals(where(rows, expression("n % 3 = 0 or tones like '%tone7'", rows)));
         }},
        {"textsOfRowsThatAreLeftOut",
         [](const RowStream& rows) {
             const auto few = where(rows, expression("n % 1000 = 1", rows));
             return totals(
                 orThrow(compute(
                     few,
                     {{"tones", expression("coalesce(nullif(tones, 'red,tone1'), key)", few)}})),
                 "tones");
         }},
        {"compute",
         [](const RowStream& rows) {
             return totals(
                 orThrow(compute(
                     rows,
                     {{"n", expression("n * 2", rows)},
                      {"tones",
                       expression("case when n % 2 = 0 then upper(tones) else tones end", rows)}})),
                 "tones");
         }},
        {"explode",
         [](const RowStream& rows) {
             return totals(orThrow(explode(rows, "tones", ",")), "tones");
         }},
        {"unionOfSelected",
         [](const RowStream& rows) {
             const auto odd = where(rows, expression("n % 2 = 1", rows));
             return totals(orThrow(unite(rows, orThrow(select(odd, {"tones", "n", "key"})))));
         }},
    };
    return all;
}

using Totals = std::map<std::string, std::int64_t>;

class RowBursts : public ::testing::TestWithParam<Case> {};

TEST_P(RowBursts, AreTakenInBatchesLargerThanMemory) {
    const auto burst = Burst::of(kBurstBytes, lineOf);
    const auto run = [&](const StreamingOptions& options) {
        Life life(options);
        std::mutex mutex;
        Totals sums;
        const auto lines = life.context().listenTextStream("127.0.0.1", 0);
        const auto rows = GetParam().make(rowsOf(lines, kColumns));
        textsOf(rows, [](const Chunk& chunk, std::size_t row) {
            const Column& key = chunk.columns[0];
            std::string text(key.isNull(row) ? "-" : key.as<Type::kText>()[row]);
            for (const std::size_t sum : {1, 2})
                text += " " + (chunk.columns[sum].isNull(row)
                                   ? "0"
                                   : std::to_string(chunk.columns[sum].as<Type::kInt>()[row]));
            return text;
        }).forEachBatch([&](Batch<std::string>& batch) {
            std::lock_guard lock(mutex);
            batch.forEach([&](const std::string& text) {
                const auto first = text.find(' '), second = text.rfind(' ');
                sums[text.substr(0, first)] += std::stoll(text.substr(first));
                sums["sum of " + text.substr(0, first)] += std::stoll(text.substr(second));
            });
        });
        life.start();
        receive(life, burst.text);
        const auto batches = HasFatalFailure() ? 0 : runAll(life, burst.text.size());
        life.context().stop();
        return std::pair(sums, batches);
    };
    TemporaryDirectory directory;
    const auto small = burstOptions(directory / "small");
    const auto [sums, batches] = run(small);
    if (HasFailure()) return;
    EXPECT_LE(batches, burst.text.size() / small.maxBatchBytes / 2 + 1)
        << "batches are no larger than memory";
    auto large = burstOptions(directory / "large");
    large.maxBatchBytes = 256 * kMebi;
    large.receiveBudgetBytes = 512 * kMebi;
    EXPECT_EQ(sums, run(large).first);
}

INSTANTIATE_TEST_SUITE_P(Steps, RowBursts, ::testing::ValuesIn(cases()),
                         [](const auto& job) { return std::string(job.param.name); });

}  // namespace
}  // namespace tidemill::rows::test
