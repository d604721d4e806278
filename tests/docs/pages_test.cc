// What a page says of other files holds: links lead somewhere, tables are whole, every page can be
// reached from the README, and the program in the README is the example.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
}

// The lines of a page outside of blocks of code; those inside are empty.
std::vector<std::string> proseOf(const fs::path& page) {
    std::vector<std::string> lines;
    std::ifstream in(page);
    bool isCode = false;
    for (std::string line; std::getline(in, line);) {
        const bool isFence = line.starts_with("```");
        if (isFence) isCode = !isCode;
        lines.push_back(isCode || isFence ? "" : line);
    }
    return lines;
}

std::vector<fs::path> pagesOf(const fs::path& root) {
    std::vector<fs::path> pages;
    for (const auto& file : fs::directory_iterator(root))
        if (file.path().extension() == ".md") pages.push_back(file.path());
    if (fs::exists(root / "docs"))
        for (const auto& file : fs::recursive_directory_iterator(root / "docs"))
            if (file.path().extension() == ".md") pages.push_back(file.path());
    std::sort(pages.begin(), pages.end());
    return pages;
}

// "## What a start asks, and what answers" as links name it: what-a-start-asks-and-what-answers.
std::string anchorOf(const std::string& heading) {
    std::string anchor;
    for (const char c : heading.substr(heading.find(' ') + 1)) {
        if (c == ' ') anchor += '-';
        if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_')
            anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return anchor;
}

bool hasAnchor(const fs::path& page, const std::string& anchor) {
    for (const auto& line : proseOf(page))
        if (line.starts_with("#") && anchorOf(line) == anchor) return true;
    return false;
}

struct Link {
    std::string place;  // page and line
    std::string text;
    fs::path target;
    std::string anchor;
};

// Links to files of the repository.
std::vector<Link> linksOf(const fs::path& root, const fs::path& page) {
    static const std::regex kLink(R"(\]\(([^)#\s]*)(?:#([^)\s]*))?\))");
    std::vector<Link> links;
    const auto lines = proseOf(page);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), kLink), end; it != end;
             ++it) {
            const std::string to = (*it)[1];
            if (to.find("://") != to.npos) continue;
            links.push_back({page.lexically_relative(root).string() + ":" + std::to_string(i + 1),
                             it->str(), to.empty() ? page : (page.parent_path() / to), (*it)[2]});
        }
    }
    return links;
}

std::vector<std::string> brokenLinks(const fs::path& root) {
    std::vector<std::string> broken;
    for (const auto& page : pagesOf(root))
        for (const auto& link : linksOf(root, page))
            if (!fs::exists(link.target) ||
                (!link.anchor.empty() && !hasAnchor(link.target, link.anchor)))
                broken.push_back(link.place + " " + link.text);
    return broken;
}

std::vector<std::string> unreachablePages(const fs::path& root) {
    std::vector<fs::path> waiting{root / "README.md"};
    std::set<fs::path> reached(waiting.begin(), waiting.end());
    while (!waiting.empty()) {
        const auto page = waiting.back();
        waiting.pop_back();
        for (const auto& link : linksOf(root, page)) {
            std::vector<fs::path> targets{link.target.lexically_normal()};
            if (fs::is_directory(link.target)) {
                targets.clear();
                for (const auto& file : fs::directory_iterator(link.target))
                    targets.push_back(file.path().lexically_normal());
            }
            for (const auto& target : targets)
                if (target.extension() == ".md" && fs::exists(target) &&
                    reached.insert(target).second)
                    waiting.push_back(target);
        }
    }
    std::vector<std::string> missing;
    for (const auto& page : pagesOf(root))
        if (page.parent_path() != root && !reached.contains(page.lexically_normal()))
            missing.push_back(page.lexically_relative(root).string());
    return missing;
}

// Columns of a table's row; what stands in backticks is no border.
std::size_t columnsOf(const std::string& row) {
    std::size_t columns = 0;
    bool isCode = false;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] == '`') isCode = !isCode;
        if (row[i] == '|' && !isCode && (i == 0 || row[i - 1] != '\\')) ++columns;
    }
    return columns;
}

