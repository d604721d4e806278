// What a generation holds: its mark and its files. Format: docs/formats/manifest.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_mark.h"
#include "core/error.h"

namespace tidemill::recovery {

struct FileEntry {
    std::string name;  // in the generation's directory; no '/'
    std::uint64_t sizeBytes = 0;
    // As whoever wrote the file computed it: opaque bytes and the name of the function. Both may
    // be empty on the way into Generations::publish, which then computes "tidemill.crc32c".
    std::string checksum;
    std::string checksumFunction;
    bool operator==(const FileEntry&) const = default;
};

// The function that recovery computes itself; its checksum is 8 lower-case hexadecimal digits.
inline constexpr std::string_view kOwnChecksumFunction = "tidemill.crc32c";

struct Manifest {
    core::BatchMark mark;
    std::vector<FileEntry> files;
    bool operator==(const Manifest&) const = default;
};

inline constexpr std::uint64_t kManifestBytesMax = 64 << 20;

std::string encodeManifest(const Manifest& manifest);
// Errors: kCorrupt (checksum, grammar, a name that is not a plain file name), kUnsupported.
core::Result<Manifest> decodeManifest(std::string_view bytes);

}  // namespace tidemill::recovery
