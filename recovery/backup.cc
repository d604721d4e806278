#include "recovery/backup.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/result_mark.h"
#include "recovery/data_directory.h"
#include "recovery/inspect.h"
#include "recovery/savepoints.h"

namespace tidemill::recovery {

using core::ErrorKind;
using core::OpenMode;
using core::Path;
using core::Result;

namespace {

constexpr int kAttempts = 5;
constexpr std::size_t kCopyBytes = 1 << 20;

// What belongs to a data directory beside log and checkpoints. Not the lock, the socket, notes of a
// batch that is under way, and the working copy of the state.
constexpr std::array<std::string_view, 6> kFiles{"FORMAT",  "JOB",           "STARTED",
                                                 "SOURCES", "SOURCE_ERRORS", "INTAKE"};

class Backup {
public:
    Backup(core::FileSystem& files, Path from, Path into, const ReadsAll& readsAll,
           const BackupProgress& progress, const std::optional<ForkAs>& fork,
           const BackupChoice& choice)
        : files_(files),
          from_(std::move(from)),
          into_(std::move(into)),
          readsAll_(readsAll),
          progress_(progress),
          fork_(fork),
          choice_(choice) {}

    // Errors: kConflict: something was removed or written meanwhile; once more may do.
    Result<BackupReport> run() {
        report_ = {};
        TM_TRY(files_.removeTree(into_));
        TM_TRY(files_.createDirectory(into_));
        // Before the log: it says up to where the log was durable, so the log must be newer.
        TM_TRY(copyIfThere("DURABLE"));
        for (const auto name : kFiles) TM_TRY(copyIfThere(name));
        TM_TRY(copyGenerations());
        if (choice_.savepoints) TM_TRY(copySavepoints());
        TM_TRY(copyLog());
        TM_TRY(stillPublished());
        TM_TRY(copyDeadLetters());
        if (fork_) TM_TRY(becomeFork());
        TM_TRY(verify());
        return report_;
    }

private:
    // What was there a moment ago may have been removed by the job.
    static Result<> gone(const core::Error& error) {
        if (error.kind != ErrorKind::kNotFound) return core::fail(error);
        return core::fail(ErrorKind::kConflict, error.message);
    }

    // The first `length` bytes of a file, and zeros up to `sizeBytes`.
    Result<> copy(const Path& from, const Path& to, std::uint64_t length, std::uint64_t sizeBytes) {
        auto source = files_.open(from, OpenMode::kRead);
        if (!source) return gone(source.error());
        TM_ASSIGN(const auto target, files_.open(to, OpenMode::kCreate));
        std::vector<char> piece(kCopyBytes);
        for (std::uint64_t offset = 0; offset < length;) {
            const auto want = std::min<std::uint64_t>(piece.size(), length - offset);
            TM_ASSIGN(const auto got, (*source)->readAt(offset, piece.data(), want));
            if (got == 0)
                return core::fail(ErrorKind::kConflict,
                                  "a file became shorter while it was "
                                  "copied: file=" +
                                      from.string());
            TM_TRY(target->writeAt(offset, std::string_view(piece.data(), got)));
            offset += got;
        }
        TM_TRY(target->truncate(sizeBytes));
        TM_TRY(target->sync());
        ++report_.files;
        report_.copiedBytes += length;
        return {};
    }

    Result<> copyWhole(const Path& from, const Path& to) {
        const auto info = files_.info(from);
        if (!info) return gone(info.error());
        return copy(from, to, info->sizeBytes, info->sizeBytes);
    }

    Result<> copyIfThere(std::string_view name) {
        if (!files_.exists(from_ / name)) return {};
        return copyWhole(from_ / name, into_ / name);
    }

    // A second name where the disk is the same one, else a copy.
    Result<> linkOrCopy(const Path& from, const Path& to) {
        const auto info = files_.info(from);
        if (!info) return gone(info.error());
        if (!files_.link(from, to)) return copyWhole(from, to);
        ++report_.files;
        report_.linkedBytes += info->sizeBytes;
        return {};
    }

    Result<> copyGenerations() {
        const Generations generations(files_, from_ / "generations");
        TM_TRY(files_.createDirectory(into_ / "generations"));
        TM_ASSIGN(copied_, generations.list());
        TM_TRY(leaveOutNewer());
        for (const auto& name : copied_) {
            const Path source = generations.pathOf(name);
            progress_("checkpoint of batch " + core::toString(name.batch));
            TM_TRY(copyCheckpoint(source, into_ / "generations" / toString(name)));
        }
        if (!copied_.empty()) report_.checkpoint = copied_.front().batch;
        return files_.syncDirectory(into_ / "generations");
    }

    Result<> leaveOutNewer() {
        const auto& newest = choice_.newestCheckpoint;
        if (!newest) return {};
        std::string batches;
        bool found = false;
        for (const auto& name : copied_) {
            batches += (batches.empty() ? "" : ", ") + core::toString(name.batch);
            found = found || name.batch == *newest;
        }
        if (!found)
            return core::fail(ErrorKind::kNotFound, "no checkpoint of batch " +
                                                        core::toString(*newest) +
                                                        "; there are those of batches " + batches);
        std::erase_if(copied_, [&](const auto& name) { return name.batch > *newest; });
        return {};
    }

    Result<> copyCheckpoint(const Path& source, const Path& target) {
        const auto list = files_.list(source);
        if (!list) return gone(list.error());
        TM_TRY(files_.createDirectory(target));
        for (const auto& file : *list) {
            // Table files are never changed; the others are small.
            if (file.ends_with(".sst")) TM_TRY(linkOrCopy(source / file, target / file));
            else TM_TRY(copyWhole(source / file, target / file));
        }
        return files_.syncDirectory(target);
    }

