// The command line that all benchmarks share: [--json] [--runs=N], further --flags and --name=N,
// and plain words.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::bench {

struct Arguments {
    bool json = false;
    int runs = 0;
    std::vector<std::string> options;  // all of them, as given
    std::vector<std::string> plain;

    Arguments(int argc, char** argv, int defaultRuns) {
        for (int i = 1; i < argc; ++i) {
            const std::string_view word = argv[i];
            (word.starts_with("--") ? options : plain).emplace_back(word);
        }
        json = has("--json");
        runs = number("--runs", defaultRuns);
    }

    bool has(std::string_view flag) const {
        for (const auto& given : options)
            if (given == flag) return true;
        return false;
    }

    // Of an option --name=TEXT; empty when it is not there.
    std::string text(const std::string& name) const {
        for (const auto& given : options)
            if (given.starts_with(name + "=")) return given.substr(name.size() + 1);
        return {};
    }

    // Of an option --name=N.
    int number(const std::string& name, int otherwise) const {
        const auto given = text(name);
        return given.empty() ? otherwise : std::atoi(given.c_str());
    }
};

}  // namespace tidemill::bench
