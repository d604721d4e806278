#include "recovery/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>

#include "core/crc32c.h"
#include "core/mutant.h"
#include "recovery/segment.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Path;

constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kForkVersion = 3;  // FORMAT has what is said of the fork
constexpr std::size_t kFormatBytesMax = 4096;
constexpr std::size_t kSourcesBytesMax = 1 << 20;
constexpr std::string_view kFirstLine = "tidemill data directory";

Path parentOf(const Path& path) {
    const Path plain = path.has_filename() ? path : path.parent_path();
    return plain.has_parent_path() ? plain.parent_path() : Path(".");
}

std::string checksumLine(std::string_view text) {
    char line[32];
    std::snprintf(line, sizeof line, "crc32c %08x\n", core::crc32c(0, text.data(), text.size()));
    return line;
}

// The value of "KEY VALUE\n" at the start of `text`, which loses the line.
std::optional<std::string_view> takeLine(std::string_view& text, std::string_view key) {
    const auto end = text.find('\n');
    if (end == text.npos || !text.starts_with(key) || text.size() <= key.size() ||
        text[key.size()] != ' ')
        return std::nullopt;
    const auto value = text.substr(key.size() + 1, end - key.size() - 1);
    text.remove_prefix(end + 1);
    return value;
}

bool number(std::string_view text, std::uint32_t& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// Who wrote its number into the lock file; empty when it cannot be told.
std::string holderOf(int fd) {
    char text[32];
    const ssize_t got = ::pread(fd, text, sizeof text, 0);
    std::uint32_t pid = 0;
    std::string_view line(text, got > 0 ? static_cast<std::size_t>(got) : 0);
    line = line.substr(0, line.find('\n'));
    return number(line, pid) ? " (process " + std::to_string(pid) + ")" : "";
}

// Whether `path` is the name of the file that `fd` is open on.
core::Result<> sameFile(int fd, const Path& path, const Path& directory) {
    struct stat held {};
    struct stat named {};
    if (::fstat(fd, &held) != 0)
        return core::failErrno(errno, "fstat failed: file=" + path.string());
    const bool found = ::stat(path.c_str(), &named) == 0;
    if (!found && errno != ENOENT && errno != ENOTDIR)
        return core::failErrno(errno, "stat failed: file=" + path.string());
    if (found && held.st_dev == named.st_dev && held.st_ino == named.st_ino) return {};
    return core::fail(ErrorKind::kConflict,
                      path.string() + " was " + (found ? "replaced" : "removed") +
                          " while this process was using the data directory " + directory.string() +
                          ": it stops, since another may be writing there. Put back what was "
                          "removed (LOCK is made anew by the next start), then start again");
}

}  // namespace

std::string encodeDirectoryFormat(const DirectoryFormat& format) {
    std::string text(kFirstLine);
    text += "\nversion " + std::to_string(format.version);
    text += "\nreader-min " + std::to_string(format.readerMin);
    text += "\nlog " + toString(format.uuid);
    text += std::string("\nlog-started ") + (format.logStarted ? "yes" : "no") + "\n";
    if (const auto& fork = format.fork)
        text += "identity " + toString(fork->identity) + "\nfork-of " + toString(fork->of) +
                "\noutputs " + (fork->outputs ? "on" : "off") + "\n";
    return text + checksumLine(text);
}

core::Result<DirectoryFormat> decodeDirectoryFormat(std::string_view text) {
    const auto damaged = [](const char* what) {
        return core::fail(ErrorKind::kCorrupt, std::string("FORMAT is damaged: ") + what);
    };
    const auto whole = text;
    if (!text.starts_with(kFirstLine) || text.size() <= kFirstLine.size() ||
        text[kFirstLine.size()] != '\n')
        return damaged("it does not begin with \"tidemill data directory\"");
    text.remove_prefix(kFirstLine.size() + 1);
    DirectoryFormat format;
    const auto version = takeLine(text, "version");
    const auto readerMin = takeLine(text, "reader-min");
    if (!version || !readerMin || !number(*version, format.version) ||
        !number(*readerMin, format.readerMin))
        return damaged("no version");
    // Checked before the rest: a newer format may have other lines and another checksum.
    if (format.readerMin > kForkVersion)
        return core::fail(ErrorKind::kUnsupported,
                          "data directory has format version " + std::string(*version) +
                              ", this build reads up to " + std::to_string(kForkVersion) +
                              "; use a newer tidemill");
    // Version 1 was of builds before the first release.
    if (format.version < kVersion)
        return core::fail(ErrorKind::kUnsupported,
                          "data directory has format version " + std::string(*version) +
                              ", which no release wrote; this build reads version " +
                              std::to_string(kVersion) + ": begin with a new data directory");
    const auto uuid = takeLine(text, "log");
    const auto started = takeLine(text, "log-started");
    if (!uuid || !started) return damaged("a line is missing");
    std::optional<std::string_view> identity, of, outputs;
    if (format.version >= kForkVersion) {
        identity = takeLine(text, "identity");
        of = takeLine(text, "fork-of");
        outputs = takeLine(text, "outputs");
        if (!identity || !of || !outputs) return damaged("a line about the fork is missing");
    }
    const auto body = whole.substr(0, whole.size() - text.size());
    if (text != checksumLine(body)) return damaged("checksum mismatch");
    TM_ASSIGN(format.uuid, parseLogUuid(*uuid));
    format.logStarted = *started == "yes";
    if (identity) {
        Fork fork;
        TM_ASSIGN(fork.identity, parseLogUuid(*identity));
        TM_ASSIGN(fork.of, parseLogUuid(*of));
        fork.outputs = *outputs == "on";
        format.fork = fork;
    }
    return format;
}

