// Records of CSV that go on over line ends, against a parser that goes byte by byte.
#include "core/csv_records.h"

#include <gtest/gtest.h>

#include "tests/support/csv_reference.h"

namespace tidemill::core {
namespace {

using Records = std::vector<std::string>;

struct Cut {
    Records records;
    std::size_t tooLong = 0;
};

Cut cut(std::string_view text, std::size_t max = 1000, const CsvRecords& csv = {}) {
    Cut all;
    cutCsvRecords(
        text, CsvCutter(csv, max),
        [&](std::string_view record) {
            all.records.emplace_back(record);
            return true;
        },
        [&] { ++all.tooLong; });
    return all;
}

TEST(CsvRecords, ALineEndInQuotesEndsNoRecord) {
    EXPECT_EQ(cut("a,b\n\"c\nd\",e\r\nf\n").records, (Records{"a,b", "\"c\nd\",e", "f"}));
    EXPECT_EQ(cut("a,\"\r\n\r\n\",b\r\nc").records, (Records{"a,\"\r\n\r\n\",b", "c"}));
    EXPECT_EQ(cut("\"a\"\"\n\"\"b\"\nc\n").records, (Records{"\"a\"\"\n\"\"b\"", "c"}));
    EXPECT_EQ(cut("\n\n").records, (Records{"", ""}));
    EXPECT_EQ(cut("").records, Records{});
    EXPECT_EQ(cut("\xEF\xBB\xBF\"a\nb\"\nc").records, (Records{"\xEF\xBB\xBF\"a\nb\"", "c"}));
}

TEST(CsvRecords, AQuoteInsideOfAFieldOpensNone) {
    EXPECT_EQ(cut("5\" disk,a\nb\n").records, (Records{"5\" disk,a", "b"}));
    EXPECT_EQ(cut("\"a\"b\"c\nd\n").records, (Records{"\"a\"b\"c", "d"}));
    EXPECT_EQ(cut("a, \"b\nc\"\n").records, (Records{"a, \"b", "c\""}));
    EXPECT_EQ(cut("a, \"b\nc\"\n", 1000, {',', true}).records, (Records{"a, \"b\nc\""}));
    EXPECT_EQ(cut("a,\"b\nc\"\n", 1000, {';', false}).records, (Records{"a,\"b", "c\""}));
    EXPECT_EQ(cut("a\t\"b\nc\"\n", 1000, {'\t', true}).records, (Records{"a\t\"b\nc\""}));
}

// It fails when it is read, and what comes behind begins anew.
TEST(CsvRecords, AQuoteThatNeverClosesEndsWithTheLinesThatFit) {
    EXPECT_EQ(cut("\"a\nb\nc\nd\n", 4).records, (Records{"\"a\nb", "c", "d"}));
    EXPECT_EQ(cut("\"a\nb\nc\nd\n", 100).records, (Records{"\"a\nb\nc\nd"}));
    EXPECT_EQ(cut("\"a\nb", 100).records, (Records{"\"a\nb"}));
    const auto broken = cut("\"a\n0123456789\nb\n", 4);
    EXPECT_EQ(broken.records, (Records{"\"a", "b"}));
    EXPECT_EQ(broken.tooLong, 1u);
    // Exactly as long as it may be.
    EXPECT_EQ(cut("\"a\nb\"\r\nc\n", 5).records, (Records{"\"a\nb\"", "c"}));
    EXPECT_EQ(cut("\"a\nb\"\r\nc\n", 4).records, (Records{"\"a", "b\"", "c"}));
}

TEST(CsvRecords, AreThoseOfANaiveParser) {
    std::size_t broken = 0, tooLong = 0;
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        std::mt19937 random(seed);
        const CsvRecords csv{random() % 4 == 0 ? '\t' : ',', random() % 2 == 0};
        const std::size_t max = 1 + random() % 40;
        const auto text = test::randomCsv(random, random() % 120);
        const auto wanted = test::cutSlowly(text, csv, max);
        const auto actual = cut(text, max, csv);
        ASSERT_EQ(actual.records, wanted.records) << "seed " << seed << " max " << max;
        ASSERT_EQ(actual.tooLong, wanted.tooLong) << "seed " << seed;
        tooLong += wanted.tooLong;
        broken += wanted.records.size() > cut(text, 1000, csv).records.size();
    }
    EXPECT_GT(tooLong, 100u);
    EXPECT_GT(broken, 100u);
}

}  // namespace
}  // namespace tidemill::core
