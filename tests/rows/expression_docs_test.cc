// docs/expressions.md has every function, and none that is not there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "rows/expressions/function_table.h"
#include "tests/rows/expression_rig.h"

namespace tidemill::rows::test {
namespace {

constexpr std::string_view kBegin = "<!-- functions: checked against the code by a test -->\n";
constexpr std::string_view kEnd = "<!-- end of functions -->\n";

std::string contentOf(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string functionTables() {
    std::string text;
    for (const auto& family : expressions::functionFamilies()) {
        text += "\n### " + family.heading + "\n\n| Function | Type | Meaning |\n|---|---|---|\n";
        for (const auto& function : family.functions) {
            // Functions behind an operator are shown as it.
            const bool isOperator =
                function.name.starts_with("json_get") || function.name.starts_with("json_path") ||
                function.name == "textcat" || function.name == "like" || function.name == "ilike";
            text += "| " + (isOperator ? std::string() : "`" + function.signature() + "`") + " | " +
                    toString(function.result) + " | " + function.meaning + " |\n";
        }
    }
    return text + "\n";
}

// With TIDEMILL_WRITE_DOCS set the page is brought up to date instead.
TEST(ExpressionDocs, HaveEveryFunction) {
    const std::string path = std::string(TIDEMILL_SOURCE_DIR) + "/docs/expressions.md";
    std::string page = contentOf(path);
    const auto begin = page.find(kBegin), end = page.find(kEnd);
    ASSERT_NE(begin, std::string::npos) << path;
    ASSERT_NE(end, std::string::npos) << path;
    const auto from = begin + kBegin.size();
    if (std::getenv("TIDEMILL_WRITE_DOCS") != nullptr) {
        page.replace(from, end - from, functionTables());
        std::ofstream(path) << page;
        return;
    }
    EXPECT_EQ(page.substr(from, end - from), functionTables())
        << "run this test with TIDEMILL_WRITE_DOCS=1 to bring the page up to date";
}

// Examples of the page: "`EXPRESSION` is `VALUE`" in a line of its own list.
TEST(ExpressionDocs, ExamplesAreTrue) {
    std::istringstream page(contentOf(std::string(TIDEMILL_SOURCE_DIR) + "/docs/expressions.md"));
    std::size_t count = 0;
    for (std::string line; std::getline(page, line);) {
        const auto middle = line.find("` is `");
        if (!line.starts_with("- `") || middle == std::string::npos) continue;
        const auto end = line.find('`', middle + 6);
        ASSERT_NE(end, std::string::npos) << line;
        EXPECT_EQ(valueOf(line.substr(3, middle - 3)), line.substr(middle + 6, end - middle - 6))
            << line;
        ++count;
    }
    EXPECT_GE(count, 10u);
}

TEST(ExpressionFunctions, AreEachNamedByTheirSignatureOnce) {
    std::set<std::string> seen;
    for (const auto& family : expressions::functionFamilies())
        for (const auto& function : family.functions)
            EXPECT_TRUE(seen.insert(function.signature()).second) << function.signature();
}

}  // namespace
}  // namespace tidemill::rows::test
