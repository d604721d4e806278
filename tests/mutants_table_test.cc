// The faults of core/mutant.h, their table and the tests that it names belong together. What finds
// what is for tools/mutants to say; this is the part that needs no build of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

std::string contentOf(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string codeIn(const fs::path& folder) {
    std::string text;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".cc" || entry.path().extension() == ".h")
            text += contentOf(entry.path());
    return text;
}

std::set<std::string> firstGroups(const std::string& text, const std::string& pattern) {
    const std::regex regex(pattern);
    std::set<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
        found.insert((*match)[1]);
    return found;
}

struct Entry {
    std::string what, program, suite, test;
};

class MutantsTable : public testing::Test {
protected:
    MutantsTable() {
        std::ifstream table(root_ / "tests" / "mutants.txt");
        static const std::regex kLine(R"(([a-z_]+) \| (.+) \| ([a-z_]+) \*?(\w+)\.(\w+)\*?)");
        for (std::string line; std::getline(table, line);) {
            if (line.empty() || line.front() == '#') continue;
            std::smatch parts;
            if (!std::regex_match(line, parts, kLine)) wrong_.push_back(line);
            else if (!entries_.emplace(parts[1], Entry{parts[2], parts[3], parts[4], parts[5]})
                          .second)
                wrong_.push_back("twice: " + line);
        }
    }

    std::set<std::string> named() const {
        std::set<std::string> names;
        for (const auto& [name, entry] : entries_) names.insert(name);
        return names;
    }

    const fs::path root_ = TIDEMILL_SOURCE_DIR;
    std::map<std::string, Entry> entries_;
    std::vector<std::string> wrong_;
};

TEST_F(MutantsTable, EveryLineNamesAFaultOnce) {
    EXPECT_THAT(wrong_, IsEmpty());
    EXPECT_GE(entries_.size(), 30u);
}

TEST_F(MutantsTable, ItsFaultsAreThoseOfTheCode) {
    std::set<std::string> inCode;
    for (const char* folder : {"core", "state", "sources", "recovery", "outputs", "tidemill"}) {
        auto code = codeIn(root_ / folder);
        if (folder == std::string("core"))  // the header explains itself with one
            code.erase(code.find(contentOf(root_ / "core" / "mutant.h")),
                       contentOf(root_ / "core" / "mutant.h").size());
        inCode.merge(firstGroups(code, R"(TM_MUTANT\((\w+)\))"));
    }
    EXPECT_EQ(named(), inCode);
}

TEST_F(MutantsTable, ItsTestsAreThere) {
    const auto cmake = [&] {
        std::string text;
        for (const auto& entry : fs::recursive_directory_iterator(root_ / "tests"))
            if (entry.path().filename() == "CMakeLists.txt") text += contentOf(entry.path());
        return text;
    }();
    std::set<std::string> tests;
    const auto code = codeIn(root_ / "tests");
    static const std::regex kTest(R"(TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))");
    for (std::sregex_iterator match(code.begin(), code.end(), kTest), end; match != end; ++match)
        tests.insert((*match)[1].str() + "." + (*match)[2].str());
    std::vector<std::string> missing;
    for (const auto& [name, entry] : entries_) {
        const auto test = entry.suite + "." + entry.test;
        if (tests.count(test) == 0) missing.push_back(name + ": " + test);
        const auto plain = entry.program.substr(0, entry.program.rfind("_test"));
        if (!std::regex_search(cmake, std::regex("\\b" + plain + "(_test)?\\b")))
            missing.push_back(name + ": " + entry.program);
    }
    EXPECT_THAT(missing, IsEmpty());
}

TEST_F(MutantsTable, ThePageShowsIt) {
    const auto page = firstGroups(contentOf(root_ / "docs" / "proof.md"), R"(\n\| `([a-z_]+)` \|)");
    EXPECT_EQ(page, named());
}

}  // namespace
