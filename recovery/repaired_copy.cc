#include "recovery/repaired_copy.h"

#include <algorithm>
#include <array>

#include "recovery/data_directory.h"
#include "recovery/durable_witness.h"
#include "recovery/frame.h"
#include "recovery/inspect.h"
#include "recovery/log_scan.h"
#include "recovery/segment.h"

namespace tidemill::recovery {

using core::ErrorKind;
using core::Lsn;
using core::OpenMode;
using core::Path;
using core::Result;

namespace {

constexpr std::uint64_t kSmallFileBytesMax = 1 << 20;
constexpr std::array<std::string_view, 5> kFiles{"JOB", "STARTED", "SOURCES", "SOURCE_ERRORS",
                                                 "INTAKE"};

class RepairedCopy {
public:
    RepairedCopy(core::FileSystem& files, const Path& from, Path into, const ReadsAll& readsAll,
                 const BackupProgress& progress)
        : files_(files),
          from_(from),
          into_(std::move(into)),
          readsAll_(readsAll),
          progress_(progress),
          generations_(files, from / "generations") {}

    Result<RepairReport> run() {
        TM_ASSIGN(format_, readDirectoryFormat(files_, from_));
        TM_TRY(chooseGeneration());
        TM_TRY(readLog());
        TM_TRY(files_.removeTree(into_));
        TM_TRY(files_.createDirectory(into_));
        format_.logStarted = true;
        TM_TRY(core::publishFile(files_, into_ / "FORMAT", encodeDirectoryFormat(format_)));
        for (const auto name : kFiles) TM_TRY(copyIfThere(name));
        TM_TRY(files_.createDirectory(into_ / "generations"));
        if (generation_)
            TM_TRY(linkAll(generations_.pathOf(*generation_),
                           into_ / "generations" / toString(*generation_)));
        TM_TRY(files_.syncDirectory(into_ / "generations"));
        if (files_.exists(from_ / "dead_letters"))
            TM_TRY(linkAll(from_ / "dead_letters", into_ / "dead_letters"));
        TM_TRY(writeLog());
        TM_TRY(verify());
        TM_TRY(files_.syncDirectory(into_));
        return std::move(report_);
    }

private:
    // By every manifest that can be read its endLsn was durable.
    Result<> chooseGeneration() {
        TM_ASSIGN(const auto names, generations_.list());
        for (const auto& name : names) {
            progress_("reading the checkpoint of batch " + core::toString(name.batch));
            const auto manifest = generations_.manifest(name);
            if (!manifest && manifest.error().kind == ErrorKind::kUnsupported)
                return core::fail(manifest.error());
            if (manifest) known_ = std::max(known_, manifest->mark.endLsn);
            const auto sound = generations_.verify(name, readsAll_);
            if (sound) {
                generation_ = name;
                mark_ = sound->mark;
                report_.checkpoint = name.batch;
                return {};
            }
            report_.unsound.push_back(toString(name) + ": " + sound.error().message);
        }
        return {};
    }

    Result<> readLog() {
        progress_("reading the log");
        LogScanOptions options;
        options.after = mark_.endLsn;
        TM_ASSIGN(scan_, scanLog(files_, from_ / "wal", format_.uuid, options));
        if (!generation_ && scan_.firstLsn() != Lsn(1))
            return core::fail(ErrorKind::kCorrupt,
                              "nothing to begin with: no checkpoint is sound, and the log does "
                              "not reach back to its beginning; a savepoint or a backup may do");
        known_ = std::max(known_, scan_.knownDurable);
        TM_ASSIGN(const auto witnessed, readWitness(files_, from_ / "DURABLE", format_.uuid));
        if (witnessed) known_ = std::max(known_, witnessed->durable);
        report_.lastLsn = scan_.gaplessLast;
        if (known_ > scan_.gaplessLast) report_.lost = LsnRange{scan_.gaplessLast.next(), known_};
        return {};
    }

