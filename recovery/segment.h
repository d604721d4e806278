// One file of the log. Format: docs/formats/wal.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::uint64_t kSegmentBytesMin = 4 << 10;
inline constexpr std::string_view kTemporarySuffix = ".tmp";

struct SegmentHeader {
    LogUuid uuid;
    std::uint32_t epoch = 0;
    core::Lsn firstLsn;      // of the first frame, whether there is one yet or not
    core::Lsn knownDurable;  // durable when the segment was published; at least firstLsn - 1
    bool operator==(const SegmentHeader&) const = default;
};

// kSegmentHeaderBytes.
std::string encodeSegmentHeader(const SegmentHeader& header);
// Errors: kCorrupt, kUnsupported.
core::Result<SegmentHeader> decodeSegmentHeader(std::string_view bytes);

// What a segment's file name says. Ordered as the log is read.
struct SegmentName {
    core::Lsn firstLsn;
    std::uint32_t epoch = 0;
    auto operator<=>(const SegmentName&) const = default;
};

// Behind the name of what is being removed: a segment, a generation.
inline constexpr std::string_view kRemovedSuffix = ".removed";

// "<first LSN, 20 digits>-<epoch, 10 digits>.wal"
std::string toString(const SegmentName& name);
std::optional<SegmentName> parseSegmentName(std::string_view text);

// Segments in a directory, ascending; other names are left out.
core::Result<std::vector<SegmentName>> listSegments(core::FileSystem& files,
                                                    const core::Path& directory);

}  // namespace tidemill::recovery
