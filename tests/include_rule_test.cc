// The layers, as the #include lines have them: core includes no other folder; state, sources,
// outputs and recovery do not include each other, sources and outputs may include rdkafka, sources
// aws; examples see only tidemill/; nothing includes tests; what a user's program includes brings in
// no heavy library.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::set<std::string> kFolders = {"core",     "state",   "sources",  "recovery", "aws",
                                        "rdkafka",  "outputs", "tidemill", "rows",     "tools",
                                        "examples", "bench",   "tests",    "python"};

const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"core", {"core"}},
    {"state", {"core", "state"}},
    {"aws", {"core", "aws"}},
    {"rdkafka", {"core", "rdkafka"}},
    {"sources", {"core", "aws", "rdkafka", "sources"}},
    {"recovery", {"core", "recovery"}},
    {"outputs", {"core", "rdkafka", "outputs"}},
    {"tidemill", {"core", "state", "sources", "recovery", "outputs", "tidemill"}},
    {"rows", {"core", "state", "outputs", "tidemill", "rows"}},
    {"python", {"core", "state", "tidemill", "rows", "python"}},
    {"examples", {"tidemill"}},
    {"tools", {"core", "state", "sources", "recovery", "outputs", "tidemill", "rows", "tools"}},
    {"bench",
     {"core", "state", "aws", "rdkafka", "sources", "recovery", "outputs", "tidemill", "rows",
      "tools", "bench"}},
};

// Libraries a user's translation unit must not pay for.
const std::set<std::string> kNotPublic = {
    "asio",         "asio.hpp", "rocksdb",    "spdlog",    "CLI",  "toml++",    "librdkafka",
    "microhttpd.h", "zlib.h",   "libpq-fe.h", "sqlite3.h", "curl", "simdjson.h"};

struct Include {
    int line;
    std::string path;
};

std::vector<Include> includesOf(const fs::path& file) {
    static const std::regex kInclude(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)re");
    std::vector<Include> includes;
    std::ifstream in(file);
    std::string text;
    std::smatch match;
    for (int line = 1; std::getline(in, text); ++line) {
        if (std::regex_match(text, match, kInclude)) includes.push_back({line, match[1]});
    }
    return includes;
}

std::string firstPart(const std::string& path) { return path.substr(0, path.find('/')); }

std::vector<fs::path> sourcesUnder(const fs::path& folder) {
    std::vector<fs::path> files;
    if (!fs::exists(folder)) return files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const auto extension = entry.path().extension();
        if (extension == ".h" || extension == ".cc") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string place(const fs::path& root, const fs::path& file, const Include& include) {
    return file.lexically_relative(root).string() + ":" + std::to_string(include.line) +
           " includes " + include.path;
}

// One line for each include that crosses a layer it must not cross.
std::vector<std::string> layerViolations(const fs::path& root) {
    std::vector<std::string> violations;
    for (const auto& [folder, allowed] : kMayInclude) {
        for (const auto& file : sourcesUnder(root / folder)) {
            for (const auto& include : includesOf(file)) {
                const std::string target = firstPart(include.path);
                const bool relative = target == ".." || target == ".";
                if (relative || (kFolders.contains(target) && !allowed.contains(target))) {
                    violations.push_back(place(root, file, include));
                }
            }
        }
    }
    return violations;
}

// Follows the includes of tidemill/*.h through the repository; one line for each that ends in a
// library of kNotPublic.
std::vector<std::string> publicHeaderViolations(const fs::path& root) {
    std::vector<std::string> violations;
    std::vector<fs::path> waiting;
    for (const auto& file : sourcesUnder(root / "tidemill")) {
        if (file.extension() == ".h") waiting.push_back(file);
    }
    std::set<fs::path> seen(waiting.begin(), waiting.end());
    while (!waiting.empty()) {
        const fs::path file = waiting.back();
        waiting.pop_back();
        for (const auto& include : includesOf(file)) {
            const std::string target = firstPart(include.path);
            if (kNotPublic.contains(target)) violations.push_back(place(root, file, include));
            if (kFolders.contains(target) && seen.insert(root / include.path).second) {
                waiting.push_back(root / include.path);
            }
        }
    }
    return violations;
}

class IncludeRule : public testing::Test {
protected:
    fs::path sources() const { return TIDEMILL_SOURCE_DIR; }

    // A tree of its own, to see the rule fail.
    fs::path treeWith(const std::string& path, const std::string& text) {
        std::string name = testing::TempDir() + "include_rule_XXXXXX";
        if (tree_.empty()) tree_ = ::mkdtemp(name.data());
        fs::create_directories((tree_ / path).parent_path());
        std::ofstream(tree_ / path) << text;
        return tree_;
    }

    void TearDown() override {
        if (!tree_.empty()) fs::remove_all(tree_);
    }

private:
    fs::path tree_;
};

TEST_F(IncludeRule, FoldersIncludeOnlyTheLayersBelowThem) {
    EXPECT_THAT(sourcesUnder(sources() / "core"), Not(IsEmpty()));
    EXPECT_THAT(layerViolations(sources()), IsEmpty());
}

TEST_F(IncludeRule, PublicHeadersBringInNoHeavyLibrary) {
    EXPECT_THAT(publicHeaderViolations(sources()), IsEmpty());
}

TEST_F(IncludeRule, CoreIncludingStateIsFound) {
    const auto tree = treeWith("core/a.cc", "// first\n#include \"state/b.h\"\n");
    EXPECT_THAT(layerViolations(tree), ElementsAre("core/a.cc:2 includes state/b.h"));
}

TEST_F(IncludeRule, SiblingsIncludingEachOtherAreFound) {
    const auto tree = treeWith("recovery/a.h", "#include \"state/b.h\"\n#include \"core/c.h\"\n");
    EXPECT_THAT(layerViolations(tree), ElementsAre("recovery/a.h:1 includes state/b.h"));
}

TEST_F(IncludeRule, RelativeIncludesAreFound) {
    const auto tree = treeWith("sources/deep/a.cc", "#include \"../../recovery/b.h\"\n");
    EXPECT_THAT(layerViolations(tree), ElementsAre(HasSubstr("../../recovery/b.h")));
}

TEST_F(IncludeRule, ToolsIncludingBenchOrTestsAreFound) {
    treeWith("tools/a.cc", "#include \"tools/b.h\"\n#include \"bench/c.h\"\n");
    const auto tree = treeWith("bench/a.cc", "#include \"tools/c.h\"\n#include \"tests/d.h\"\n");
    EXPECT_THAT(layerViolations(tree),
                ElementsAre("bench/a.cc:2 includes tests/d.h", "tools/a.cc:2 includes bench/c.h"));
}

TEST_F(IncludeRule, ExamplesReachingBehindTheFacadeAreFound) {
    const auto tree = treeWith("examples/a.cc", "#include <core/b.h>\n#include <tidemill/c.h>\n");
    EXPECT_THAT(layerViolations(tree), ElementsAre("examples/a.cc:1 includes core/b.h"));
}

TEST_F(IncludeRule, HeavyLibraryBehindAPublicHeaderIsFound) {
    treeWith("tidemill/a.h", "#include \"state/b.h\"\n");
    const auto tree = treeWith("state/b.h", "#include <rocksdb/db.h>\n");
    EXPECT_THAT(publicHeaderViolations(tree), ElementsAre("state/b.h:1 includes rocksdb/db.h"));
}

}  // namespace