std::vector<std::string> brokenTables(const fs::path& root) {
    std::vector<std::string> broken;
    for (const auto& page : pagesOf(root)) {
        auto lines = proseOf(page);
        lines.emplace_back();
        std::size_t first = 0;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (!lines[i].starts_with("|")) {
                first = i + 1;
                continue;
            }
            const bool isRuler =
                lines[i].starts_with("|-") && lines[i].find_first_not_of("|- ") == lines[i].npos;
            const bool hasRuler = i + 1 < lines.size() && lines[i + 1].starts_with("|-");
            if ((i == first && !hasRuler) || isRuler != (i == first + 1) ||
                columnsOf(lines[i]) != columnsOf(lines[first]))
                broken.push_back(page.lexically_relative(root).string() + ":" +
                                 std::to_string(i + 1));
        }
    }
    return broken;
}

// Files of the repository that a page names in backticks, such as `core/graph.h`; NAME stands for
// any.
std::vector<std::string> namedFilesThatAreGone(const fs::path& root) {
    static const std::regex kNamed(
        R"(`((?:core|sources|recovery|state|tidemill|rows|tools|tests|bench|examples|docs)/[\w/]+\.(?:h|cc|md|toml))`)");
    std::vector<std::string> gone;
    for (const auto& page : pagesOf(root)) {
        if (page.filename() == "CHANGELOG.md") continue;
        const auto lines = proseOf(page);
        for (std::size_t i = 0; i < lines.size(); ++i)
            for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), kNamed), end; it != end;
                 ++it)
                if (it->str().find("NAME") == std::string::npos &&
                    !fs::exists(root / (*it)[1].str()))
                    gone.push_back(page.lexically_relative(root).string() + ":" +
                                   std::to_string(i + 1) + " " + it->str());
    }
    return gone;
}

// Suites and tests of the sources: "Kill.NothingIsLostOrDoubledWheneverItComes".
std::set<std::string> testsOf(const fs::path& root) {
    static const std::regex kTest(R"(TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))");
    std::set<std::string> tests;
    if (!fs::exists(root / "tests")) return tests;
    for (const auto& file : fs::recursive_directory_iterator(root / "tests")) {
        if (file.path().extension() != ".cc") continue;
        const auto code = contentOf(file.path());
        for (std::sregex_iterator it(code.begin(), code.end(), kTest), end; it != end; ++it)
            tests.insert((*it)[1].str() + "." + (*it)[2].str());
    }
    return tests;
}

// Tests that a page names in backticks, by suite and test, such as `Pages.LinksLeadSomewhere`.
std::vector<std::string> namedTestsThatAreGone(const fs::path& root, std::size_t& named) {
    static const std::regex kNamed(R"(`([A-Z][a-z]\w*\.[A-Z][A-Za-z]\w{7,})`)");
    const auto tests = testsOf(root);
    std::vector<std::string> gone;
    for (const auto& page : pagesOf(root)) {
        const auto lines = proseOf(page);
        for (std::size_t i = 0; i < lines.size(); ++i)
            for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), kNamed), end; it != end;
                 ++it, ++named)
                if (!tests.contains((*it)[1]))
                    gone.push_back(page.lexically_relative(root).string() + ":" +
                                   std::to_string(i + 1) + " " + it->str());
    }
    return gone;
}

class Pages : public testing::Test {
protected:
    const fs::path root_ = TIDEMILL_SOURCE_DIR;

    // A tree of its own, to see the checks fail.
    fs::path treeWith(const std::string& text) {
        std::string name = testing::TempDir() + "pages_XXXXXX";
        tree_ = ::mkdtemp(name.data());
        fs::create_directories(tree_ / "docs");
        std::ofstream(tree_ / "README.md") << "# Title\n[a](docs/a.md)\n";
        std::ofstream(tree_ / "docs" / "a.md") << text;
        return tree_;
    }
    void TearDown() override {
        if (!tree_.empty()) fs::remove_all(tree_);
    }

private:
    fs::path tree_;
};

TEST_F(Pages, LinksLeadSomewhere) { EXPECT_THAT(brokenLinks(root_), IsEmpty()); }

