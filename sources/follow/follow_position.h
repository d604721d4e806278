// How far a followed file was taken: a lane (core/lanes.h) for each file, whatever its names.
// Format: docs/formats/followed_files.md.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/file_system.h"
#include "sources/file_range.h"

namespace tidemill::sources::follow {

// Which file it is. Numbers of removed files come again, so the time of birth belongs to it; 0: the
// file system does not know it.
struct FileKey {
    FileId id;
    std::int64_t bornNanos = 0;
    auto operator<=>(const FileKey&) const = default;
};
FileKey keyOf(const core::FileInfo& info);

struct FollowPosition {
    std::uint32_t generation = 0;   // how often the file was begun anew
    std::uint64_t offset = 0;       // what lies before it was taken
    std::uint64_t lines = 0;        // of these, since `generation` began
    std::uint32_t anchorBytes = 0;  // so many bytes before `offset` are in anchorHash; 0: unknown
    std::uint64_t anchorHash = 0;
    bool operator==(const FollowPosition&) const = default;
};

// So many at most.
inline constexpr std::uint64_t kAnchorBytes = 1024;
// `before`: the bytes that end at the position; the last kAnchorBytes of them count.
void setAnchor(FollowPosition& position, std::string_view before);
// Whether `file` still has the bytes that were before the position. Errors: kIo.
core::Result<bool> hasAnchor(core::File& file, const FollowPosition& position);

std::string encode(const FollowPosition& position);
// Errors: kCorrupt, kUnsupported.
core::Result<FollowPosition> decodeFollowPosition(std::string_view bytes);

// What the names of the lanes of a stream begin with: "follow/PATH/".
std::string lanePrefix(std::string_view path);
// "follow/PATH/DEVICE-INODE-BIRTH", in hexadecimal.
std::string laneOf(std::string_view prefix, const FileKey& key);
// Nothing for a lane that is no file's of this stream.
std::optional<FileKey> keyOfLane(std::string_view prefix, std::string_view lane);
// The lane of no file: it has a position once the first look has been taken, which says when.
std::string begunLane(std::string_view prefix);
std::string encodeBegun(std::int64_t nanos);
// Errors: kCorrupt.
core::Result<std::int64_t> decodeBegun(std::string_view bytes);

}  // namespace tidemill::sources::follow
