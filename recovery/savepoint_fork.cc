#include "recovery/savepoint_fork.h"

#include <array>

#include "recovery/data_directory.h"
#include "recovery/durable_witness.h"
#include "recovery/inspect.h"
#include "recovery/savepoints.h"
#include "recovery/segment.h"

namespace tidemill::recovery {

using core::ErrorKind;
using core::OpenMode;
using core::Path;
using core::Result;

namespace {

constexpr std::uint32_t kFirstEpoch = 1;
constexpr std::uint64_t kSmallFileBytesMax = 1 << 20;
// What a job says of itself and an operator of its sources; not what the other directory's batches
// have left behind.
constexpr std::array<std::string_view, 3> kFiles{"JOB", "SOURCES", "INTAKE"};

class SavepointFork {
public:
    SavepointFork(core::FileSystem& files, const Path& savepoint, Path into,
                  const ReadsAll& readsAll, const ForkAs& fork)
        : files_(files),
          savepoint_(savepoint),
          from_(savepoint.parent_path().parent_path()),
          into_(std::move(into)),
          readsAll_(readsAll),
          fork_(fork) {}

    Result<BackupReport> run(const Manifest& manifest) {
        TM_TRY(files_.removeTree(into_));
        TM_TRY(files_.createDirectory(into_));
        TM_ASSIGN(auto format, readDirectoryFormat(files_, from_));
        format.forkAs(fork_.identity, fork_.outputs);
        format.logStarted = true;
        TM_TRY(core::publishFile(files_, into_ / "FORMAT", encodeDirectoryFormat(format)));
        for (const auto name : kFiles) TM_TRY(copyIfThere(name));
        TM_TRY(takeState(manifest));
        TM_TRY(beginLog(format.uuid, manifest.mark.endLsn));
        TM_TRY(verify());
        TM_TRY(files_.syncDirectory(into_));
        report_.checkpoint = manifest.mark.batch;
        report_.lastLsn = manifest.mark.endLsn;
        return report_;
    }

private:
    Result<> copyIfThere(std::string_view name) {
        if (!files_.exists(from_ / name)) return {};
        TM_ASSIGN(const auto bytes, core::readWholeFile(files_, from_ / name, kSmallFileBytesMax));
        report_.copiedBytes += bytes.size();
        ++report_.files;
        return core::publishFile(files_, into_ / name, bytes);
    }

    Result<> takeState(const Manifest& manifest) {
        TM_TRY(files_.createDirectory(into_ / "generations"));
        const Path target =
            into_ / "generations" / toString(GenerationName{manifest.mark.batch, 1});
        TM_TRY(files_.createDirectory(target));
        TM_ASSIGN(const auto list, files_.list(savepoint_));
        for (const auto& name : list) {
            TM_ASSIGN(const auto info, files_.info(savepoint_ / name));
            TM_TRY(core::linkOrCopy(files_, savepoint_ / name, target / name));
            ++report_.files;
            report_.linkedBytes += info.sizeBytes;
        }
        TM_TRY(files_.syncDirectory(target));
        return files_.syncDirectory(into_ / "generations");
    }

    // A segment without frames says where the log goes on; a directory without one would have lost
    // its log.
    Result<> beginLog(const LogUuid& uuid, core::Lsn end) {
        const Path wal = into_ / "wal";
        TM_TRY(files_.createDirectory(wal));
        const SegmentName name{end.next(), kFirstEpoch};
        TM_ASSIGN(const auto file, files_.open(wal / toString(name), OpenMode::kCreate));
        TM_TRY(file->writeAt(0, encodeSegmentHeader({uuid, kFirstEpoch, name.firstLsn, end})));
        TM_TRY(file->sync());
        TM_TRY(files_.syncDirectory(wal));
        return publishWitness(files_, into_ / "DURABLE", uuid, {kFirstEpoch, end});
    }

    Result<> verify() {
        TM_ASSIGN(const auto log, inspectLog(files_, into_, readsAll_));
        for (const auto& problem : log.problems)
            return core::fail(ErrorKind::kCorrupt, problem.message);
        TM_ASSIGN(const auto generations, inspectGenerations(files_, into_, readsAll_));
        for (const auto& generation : generations)
            if (!generation.problem.empty())
                return core::fail(ErrorKind::kCorrupt,
                                  "the savepoint is damaged: " + generation.problem);
        return {};
    }

    core::FileSystem& files_;
    const Path savepoint_;
    const Path from_;
    const Path into_;
    const ReadsAll& readsAll_;
    const ForkAs& fork_;
    BackupReport report_;
};

}  // namespace

Result<BackupReport> forkSavepoint(core::FileSystem& files, const Path& savepoint, const Path& to,
                                   const ReadsAll& readsAll, const ForkAs& fork) {
    const Path plain = savepoint.has_filename() ? savepoint : savepoint.parent_path();
    const Path directory = plain.parent_path().parent_path();
    if (plain.parent_path().filename() != kSavepointDirectory ||
        !files.exists(directory / "FORMAT"))
        return core::fail(ErrorKind::kNotFound,
                          "no savepoint of a data directory, which would be DIR/" +
                              std::string(kSavepointDirectory) + "/NAME: path=" + plain.string());
    TM_ASSIGN(const auto manifest,
              Savepoints(files, directory).manifest(plain.filename().string()));
    if (files.exists(to))
        return core::fail(
            ErrorKind::kConflict,
            "there is something already, and it is not overwritten: path=" + to.string());
    const Path unfinished = Path(to.string() + ".tmp");
    auto report = SavepointFork(files, plain, unfinished, readsAll, fork).run(manifest);
    if (report) {
        TM_TRY(core::renameDurably(files, unfinished, to));
    } else {
        (void)files.removeTree(unfinished);
    }
    return report;
}

}  // namespace tidemill::recovery