void DirectoryFormat::forkAs(const LogUuid& itself, bool outputs) {
    const LogUuid from = identity();
    fork = Fork{itself, from, outputs};
    version = readerMin = kForkVersion;
}

core::Result<DirectoryFormat> readDirectoryFormat(core::FileSystem& files, const Path& path) {
    auto text = core::readWholeFile(files, path / "FORMAT", kFormatBytesMax);
    if (!text) {
        if (text.error().kind == ErrorKind::kNotFound)
            return core::fail(ErrorKind::kNotFound, "no data directory: " + path.string());
        return core::fail(text.error());
    }
    auto format = decodeDirectoryFormat(*text);
    if (!format)
        return core::fail(format.error().kind,
                          format.error().message + ": directory=" + path.string());
    return format;
}

core::Result<std::unique_ptr<DataDirectory>> DataDirectory::open(core::FileSystem& files,
                                                                 const Path& path,
                                                                 Locking locking) {
    std::unique_ptr<DataDirectory> directory(new DataDirectory(files, path));
    if (auto info = files.info(path); !info) {
        if (info.error().kind != ErrorKind::kNotFound) return core::fail(info.error());
        if (!files.exists(parentOf(path)))
            return core::fail(ErrorKind::kNotFound,
                              "the directory to hold the data directory is missing: " +
                                  parentOf(path).string() + "; make it, then start again");
        TM_TRY(files.createDirectory(path));
        TM_TRY(files.syncDirectory(parentOf(path)));
    }
    TM_TRY(directory->refuseOthersDirectory());
    // The first lock writes nothing, so that what is refused stays as it was.
    if (locking == Locking::kLock) TM_TRY(directory->lockDirectory());
    const auto format = readDirectoryFormat(files, path);
    if (!format) {
        if (format.error().kind != ErrorKind::kNotFound) return core::fail(format.error());
        TM_TRY(directory->refuseForeignFiles());
    }
    if (locking == Locking::kLock) TM_TRY(directory->lockFile());
    if (!format) {
        TM_TRY(directory->create());
    } else {
        directory->format_ = *format;
    }
    return directory;
}

DataDirectory::~DataDirectory() {
    if (lockFd_ >= 0) ::close(lockFd_);
    if (directoryFd_ >= 0) ::close(directoryFd_);
}

core::Result<> DataDirectory::refuseOthersDirectory() const {
    TM_ASSIGN(const auto info, files_.info(path_));
    if (!info.isDirectory)
        return core::fail(ErrorKind::kInvalid, "not a directory: " + path_.string());
    if (info.ownerUid != ::geteuid())
        return core::fail(ErrorKind::kInvalid,
                          "data directory belongs to another user: " + path_.string() +
                              " owner=" + std::to_string(info.ownerUid));
    if ((info.mode & 022) != 0)
        return core::fail(ErrorKind::kInvalid, "group or others may write to the data directory: " +
                                                   path_.string() + "; run chmod 700 on it");
    return {};
}

// There is no FORMAT.
core::Result<> DataDirectory::refuseForeignFiles() const {
    TM_ASSIGN(const auto names, files_.list(path_));
    if (files_.exists(witnessPath()))
        return core::fail(ErrorKind::kCorrupt,
                          "data directory has lost its FORMAT file: " + path_.string());
    constexpr std::array<std::string_view, 5> kUnfinished = {"FORMAT.tmp", "LOCK", "generations",
                                                             "wal", "work"};
    for (const auto& name : names)
        if (std::find(kUnfinished.begin(), kUnfinished.end(), name) == kUnfinished.end())
            return core::fail(ErrorKind::kInvalid, "not a data directory, and not empty: " +
                                                       path_.string() + " holds " + name);
    // A creation that was cut short has left these empty: FORMAT is published before they are used.
    for (const char* part : {"wal", "generations"}) {
        const auto inside = files_.list(path_ / part);
        if (inside && !inside->empty())
            return core::fail(ErrorKind::kCorrupt,
                              "data directory has lost its FORMAT file: " + path_.string());
    }
    return {};
}

