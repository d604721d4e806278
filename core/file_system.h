// The seam through which log, checkpoints, state, outputs and file sources reach their files; tests
// put faulty and simulated disks behind it. Outside of it are the locks on the data directory, the
// standard streams, and RocksDB's own files where the disk is the machine's.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace tidemill::core {

using Path = std::filesystem::path;

struct FileInfo {
    bool isDirectory = false;
    bool isRegular = false;
    std::uint64_t sizeBytes = 0;
    std::int64_t modifiedMillis = 0;
    std::uint32_t ownerUid = 0;
    std::uint32_t mode = 0;  // permission bits
    // Which file it is, whatever its name; numbers of removed files come again.
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    // Nanoseconds since 1970; a birth of 0: the file system does not know it.
    std::int64_t bornNanos = 0;
    std::int64_t modifiedNanos = 0;
};

// An open file. Thread safety: readAt() and info() by several threads at a time; the rest
// externally synchronized.
class File {
public:
    virtual ~File() = default;

    // Writes all bytes of `pieces`, one after another, from `offset` on. Errors: kIo, kNoSpace;
    // how much was written is then unknown.
    virtual Result<> writeAt(std::uint64_t offset, std::span<const iovec> pieces) = 0;

    // Reads until `length` bytes are there or the file ends; returns how many were read. A pipe
    // gives what comes next, whatever the offset.
    virtual Result<std::size_t> readAt(std::uint64_t offset, char* into, std::size_t length) = 0;

    // Returns once the file's bytes and size survive power loss (fdatasync). An error is final:
    // the caller must not retry.
    virtual Result<> sync() = 0;

    // Reserves disk space for [offset, offset + length) and extends the size to cover it.
    virtual Result<> allocate(std::uint64_t offset, std::uint64_t length) = 0;

    virtual Result<> truncate(std::uint64_t sizeBytes) = 0;
    virtual Result<std::uint64_t> sizeBytes() = 0;
    virtual Result<FileInfo> info() = 0;

    Result<> writeAt(std::uint64_t offset, std::string_view bytes) {
        const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
        return writeAt(offset, std::span(&piece, 1));
    }
};

enum class OpenMode {
    kRead,       // must exist
    kReadWrite,  // must exist
    kCreate,     // must not exist; read and write, mode 0600
    kReplace,    // created, or emptied when it exists; mode 0600
};

// What an unprivileged process may still take of a file system, and how much there is of it.
struct DiskSpace {
    std::uint64_t freeBytes = 0;
    std::uint64_t totalBytes = 0;
    // Files and directories; totalFiles 0: the file system does not count them.
    std::uint64_t freeFiles = 0;
    std::uint64_t totalFiles = 0;
};

// Thread safety: thread-safe.
class FileSystem {
public:
    virtual ~FileSystem() = default;

    virtual Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) = 0;
    // Errors: kNotFound.
    virtual Result<FileInfo> info(const Path& path) = 0;
    // Names (not paths) in a directory, sorted.
    virtual Result<std::vector<std::string>> list(const Path& directory) = 0;
    // Mode 0700; the parent must exist; existing directories are fine.
    virtual Result<> createDirectory(const Path& path) = 0;
    virtual Result<> rename(const Path& from, const Path& to) = 0;
    // Errors: kUnsupported where the file system has no hard links, or takes no more of this file.
    virtual Result<> link(const Path& existing, const Path& added) = 0;
    virtual Result<> unlink(const Path& path) = 0;
    // The same, for large files while others write: gives the blocks back in steps where it can,
    // because a disk that frees many blocks at once lets all other writes wait. A file
    // that anybody has open keeps its bytes for them; who opens it meanwhile may find it shorter.
    // After power loss it may be shorter.
    virtual Result<> unlinkGradually(const Path& path) { return unlink(path); }
    // Removes a directory and all below it; nothing there is fine.
    virtual Result<> removeTree(const Path& path) = 0;
    // Returns once the directory's entries survive power loss.
    virtual Result<> syncDirectory(const Path& path) = 0;
    virtual Result<DiskSpace> space(const Path& path) = 0;

    bool exists(const Path& path) { return info(path).has_value(); }
};

// The real one. Its instance has no state and may be shared.
FileSystem& posixFileSystem();

// Reads a whole file, or a pipe to its end; refuses one larger than `sizeBytesMax` (kInvalid).
Result<std::string> readWholeFile(FileSystem& files, const Path& path, std::uint64_t sizeBytesMax);

// Makes `added` a second name of `existing`, or, where links cannot be had, a durable copy of it.
Result<> linkOrCopy(FileSystem& files, const Path& existing, const Path& added);

// The directory that `path` stands in.
Path parentOf(const Path& path);

// Renames and syncs the directory of the new name, which survives power loss then.
Result<> renameDurably(FileSystem& files, const Path& from, const Path& to);

// Publishes `bytes` as `path`: temporary file beside it, sync, rename, sync of the directory.
// Afterwards `path` holds either what it held before or all of `bytes`, also after power loss.
Result<> publishFile(FileSystem& files, const Path& path, std::string_view bytes);

}  // namespace tidemill::core
