// Word counts of two programs, compared word for word.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unordered_map>

namespace tidemill::bench {

using WordCounts = std::unordered_map<std::string, std::uint64_t>;

// Lines "word<tab>count".
inline WordCounts readCounts(const std::string& path) {
    WordCounts counts;
    std::ifstream file(path);
    std::string word;
    std::uint64_t count = 0;
    while (file >> word >> count) counts[word] += count;
    return counts;
}

// Ends the process with a message unless both are equal: a figure of a wrong result is none.
inline void requireEqual(const WordCounts& ours, const WordCounts& reference, const char* name) {
    if (ours == reference && !ours.empty()) return;
    std::fprintf(stderr, "%s: the results differ: %zu words against %zu\n", name, ours.size(),
                 reference.size());
    for (const auto& [word, count] : reference) {
        const auto found = ours.find(word);
        if (found != ours.end() && found->second == count) continue;
        std::fprintf(stderr, "  %s: reference %llu, ours %llu\n", word.c_str(),
                     static_cast<unsigned long long>(count),
                     static_cast<unsigned long long>(found == ours.end() ? 0 : found->second));
        break;
    }
    std::exit(1);
}

}  // namespace tidemill::bench
