#include "core/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <thread>

#include "core/logging.h"
#include "core/mutant.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kCopyBytes = 1 << 20;

// Steps of 4 MiB: removing a file of 64 MiB at once held an fdatasync up for 18 ms on an ext4 that
// discards, in steps for 2 to 4 ms.
constexpr off_t kUnlinkStepBytes = 4 << 20;
constexpr std::chrono::milliseconds kUnlinkStepPause{4};

std::string at(std::string_view call, const Path& path) {
    return std::string(call) + " failed: file=" + path.string();
}

// A lease for writing is refused while anybody else has the file open. It is given back at once:
// while it is held, whoever opens the file waits, and we are sent a signal, which must be one that
// does nothing unless somebody asked for it (SIGIO, the default, ends the process).
bool openedByNobodyElse(int fd) {
    if (::fcntl(fd, F_SETSIG, SIGURG) != 0 || ::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return false;
    return ::fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

std::int64_t nanosOf(const statx_timestamp& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Result<FileInfo> infoOf(int directoryFd, const char* name, int flags, const Path& path) {
    struct statx status {};
    if (::statx(directoryFd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return fail(ErrorKind::kNotFound, "no such file: " + path.string());
        return failErrno(errno, at("statx", path));
    }
    FileInfo info;
    info.isDirectory = S_ISDIR(status.stx_mode);
    info.isRegular = S_ISREG(status.stx_mode);
    info.sizeBytes = status.stx_size;
    info.modifiedNanos = nanosOf(status.stx_mtime);
    info.modifiedMillis =
        std::int64_t{status.stx_mtime.tv_sec} * 1000 + status.stx_mtime.tv_nsec / 1'000'000;
    info.ownerUid = status.stx_uid;
    info.mode = status.stx_mode & 07777u;
    info.device = makedev(status.stx_dev_major, status.stx_dev_minor);
    info.inode = status.stx_ino;
    if (status.stx_mask & STATX_BTIME) info.bornNanos = nanosOf(status.stx_btime);
    return info;
}

class PosixFile final : public File {
public:
    PosixFile(int fd, Path path) : fd_(fd), path_(std::move(path)) {}
    ~PosixFile() override { ::close(fd_); }

    Result<> writeAt(std::uint64_t offset, std::span<const iovec> pieces) override {
        std::vector<iovec> left(pieces.begin(), pieces.end());
        std::size_t first = 0;
        while (first < left.size()) {
            if (left[first].iov_len == 0) {
                ++first;
                continue;
            }
            const auto count = std::min<std::size_t>(left.size() - first, IOV_MAX);
            const ssize_t written = ::pwritev(fd_, left.data() + first, static_cast<int>(count),
                                              static_cast<off_t>(offset));
            if (written < 0) {
                if (errno == EINTR) continue;
                return failErrno(errno, at("pwrite", path_) + " offset=" + std::to_string(offset));
            }
            offset += static_cast<std::uint64_t>(written);
            auto done = static_cast<std::size_t>(written);
            while (first < left.size() && done >= left[first].iov_len)
                done -= left[first++].iov_len;
            if (done != 0) {
                left[first].iov_base = static_cast<char*>(left[first].iov_base) + done;
                left[first].iov_len -= done;
            }
        }
        return {};
    }

    Result<std::size_t> readAt(std::uint64_t offset, char* into, std::size_t length) override {
        std::size_t done = 0;
        while (done < length) {
            const ssize_t got =
                ::pread(fd_, into + done, length - done, static_cast<off_t>(offset + done));
            if (got < 0) {
                if (errno == EINTR) continue;
                if (errno == ESPIPE) return readNext(into, length);
                return failErrno(errno, at("pread", path_) + " offset=" + std::to_string(offset));
            }
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    Result<> sync() override {
        if (::fdatasync(fd_) != 0) return failErrno(errno, at("fdatasync", path_));
        return {};
    }

    Result<> allocate(std::uint64_t offset, std::uint64_t length) override {
        const int error =
            ::posix_fallocate(fd_, static_cast<off_t>(offset), static_cast<off_t>(length));
        if (error != 0)
            return failErrno(error, at("fallocate", path_) + " bytes=" + std::to_string(length));
        return {};
    }

    Result<> truncate(std::uint64_t sizeBytes) override {
        if (::ftruncate(fd_, static_cast<off_t>(sizeBytes)) != 0)
            return failErrno(errno, at("ftruncate", path_) + " size=" + std::to_string(sizeBytes));
        return {};
    }

    Result<std::uint64_t> sizeBytes() override {
        struct stat status {};
        if (::fstat(fd_, &status) != 0) return failErrno(errno, at("fstat", path_));
        return static_cast<std::uint64_t>(status.st_size);
    }

    Result<FileInfo> info() override { return infoOf(fd_, "", AT_EMPTY_PATH, path_); }

private:
    Result<std::size_t> readNext(char* into, std::size_t length) {
        std::size_t done = 0;
        while (done < length) {
            const ssize_t got = ::read(fd_, into + done, length - done);
            if (got < 0) {
                if (errno == EINTR) continue;
                return failErrno(errno, at("read", path_));
            }
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    int fd_;
    Path path_;
};

class PosixFileSystem final : public FileSystem {
public:
    Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) override {
        int flags = O_CLOEXEC;
        switch (mode) {
            case OpenMode::kRead: flags |= O_RDONLY; break;
            case OpenMode::kReadWrite: flags |= O_RDWR; break;
            case OpenMode::kCreate: flags |= O_RDWR | O_CREAT | O_EXCL; break;
            case OpenMode::kReplace: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
        }
        const int fd = ::open(path.c_str(), flags, 0600);
        if (fd < 0) {
            if (errno == ENOENT && mode != OpenMode::kCreate)
                return fail(ErrorKind::kNotFound, "no such file: " + path.string());
            if (errno == EEXIST)
                return fail(ErrorKind::kConflict, "file exists already: " + path.string());
            return failErrno(errno, at("open", path));
        }
        return std::make_unique<PosixFile>(fd, path);
    }

    Result<FileInfo> info(const Path& path) override {
        return infoOf(AT_FDCWD, path.c_str(), 0, path);
    }

    Result<std::vector<std::string>> list(const Path& directory) override {
        DIR* opened = ::opendir(directory.c_str());
        if (opened == nullptr) {
            if (errno == ENOENT)
                return fail(ErrorKind::kNotFound, "no such directory: " + directory.string());
            return failErrno(errno, at("opendir", directory));
        }
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* entry = ::readdir(opened)) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
        const int error = errno;
        ::closedir(opened);
        if (error != 0) return failErrno(error, at("readdir", directory));
        std::sort(names.begin(), names.end());
        return names;
    }

    Result<> createDirectory(const Path& path) override {
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
            return failErrno(errno, at("mkdir", path));
        return {};
    }

    Result<> rename(const Path& from, const Path& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0)
            return failErrno(errno, at("rename", from) + " to=" + to.string());
        return {};
    }

    Result<> link(const Path& existing, const Path& added) override {
        if (::link(existing.c_str(), added.c_str()) == 0) return {};
        const int error = errno;
        auto failed = failErrno(error, at("link", existing) + " as=" + added.string());
        // What vfat, exFAT, some network file systems, and a file with too many names answer.
        if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK)
            failed.value().kind = ErrorKind::kUnsupported;
        return failed;
    }

    Result<> unlink(const Path& path) override {
        if (::unlink(path.c_str()) != 0) return failErrno(errno, at("unlink", path));
        return {};
    }

    Result<> unlinkGradually(const Path& path) override {
        const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        struct stat status {};
        const bool mayShrink =
            fd >= 0 && ::fstat(fd, &status) == 0 && status.st_nlink == 1 && openedByNobodyElse(fd);
        for (auto left = status.st_size; mayShrink && left > kUnlinkStepBytes;) {
            left -= kUnlinkStepBytes;
            if (::ftruncate(fd, left) != 0) break;
            std::this_thread::sleep_for(kUnlinkStepPause);
        }
        if (fd >= 0) ::close(fd);
        return unlink(path);
    }

    Result<> removeTree(const Path& path) override {
        std::error_code error;
        std::filesystem::remove_all(path, error);
        if (error) return failErrno(error.value(), at("remove_all", path));
        return {};
    }

    Result<> syncDirectory(const Path& path) override {
        const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return failErrno(errno, at("open", path));
        const int failed = ::fsync(fd);
        const int error = errno;
        ::close(fd);
        if (failed != 0) return failErrno(error, at("fsync", path));
        return {};
    }

    Result<DiskSpace> space(const Path& path) override {
        struct statvfs status {};
        if (::statvfs(path.c_str(), &status) != 0) return failErrno(errno, at("statvfs", path));
        return DiskSpace{std::uint64_t{status.f_bavail} * status.f_frsize,
                         std::uint64_t{status.f_blocks} * status.f_frsize, status.f_favail,
                         status.f_files};
    }
};

}  // namespace

FileSystem& posixFileSystem() {
    static PosixFileSystem instance;
    return instance;
}

Result<std::string> readWholeFile(FileSystem& files, const Path& path, std::uint64_t sizeBytesMax) {
    TM_ASSIGN(auto file, files.open(path, OpenMode::kRead));
    TM_ASSIGN(const auto size, file->sizeBytes());
    const auto tooLarge = [&](const std::string& sizeText) {
        return fail(ErrorKind::kInvalid, "file too large: file=" + path.string() + " size=" +
                                             sizeText + " maximum=" + std::to_string(sizeBytesMax));
    };
    if (size > sizeBytesMax) return tooLarge(std::to_string(size));
    // Pipes, and files that the kernel makes up, say that their size is 0.
    const std::size_t pieceBytes = size != 0 ? size : kPieceBytes;
    std::string bytes;
    for (;;) {
        const std::size_t begin = bytes.size();
        bytes.resize(begin + pieceBytes);
        TM_ASSIGN(const auto got, file->readAt(begin, bytes.data() + begin, pieceBytes));
        bytes.resize(begin + got);
        if (bytes.size() > sizeBytesMax) return tooLarge("more");
        if (got < pieceBytes || size != 0) return bytes;
    }
}

Result<> linkOrCopy(FileSystem& files, const Path& existing, const Path& added) {
    auto linked = files.link(existing, added);
    if (linked || linked.error().kind != ErrorKind::kUnsupported) return linked;
    static std::atomic<bool> reported = false;
    if (!reported.exchange(true))
        logWarning(
            "this file system has no hard links: checkpoints copy the files of the state, "
            "which takes longer and needs as much room again for each; " +
            linked.error().message);
    TM_ASSIGN(const auto from, files.open(existing, OpenMode::kRead));
    TM_ASSIGN(const auto to, files.open(added, OpenMode::kCreate));
    std::vector<char> piece(kCopyBytes);
    for (std::uint64_t offset = 0;;) {
        TM_ASSIGN(const auto got, from->readAt(offset, piece.data(), piece.size()));
        if (got == 0) return to->sync();
        TM_TRY(to->writeAt(offset, std::string_view(piece.data(), got)));
        offset += got;
    }
}

Path parentOf(const Path& path) { return path.has_parent_path() ? path.parent_path() : Path("."); }

Result<> renameDurably(FileSystem& files, const Path& from, const Path& to) {
    TM_TRY(files.rename(from, to));
    return TM_MUTANT(rename_not_synced) ? Result<>() : files.syncDirectory(parentOf(to));
}

Result<> publishFile(FileSystem& files, const Path& path, std::string_view bytes) {
    const Path temporary = path.string() + ".tmp";
    {
        TM_ASSIGN(auto file, files.open(temporary, OpenMode::kReplace));
        TM_TRY(file->writeAt(0, bytes));
        TM_TRY(file->sync());
    }
    return renameDurably(files, temporary, path);
}

}  // namespace tidemill::core
