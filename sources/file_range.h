// What a batch record says of a file source: which bytes of which files the batch reads, and what
// else the source has decided. Format: docs/formats/file_range.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/compression.h"
#include "core/error.h"

namespace tidemill::sources {

// A file whatever its names are, as long as it is there.
struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    auto operator<=>(const FileId&) const = default;
};

// A file as it was when it was taken. Numbers of removed files come again, so the time of birth
// says which one it is; where a file system has none, the first bytes do.
struct FileMark {
    FileId id;
    std::int64_t bornNanos = 0;  // 0: not known
    std::uint64_t sizeBytes = 0;
    std::int64_t modifiedNanos = 0;
    std::uint32_t headBytes = 0;  // so many of the first bytes are in headHash
    std::uint64_t headHash = 0;
    bool operator==(const FileMark&) const = default;
};

// The records that begin in [begin, end) of a file's text.
struct FilePiece {
    FileMark file;
    std::string path;  // when it was chosen
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool last = true;            // no batch takes more of the file
    std::uint64_t tailHash = 0;  // of the last bytes of text before `end`
    Compression compression = Compression::kNone;
    bool operator==(const FilePiece&) const = default;
};

struct FileRange {
    // Longer lines are left out. 0: any length.
    std::uint32_t recordBytesMax = 0;
    // Every file that was there at the first start is known: what is not, is new.
    bool begun = false;
    // Until then, files modified before this are old. Milliseconds since 1970.
    std::int64_t oldBeforeMillis = 0;
    std::vector<FilePiece> pieces;
    // Known from now on, and not read (any further).
    std::vector<FileMark> left;
    // Gone.
    std::vector<FileId> forgotten;
    bool operator==(const FileRange&) const = default;
};

std::string encode(const FileRange& range);
// Errors: kCorrupt, kUnsupported (another version).
core::Result<FileRange> decodeFileRange(std::string_view bytes);

// How many bytes a piece takes in a range.
std::size_t encodedBytes(const FilePiece& piece);
inline constexpr std::size_t kEncodedMarkBytes = 52;

// "2a-1f": device and inode in hexadecimal. Parsing: false when it is not one.
std::string toString(FileId id);
bool parseFileId(std::string_view text, FileId& into);

// The row of the state that is kept of a known file: its mark, and how far it has been read.
struct KnownFile {
    FileMark file;
    std::uint64_t readTo = 0;
    bool done = true;
    // While it is not done:
    std::string path;
    Compression compression = Compression::kNone;
};
std::string encode(const KnownFile& known);
// `id` is in the row's key. Errors: kCorrupt, kUnsupported.
core::Result<KnownFile> decodeKnownFile(FileId id, std::string_view bytes);

}  // namespace tidemill::sources

template <>
struct std::hash<tidemill::sources::FileId> {
    std::size_t operator()(const tidemill::sources::FileId& id) const noexcept {
        return id.inode * 0x9E3779B97F4A7C15u ^ id.device;
    }
};