    Result<> copyIfThere(std::string_view name) {
        if (!files_.exists(from_ / name)) return {};
        TM_ASSIGN(const auto bytes, core::readWholeFile(files_, from_ / name, kSmallFileBytesMax));
        return core::publishFile(files_, into_ / name, bytes);
    }

    // Of files that are never changed.
    Result<> linkAll(const Path& from, const Path& into) {
        TM_TRY(files_.createDirectory(into));
        TM_ASSIGN(const auto list, files_.list(from));
        for (const auto& name : list)
            if (name != kSuspectFile) TM_TRY(core::linkOrCopy(files_, from / name, into / name));
        return files_.syncDirectory(into);
    }

    // One segment of an epoch of its own, which holds the frames behind the checkpoint.
    Result<> writeLog() {
        std::uint32_t epoch = 1;
        for (const auto& segment : scan_.segments) epoch = std::max(epoch, segment.name.epoch + 1);
        const Lsn last = scan_.gaplessLast;
        const SegmentName name{mark_.endLsn.next(), epoch};
        TM_TRY(files_.createDirectory(into_ / "wal"));
        TM_ASSIGN(const auto file, files_.open(into_ / "wal" / toString(name), OpenMode::kCreate));
        const auto seed = frameSeed(format_.uuid, epoch);
        std::uint64_t offset = kSegmentHeaderBytes;
        LogScanOptions options;
        options.after = mark_.endLsn;
        options.visit = [&](const SegmentScan&, const Frame& frame) -> Result<> {
            if (frame.header.lsn <= mark_.endLsn) return {};
            if (frame.header.lsn > last) return countReadable(frame);
            const auto bytes = encodeFrame(frame.header, frame.payload, seed);
            TM_TRY(file->writeAt(offset, bytes));
            offset += bytes.size();
            return {};
        };
        TM_TRY(scanLog(files_, from_ / "wal", format_.uuid, options));
        TM_TRY(file->writeAt(
            0, encodeSegmentHeader({format_.uuid, epoch, name.firstLsn, mark_.endLsn})));
        TM_TRY(file->sync());
        TM_TRY(files_.syncDirectory(into_ / "wal"));
        return publishWitness(files_, into_ / "DURABLE", format_.uuid, {epoch, last});
    }

    Result<> countReadable(const Frame& frame) {
        ++report_.readableFrames;
        if (frame.header.type != FrameType::kData) return {};
        TM_ASSIGN(const auto data, decodeDataPayload(frame.payload));
        report_.readableRecords += data.origin.lines;
        return {};
    }

    Result<> verify() {
        progress_("reading the copy back");
        TM_ASSIGN(const auto log, inspectLog(files_, into_, readsAll_));
        for (const auto& problem : log.problems)
            if (!problem.unfinishedTail) return core::fail(ErrorKind::kCorrupt, problem.message);
        return {};
    }

    core::FileSystem& files_;
    const Path from_;
    const Path into_;
    const ReadsAll& readsAll_;
    const BackupProgress& progress_;
    const Generations generations_;
    DirectoryFormat format_;
    std::optional<GenerationName> generation_;
    core::BatchMark mark_;
    Lsn known_;  // was durable
    LogScan scan_;
    RepairReport report_;
};

}  // namespace

Result<RepairReport> repairInto(core::FileSystem& files, const Path& from, const Path& to,
                                const ReadsAll& readsAll, const BackupProgress& progress) {
    if (files.exists(to))
        return core::fail(
            ErrorKind::kConflict,
            "there is something already, and it is not overwritten: path=" + to.string());
    const Path unfinished = Path(to.string() + ".tmp");
    auto report = RepairedCopy(files, from, unfinished, readsAll, progress).run();
    if (!report) {
        (void)files.removeTree(unfinished);
        return report;
    }
    TM_TRY(core::renameDurably(files, unfinished, to));
    return report;
}

}  // namespace tidemill::recovery
