// The lines that a kill test gives to a job, cut into pieces: one for each round.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"

namespace tidemill::tools {

struct Feed {
    std::string from;                           // for people: a file, or "generated"
    std::vector<std::filesystem::path> pieces;  // files of whole lines
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
};

// Writes the lines of `file` as `count` pieces into `directory`, named `name`-1 … Errors: kNotFound,
// kInvalid (larger than 1 GiB; fewer lines than pieces), kIo.
core::Result<Feed> cutFeed(const std::filesystem::path& file, std::uint64_t count,
                           const std::filesystem::path& directory, const std::string& name);

// Lines of words and numbers, the same for the same seed: some words come often, most seldom.
core::Result<Feed> generateFeed(std::uint64_t seed, std::uint64_t count,
                                const std::filesystem::path& directory, const std::string& name);

}  // namespace tidemill::tools
