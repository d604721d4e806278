// What a generation holds: its mark and its files. Format: docs/formats/manifest.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_mark.h"
#include "core/checkpoint_file.h"
#include "core/error.h"

namespace tidemill::recovery {

// The function that recovery computes itself; its checksum is 8 lower-case hexadecimal digits.
inline constexpr std::string_view kOwnChecksumFunction = "tidemill.crc32c";

struct Manifest {
    core::BatchMark mark;
    std::vector<core::CheckpointFile> files;
    bool operator==(const Manifest&) const = default;
};

inline constexpr std::uint64_t kManifestBytesMax = 64 << 20;

std::string encodeManifest(const Manifest& manifest);
// Errors: kCorrupt (checksum, grammar, a name that is not a plain file name), kUnsupported.
core::Result<Manifest> decodeManifest(std::string_view bytes);

}  // namespace tidemill::recovery
