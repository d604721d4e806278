// Mutated and random bytes as expressions and queries: what the fuzz target does, by itself.
#include "tests/rows/sql_bytes.h"

#include <random>

#include "core/format.h"
#include "tests/rows/random_expression.h"
#include "tests/rows/random_query.h"

namespace tidemill::rows::test {
namespace {

std::string shown(std::string_view bytes) {
    std::string text;
    core::appendPrintable(text, bytes);
    return text;
}

class SqlBytes : public testing::TestWithParam<unsigned> {};

TEST_P(SqlBytes, AreComputedOrRefused) {
    const unsigned seed = GetParam();
    std::mt19937_64 random(seed);
    RandomExpression expressions(seed);
    RandomQuery queries(seed);
    const std::string alphabet =
        "()'\"$,.;:*/+-%^~|&<>=![]{}\\\n 0123456789eExX_abijnrqstuvw\xc3\xa9\xff";
    const std::vector<std::string> words = {"select ",
                                            " from ",
                                            " where ",
                                            " group by ",
                                            " having ",
                                            " case when ",
                                            " end ",
                                            " null ",
                                            " not ",
                                            "::",
                                            " in (",
                                            " between ",
                                            " like ",
                                            "interval '1 day'",
                                            "9223372036854775807",
                                            "1e400",
                                            " over ()",
                                            " union ",
                                            "tumble('1 minute')",
                                            "running()",
                                            "extract(year from w)",
                                            "E'\\x41'",
                                            "$$",
                                            "U&'\\0041'",
                                            "(((((",
                                            "array[1]",
                                            "/*",
                                            "--"};
    const auto mutated = [&](std::string text) {
        for (std::size_t n = random() % 5; n > 0 && !text.empty(); --n) {
            const std::size_t at = random() % text.size();
            switch (random() % 5) {
                case 0: text.erase(at, 1 + random() % 12); break;
                case 1: text.insert(at, text.substr(random() % text.size(), random() % 24)); break;
                case 2: text[at] = alphabet[random() % alphabet.size()]; break;
                case 3: text.insert(at, words[random() % words.size()]); break;
                default: text[at] = static_cast<char>(random());
            }
        }
        return text;
    };
    std::size_t refused = 0, computed = 0, planned = 0;
    constexpr Type kTypes[] = {Type::kInt,  Type::kFloat, Type::kBool,
                               Type::kText, Type::kTime,  Type::kJson};
    for (int i = 0; i < 1500; ++i) {
        const bool isExpression = random() % 2 == 0;
        const auto text = mutated(isExpression ? expressions.of(kTypes[random() % 6], 3).mine
                                               : queries.next().mine);
        const auto outcome =
            trySql((isExpression ? "e" : "f") + text, [&](const std::string& what) {
                ADD_FAILURE() << what << "\nof " << shown(text) << "\nseed " << seed;
            });
        refused += outcome == SqlOutcome::kRefused;
        computed += outcome == SqlOutcome::kExpression;
        planned += outcome == SqlOutcome::kQuery;
    }
    EXPECT_GT(refused, 100u);
    EXPECT_GT(computed, 50u);
    EXPECT_GT(planned, 50u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SqlBytes, testing::Range(0u, 6u));

// What a parser that calls itself could be led to.
TEST(SqlBytes, NestingOfAnyDepthIsAnAnswer) {
    const auto nested = [](const std::string& open, const std::string& core,
                           const std::string& close, int depth) {
        std::string text = "e";
        for (int i = 0; i < depth; ++i) text += open;
        text += core;
        for (int i = 0; i < depth; ++i) text += close;
        return text;
    };
    const auto fails = [](const std::string& what) { ADD_FAILURE() << what; };
    for (const int depth : {10, 100, 1000, 10'000, 30'000}) {
        trySql(nested("(", "i", ")", depth), fails);
        trySql(nested("not ", "b", "", depth), fails);
        trySql(nested("-", "i", "", depth), fails);
        trySql(nested("", "i", "+i", depth), fails);
        trySql(nested("abs(", "i", ")", depth), fails);
        trySql(nested("case when b then ", "i", " end", depth), fails);
        trySql(nested("", "i", "::float", depth), fails);
        trySql(nested("i in (", "i", ")", depth), fails);
        trySql(nested("", "s", " || s", depth), fails);
        trySql(nested("b and ", "b", "", depth), fails);
        trySql("f" + nested("(", "select i from r", ")", depth).substr(1), fails);
        trySql("fselect " + nested("(", "i", ")", depth).substr(1) + " from r", fails);
        trySql("fselect i from r where " + nested("not ", "b", "", depth).substr(1), fails);
    }
}

}  // namespace
}  // namespace tidemill::rows::test
