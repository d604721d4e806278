// The directory that holds everything a job must not forget:
//   DIR/FORMAT        version, identity of the log              docs/formats/data_directory.md
//   DIR/STARTED       when the first start was, until a batch has run
//   DIR/JOB           the name of the job that it belongs to
//   DIR/SOURCES       what its sources are: for what waits in the log, and for messages
//   DIR/SOURCE_ERRORS what failed of them last                tidemill/source_errors.h
//   DIR/INTAKE        what operators say of them              tidemill/intake.h
//   DIR/LOCK          locked, like DIR itself, by the one process that may write
//   DIR/DURABLE       how far the log was durable               recovery/durable_witness.h
//   DIR/ATTEMPTS      of a batch that has not come to its end   recovery/attempts.h
//   DIR/wal/          segments of the log                       docs/formats/wal.md
//   DIR/generations/  checkpoints                               docs/formats/manifest.md
//   DIR/work/         the working copy of the state: scratch
//   DIR/AT_WORK       which record that batch is at             recovery/at_work.h
// and, where the job has them, DIR/dead_letters/ (tidemill/dead_letters.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/file_system.h"
#include "core/time.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

// What a directory says that `tidemill fork` made of another one. The log keeps the other one's
// UUID, which its frames are checked with.
struct Fork {
    LogUuid identity;      // the directory's own
    LogUuid of;            // that of the directory it was made of
    bool outputs = false;  // whether a job that runs on it shows its batches
    bool operator==(const Fork&) const = default;
};

struct DirectoryFormat {
    std::uint32_t version = 2;    // 3 of a fork
    std::uint32_t readerMin = 2;  // the oldest reader that understands the directory
    LogUuid uuid;                 // of the log
    // True once the first segment is durable: from then on a directory without segments has lost
    // its log.
    bool logStarted = false;
    std::optional<Fork> fork;
    bool operator==(const DirectoryFormat&) const = default;

    // Whose results outputs publish.
    const LogUuid& identity() const { return fork ? fork->identity : uuid; }
    // Makes it that of a fork of what it was.
    void forkAs(const LogUuid& identity, bool outputs);
};

std::string encodeDirectoryFormat(const DirectoryFormat& format);
// Errors: kCorrupt, kUnsupported (a newer format).
core::Result<DirectoryFormat> decodeDirectoryFormat(std::string_view text);

// An open, locked data directory; unlocked when destroyed. Thread safety: worker-confined; the
// paths may be read by all.
class DataDirectory {
public:
    enum class Locking {
        kLock,
        kNone,  // for file systems that exist in memory only
    };

    // Opens `path`, creating what is missing: the directory itself (its parent must exist) and,
    // in an empty one, a new data directory. Refuses without having written anything: one that
    // another process holds (kConflict, names the process when known), one of another owner or that
    // group or others may write to (kInvalid), one that has files but no FORMAT (kInvalid; kCorrupt
    // when it was a data directory), one of a newer format (kUnsupported).
    static core::Result<std::unique_ptr<DataDirectory>> open(core::FileSystem& files,
                                                             const core::Path& path,
                                                             Locking locking = Locking::kLock);
    ~DataDirectory();
    DataDirectory(const DataDirectory&) = delete;
    DataDirectory& operator=(const DataDirectory&) = delete;

    core::FileSystem& files() const { return files_; }
    const core::Path& path() const { return path_; }
    core::Path walPath() const { return path_ / "wal"; }
    core::Path generationsPath() const { return path_ / "generations"; }
    core::Path workPath() const { return path_ / "work"; }
    core::Path witnessPath() const { return path_ / "DURABLE"; }
    const DirectoryFormat& format() const { return format_; }
    // Of the log, and whose results outputs publish: the same unless it is a fork.
    const LogUuid& uuid() const { return format_.uuid; }
    const LogUuid& identity() const { return format_.identity(); }
    // A fork whose batches nobody is to see.
    bool outputsOff() const { return format_.fork && !format_.fork->outputs; }

    // The job that the directory belongs to; empty while none has said so. Errors: kIo, kInvalid.
    core::Result<std::string> job() const;
    // From now on it belongs to the job of this name; durable when it returns.
    core::Result<> setJob(const std::string& name);

    // The sources of the job that ran last, as its Job::sourceKinds() says them; empty: not known.
    std::string sources() const;
    // Durable when it returns.
    core::Result<> setSources(const std::string& kinds);

    // Whether the path still leads to the directory that is locked, and LOCK is still the file that
    // is locked: when it does not, another process may have taken over what has that name now, and
    // nothing may be written there. Errors: kConflict, kIo. Thread-safe.
    core::Result<> stillHeld() const;

    // The wall time of the directory's first start: `now`, unless one before has recorded its own.
    // Durable when it returns. Errors: kIo, kCorrupt.
    core::Result<BatchTime> firstStart(BatchTime now);

    // Records durably that the log has its first segment.
    core::Result<> markLogStarted();

private:
    DataDirectory(core::FileSystem& files, core::Path path)
        : files_(files), path_(std::move(path)) {}
    core::Result<> refuseOthersDirectory() const;
    core::Result<> refuseForeignFiles() const;
    core::Result<> lockDirectory();
    core::Result<> lockFile();
    core::Result<> inUse(int lockFd) const;
    core::Result<> create();

    core::FileSystem& files_;
    core::Path path_;
    DirectoryFormat format_;
    int directoryFd_ = -1;
    int lockFd_ = -1;
};

// The format of a directory that another process may be using; takes no lock, writes nothing.
// Errors: kNotFound (no data directory there), kCorrupt, kUnsupported.
core::Result<DirectoryFormat> readDirectoryFormat(core::FileSystem& files, const core::Path& path);

}  // namespace tidemill::recovery
