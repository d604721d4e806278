// The running totals that a job left in its data directory.
#pragma once

#include <cstring>
#include <filesystem>
#include <string_view>

#include "bench/process.h"
#include "bench/word_counts.h"
#include "core/file_system.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"

namespace tidemill::bench {

// Of a job whose only state is word counts, from its newest checkpoint.
inline WordCounts totalsIn(const std::filesystem::path& dataDirectory) {
    const auto generations = recovery::inspectGenerations(core::posixFileSystem(), dataDirectory);
    if (!generations || generations->empty()) die("the job left no checkpoint");
    const auto reader = state::StateReader::open(generations->front().path);
    if (!reader) die(reader.error().message);
    WordCounts totals;
    for (const auto& entry : (*reader)->mark().operators) {
        const auto read = (*reader)->scan(
            entry.id, 0, {}, [&](std::string_view word, std::string_view value) {
                std::uint64_t count = 0;
                std::memcpy(&count, value.data(), sizeof count);
                totals[std::string(word)] += count;
                return true;
            });
        if (!read) die(read.error().message);
    }
    return totals;
}

}  // namespace tidemill::bench