    Result<> copySavepoints() {
        const Savepoints from(files_, from_), into(files_, into_);
        TM_ASSIGN(const auto names, from.names());
        if (names.empty()) return {};
        TM_TRY(files_.createDirectory(into_ / kSavepointDirectory));
        for (const auto& name : names) {
            progress_("savepoint " + name);
            TM_TRY(copyCheckpoint(from.pathOf(name), into.pathOf(name)));
            TM_ASSIGN(const auto manifest, into.manifest(name));
            TM_TRY(verifyCheckpoint(files_, into.pathOf(name), manifest, false, readsAll_));
        }
        return files_.syncDirectory(into_ / kSavepointDirectory);
    }

    // Of each segment what counted when it was looked at: frames that come meanwhile are left out.
    Result<> copyLog() {
        TM_TRY(files_.createDirectory(into_ / "wal"));
        TM_ASSIGN(const auto log, inspectLog(files_, from_));
        std::uint64_t bytes = 0;
        for (const auto& segment : log.segments) bytes += segment.usedBytes;
        progress_("log: " + std::to_string(log.segments.size()) + " segments, " +
                  std::to_string(bytes >> 20) + " MiB");
        for (const auto& segment : log.segments)
            TM_TRY(copy(from_ / "wal" / segment.file, into_ / "wal" / segment.file,
                        segment.usedBytes, segment.sizeBytes));
        return files_.syncDirectory(into_ / "wal");
    }

    // The log is trimmed for newer checkpoints only when those that were copied are removed.
    Result<> stillPublished() const {
        const Generations generations(files_, from_ / "generations");
        TM_ASSIGN(const auto now, generations.list());
        for (const auto& name : copied_)
            if (std::find(now.begin(), now.end(), name) == now.end())
                return core::fail(ErrorKind::kConflict, "the checkpoint of batch " +
                                                            core::toString(name.batch) +
                                                            " was removed while it was copied");
        if (copied_.empty() && !now.empty())
            return core::fail(ErrorKind::kConflict, "the first checkpoint came meanwhile");
        return {};
    }

    Result<> copyDeadLetters() {
        const Path letters = from_ / "dead_letters";
        if (!files_.exists(letters)) return {};
        TM_TRY(files_.createDirectory(into_ / "dead_letters"));
        TM_ASSIGN(const auto list, files_.list(letters));
        for (const auto& name : list)
            TM_TRY(copyWhole(letters / name, into_ / "dead_letters" / name));
        return files_.syncDirectory(into_ / "dead_letters");
    }

    // The dead letters are part of the directory, so they change hands with it.
    Result<> becomeFork() {
        TM_ASSIGN(auto format, readDirectoryFormat(files_, into_));
        const auto before = toString(format.identity());
        format.forkAs(fork_->identity, fork_->outputs);
        TM_TRY(core::publishFile(files_, into_ / "FORMAT", encodeDirectoryFormat(format)));
        const Path marked = into_ / "dead_letters" / core::kResultMarkName;
        TM_ASSIGN(auto mark, core::readResultMark(files_, marked));
        if (!mark || mark->directory != before) return {};
        mark->directory = toString(fork_->identity);
        return core::publishFile(files_, marked, core::encodeResultMark(*mark));
    }

    Result<> verify() {
        progress_("reading it back");
        TM_ASSIGN(const auto log, inspectLog(files_, into_, readsAll_));
        for (const auto& problem : log.problems)
            if (!problem.unfinishedTail) return core::fail(ErrorKind::kCorrupt, problem.message);
        for (const auto& segment : log.segments)
            report_.lastLsn = std::max(report_.lastLsn, segment.lastLsn);
        TM_ASSIGN(const auto generations, inspectGenerations(files_, into_, readsAll_));
        for (const auto& generation : generations)
            if (!generation.problem.empty())
                return core::fail(ErrorKind::kCorrupt, generation.problem);
        return {};
    }

    core::FileSystem& files_;
    const Path from_;
    const Path into_;
    const ReadsAll& readsAll_;
    const BackupProgress& progress_;
    const std::optional<ForkAs>& fork_;
    const BackupChoice& choice_;
    std::vector<GenerationName> copied_;
    BackupReport report_;
};

}  // namespace

Result<BackupReport> backUp(core::FileSystem& files, const Path& from, const Path& to,
                            const ReadsAll& readsAll, const BackupProgress& progress,
                            const std::optional<ForkAs>& fork, const BackupChoice& choice) {
    if (!files.exists(from / "FORMAT"))
        return core::fail(ErrorKind::kNotFound, "no data directory: directory=" + from.string());
    if (files.exists(to))
        return core::fail(
            ErrorKind::kConflict,
            "there is something already, and it is not overwritten: path=" + to.string());
    const Path unfinished = Path(to.string() + ".tmp");
    Backup backup(files, from, unfinished, readsAll, progress, fork, choice);
    for (int attempt = 1;; ++attempt) {
        auto report = backup.run();
        if (report) {
            TM_TRY(files.syncDirectory(unfinished));
            TM_TRY(core::renameDurably(files, unfinished, to));
            return report;
        }
        // Frames that were written while the log was read can look like damage, too.
        const auto kind = report.error().kind;
        const bool again = kind == ErrorKind::kConflict || kind == ErrorKind::kCorrupt;
        if (again && attempt < kAttempts) continue;
        (void)files.removeTree(unfinished);
        return report;
    }
}

}  // namespace tidemill::recovery