core::Result<> DataDirectory::inUse(int lockFd) const {
    return core::fail(ErrorKind::kConflict, "data directory is in use by another process" +
                                                holderOf(lockFd) + ": " + path_.string());
}

// Directory and file are locked: the file names its holder, and the directory keeps the lock when
// somebody removes the file. Some network file systems lock no directories; there the file has to
// do.
core::Result<> DataDirectory::lockDirectory() {
    const auto file = (path_ / "LOCK").string();
    directoryFd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directoryFd_ < 0) return core::failErrno(errno, "open failed: file=" + path_.string());
    if (!TM_MUTANT(lock_not_taken) && ::flock(directoryFd_, LOCK_EX | LOCK_NB) != 0 &&
        errno == EWOULDBLOCK) {
        const int held = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        auto refusal = inUse(held);
        if (held >= 0) ::close(held);
        return refusal;
    }
    return {};
}

core::Result<> DataDirectory::lockFile() {
    const auto file = (path_ / "LOCK").string();
    lockFd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lockFd_ < 0) return core::failErrno(errno, "open failed: file=" + file);
    if (!TM_MUTANT(lock_not_taken) && ::flock(lockFd_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return core::failErrno(errno, "flock failed: file=" + file);
        return inUse(lockFd_);
    }
    // An overlay file system copies a directory up when a file is created in it: then the
    // descriptor that is locked is that of the lower one.
    if (!sameFile(directoryFd_, path_, path_)) {
        ::close(directoryFd_);
        directoryFd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directoryFd_ < 0) return core::failErrno(errno, "open failed: file=" + path_.string());
        if (::flock(directoryFd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            return inUse(lockFd_);
    }
    TM_TRY(stillHeld());
    // Only for the message above; the lock itself is what counts.
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lockFd_, 0) != 0 ||
        ::pwrite(lockFd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
        return core::failErrno(errno, "write failed: file=" + file);
    return {};
}

core::Result<> DataDirectory::stillHeld() const {
    if (lockFd_ < 0) return {};
    TM_TRY(sameFile(directoryFd_, path_, path_));
    return sameFile(lockFd_, path_ / "LOCK", path_);
}

core::Result<> DataDirectory::create() {
    // Where directories cannot be locked.
    if (files_.exists(path_ / "FORMAT"))
        return core::fail(ErrorKind::kConflict,
                          "another process has made the data directory meanwhile: " +
                              path_.string() + "; start again");
    TM_ASSIGN(format_.uuid, randomLogUuid());
    for (const auto& part : {walPath(), generationsPath(), workPath()})
        TM_TRY(files_.createDirectory(part));
    TM_TRY(files_.syncDirectory(path_));
    return core::publishFile(files_, path_ / "FORMAT", encodeDirectoryFormat(format_));
}

core::Result<std::string> DataDirectory::job() const {
    if (!files_.exists(path_ / "JOB")) return std::string();
    TM_ASSIGN(auto name, core::readWholeFile(files_, path_ / "JOB", kFormatBytesMax));
    while (name.ends_with('\n')) name.pop_back();
    return name;
}

core::Result<> DataDirectory::setJob(const std::string& name) {
    return core::publishFile(files_, path_ / "JOB", name + "\n");
}

core::Result<BatchTime> DataDirectory::firstStart(BatchTime now) {
    const Path path = path_ / "STARTED";
    if (!files_.exists(path)) {
        TM_TRY(core::publishFile(files_, path, std::to_string(toMillis(now)) + "\n"));
        return now;
    }
    TM_ASSIGN(const auto text, core::readWholeFile(files_, path, kFormatBytesMax));
    std::int64_t millis = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), millis);
    if (read.ec != std::errc() ||
        text.substr(static_cast<std::size_t>(read.ptr - text.data())) != "\n")
        return core::fail(
            ErrorKind::kCorrupt,
            "the time of the first start does not parse; remove the file: file=" + path.string());
    return fromMillis(millis);
}

std::string DataDirectory::sources() const {
    const auto file = path_ / "SOURCES";
    if (!files_.exists(file)) return {};
    return core::readWholeFile(files_, file, kSourcesBytesMax).value_or(std::string());
}

core::Result<> DataDirectory::setSources(const std::string& kinds) {
    return core::publishFile(files_, path_ / "SOURCES", kinds);
}

core::Result<> DataDirectory::markLogStarted() {
    if (format_.logStarted) return {};
    DirectoryFormat started = format_;
    started.logStarted = true;
    TM_TRY(core::publishFile(files_, path_ / "FORMAT", encodeDirectoryFormat(started)));
    format_ = started;
    return {};
}

}  // namespace tidemill::recovery
