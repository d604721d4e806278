// Word counts: what a job that has ended left in its newest checkpoint, and what a plain program
// finds.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "bench/forked.h"
#include "bench/word_counts.h"
#include "core/file_system.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"

namespace tidemill::bench {

// Of a job whose only state is running totals of text as std::int64_t.
inline WordCounts savedCounts(const std::filesystem::path& directory) {
    const auto generations = recovery::inspectGenerations(core::posixFileSystem(), directory);
    if (!generations || generations->empty()) die("the job left no checkpoint");
    auto reader = state::StateReader::open(generations->front().path);
    if (!reader) die(reader.error().message);
    WordCounts counts;
    for (const auto& entry : (*reader)->mark().operators) {
        const auto read =
            (*reader)->scan(entry.id, 0, {}, [&](std::string_view word, std::string_view value) {
                std::uint64_t count = 0;
                std::memcpy(&count, value.data(), sizeof count);
                counts[std::string(word)] += count;
                return true;
            });
        if (!read) die(read.error().message);
    }
    return counts;
}

// Ends the benchmark unless a job left exactly these. Looks in a process of its own: reading the
// state starts threads, and a process that has some must not fork jobs.
inline void requireSavedCounts(const std::filesystem::path& directory, const WordCounts& expected,
                               const char* name) {
    Forked<char> comparison("the comparison", [&] {
        requireEqual(savedCounts(directory), expected, name);
        return '\0';
    });
    comparison.await();
}

// Adds the words of a text of single blanks and line ends.
inline void addPlainly(WordCounts& counts, std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(" \n"), text.size());
        if (end != 0) ++counts[std::string(text.substr(0, end))];
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace tidemill::bench
