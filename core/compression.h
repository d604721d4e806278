// gzip and zstd, as names of files tell them.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

namespace core {

// ".gz", ".zst"; nothing for kNone.
constexpr std::string_view suffixOf(Compression compression) {
    switch (compression) {
        case Compression::kNone: break;
        case Compression::kGzip: return ".gz";
        case Compression::kZstd: return ".zst";
    }
    return {};
}

// "gzip", "zstd", as programs call them.
constexpr std::string_view nameOf(Compression compression) {
    return compression == Compression::kGzip   ? "gzip"
           : compression == Compression::kZstd ? "zstd"
                                               : "none";
}

// What the end of a file's name or path says.
constexpr Compression compressionOf(std::string_view name) {
    for (const auto compression : {Compression::kGzip, Compression::kZstd})
        if (name.ends_with(suffixOf(compression))) return compression;
    return Compression::kNone;
}

}  // namespace core
}  // namespace tidemill