TEST_F(Pages, FilesTheyNameAreThere) { EXPECT_THAT(namedFilesThatAreGone(root_), IsEmpty()); }

TEST_F(Pages, TestsTheyNameAreThere) {
    std::size_t named = 0;
    EXPECT_THAT(namedTestsThatAreGone(root_, named), IsEmpty());
    EXPECT_GT(named, 90u);
}

TEST_F(Pages, TablesAreWhole) { EXPECT_THAT(brokenTables(root_), IsEmpty()); }

TEST_F(Pages, EveryPageCanBeReachedFromTheReadme) {
    EXPECT_THAT(unreachablePages(root_), IsEmpty());
}

TEST_F(Pages, TheProgramOfTheReadmeIsTheExample) {
    const auto example = contentOf(root_ / "examples" / "network_word_count.cc");
    const auto program = example.substr(example.find("#include"));
    EXPECT_NE(contentOf(root_ / "README.md").find("```cpp\n" + program + "```\n"),
              std::string::npos);
}

// Line by line: what the page shows of the code stands in the code.
TEST_F(Pages, TheOperatorThatIsExplainedIsTheOneInTheCode) {
    std::set<std::string> known;
    const auto trimmed = [](const std::string& line) {
        const auto begin = line.find_first_not_of(' ');
        return begin == line.npos ? std::string() : line.substr(begin);
    };
    for (const char* file : {"core/operators/filter.h", "tidemill/dstream.h"}) {
        std::istringstream code(contentOf(root_ / file));
        for (std::string line; std::getline(code, line);) known.insert(trimmed(line));
    }
    std::istringstream page(contentOf(root_ / "docs" / "adding_an_operator.md"));
    bool isCode = false;
    int shown = 0;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("```")) {
            isCode = !isCode;
        } else if (isCode && !line.empty()) {
            EXPECT_TRUE(known.contains(trimmed(line))) << line;
            ++shown;
        }
    }
    EXPECT_GT(shown, 30);
}

TEST_F(Pages, LinksThatLeadNowhereAreFound) {
    const auto tree = treeWith(
        "# A page\n[here](#a-page) [gone](b.md)\n[no heading](#b-page)\n```\n[code](c.md)\n```\n");
    EXPECT_THAT(brokenLinks(tree), ElementsAre("docs/a.md:2 ](b.md)", "docs/a.md:3 ](#b-page)"));
}

TEST_F(Pages, ANamedFileThatIsGoneIsFound) {
    const auto tree = treeWith("See `docs/a.md`, `core/gone.h` and `x/y.h`.\n");
    EXPECT_THAT(namedFilesThatAreGone(tree), ElementsAre("docs/a.md:1 `core/gone.h`"));
}

TEST_F(Pages, ANamedTestThatIsGoneIsFound) {
    const auto tree = treeWith("`Kill.NothingOfThatIsThere`, `Kill.NothingIsLost` and `A.b`.\n");
    fs::create_directories(tree / "tests");
    std::ofstream(tree / "tests" / "a.cc") << "TEST_F(Kill,\n       NothingIsLost) {}\n";
    std::size_t named = 0;
    EXPECT_THAT(namedTestsThatAreGone(tree, named),
                ElementsAre("docs/a.md:1 `Kill.NothingOfThatIsThere`"));
    EXPECT_EQ(named, 2u);
}

TEST_F(Pages, ATableThatAnEmptyLineCutsIsFound) {
    const auto tree = treeWith("| a | b |\n|---|---|\n| 1 | `x|y` |\n\n| 2 | 3 |\n| 4 | 5 |\n");
    EXPECT_THAT(brokenTables(tree), ElementsAre("docs/a.md:5", "docs/a.md:6"));
    EXPECT_THAT(brokenTables(treeWith("| a | b |\n|---|---|\n| 1 |\n")),
                ElementsAre("docs/a.md:3"));
}

TEST_F(Pages, APageThatNobodyLinksToIsFound) {
    const auto tree = treeWith("# A page\n");
    std::ofstream(tree / "docs" / "b.md") << "# Alone\n";
    EXPECT_THAT(unreachablePages(tree), ElementsAre("docs/b.md"));
}

}  // namespace
