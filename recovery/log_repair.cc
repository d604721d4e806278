#include "recovery/log_repair.h"

#include <algorithm>

#include "core/failpoint.h"
#include "core/mutant.h"
#include "recovery/durable_witness.h"
#include "recovery/frame.h"
#include "recovery/segment.h"
#include "recovery/segment_reader.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;
using core::OpenMode;
using core::Path;

constexpr std::uint64_t kPlaceEveryBytes = 1 << 20;
constexpr std::string_view kNewSegment = "recovered.tmp";

class LogRepair {
public:
    LogRepair(DataDirectory& directory, const LogScan& scan, const Decision& decision,
              const LogRepairOptions& options)
        : directory_(directory),
          files_(directory.files()),
          scan_(scan),
          decision_(decision),
          options_(options) {}

    core::Result<RepairedLog> run() {
        // One that is missing held nothing that is needed, or we would not be here.
        TM_TRY(files_.createDirectory(directory_.walPath()));
        TM_TRY(removeLeftovers());
        TM_TRY(startEpoch());
        TM_TRY(supersedeOlder());
        TM_TRY(publishWitness(files_, directory_.witnessPath(), directory_.uuid(),
                              {newSegment_.epoch, decision_.keepLast}));
        TM_TRY(directory_.markLogStarted());
        fillStart();
        fillIndex();
        return std::move(repaired_);
    }

private:
    core::Result<> removeLeftovers() {
        TM_ASSIGN(const auto names, files_.list(directory_.walPath()));
        for (const auto& name : names)
            if (name.ends_with(kTemporarySuffix) || name.ends_with(kRemovedSuffix))
                TM_TRY(files_.unlink(directory_.walPath() / name));
        return {};
    }

    // The new epoch's first segment: it holds the frames that may be in the page cache only, and
    // once its name is durable everything older above `durable` is void.
    core::Result<> startEpoch() {
        std::uint32_t epoch = 1;
        for (const auto& segment : scan_.segments) {
            const std::uint32_t step = TM_MUTANT(epoch_reused) ? 0 : 1;
            epoch = std::max(epoch, segment.name.epoch + step);
        }
        newSegment_.epoch = epoch;
        newSegment_.firstLsn = decision_.durable.next();
        newSegment_.lastLsn = decision_.durable;
        const Path temporary = directory_.walPath() / kNewSegment;
        TM_ASSIGN(const auto file, files_.open(temporary, OpenMode::kReplace));
        TM_TRY(allocate(*file));
        TM_TRY(copyFrames(*file));
        TM_TRY(file->writeAt(0, encodeSegmentHeader({directory_.uuid(), epoch, newSegment_.firstLsn,
                                                     decision_.keepLast})));
        if (!TM_MUTANT(copied_frames_not_synced)) TM_TRY(file->sync());
        TM_FAILPOINT("recover.afterCopy");
        TM_TRY(files_.rename(
            temporary, directory_.walPath() / toString(SegmentName{newSegment_.firstLsn, epoch})));
        TM_FAILPOINT("recover.afterRename");
        TM_TRY(files_.syncDirectory(directory_.walPath()));
        TM_FAILPOINT("recover.afterDirSync");
        return {};
    }

    core::Result<> allocate(core::File& file) {
        std::uint64_t copiedBytes = kSegmentHeaderBytes;  // at most
        for (const auto& segment : scan_.segments)
            if (decision_.keepLast > decision_.durable && segment.lastLsn > decision_.durable)
                copiedBytes +=
                    segment.endOffset - placeBefore(segment.name, decision_.durable.next()).offset;
        newSegmentBytes_ = std::max(copiedBytes, options_.segmentBytes);
        auto allocated = file.allocate(0, newSegmentBytes_);
        if (allocated || allocated.error().kind != ErrorKind::kNoSpace) return allocated;
        // A full disk must not keep us from starting: without room to append, the writer takes a
        // new segment as soon as there is space.
        TM_TRY(file.truncate(0));
        newSegmentBytes_ = copiedBytes;
        return file.allocate(0, newSegmentBytes_);
    }

    core::Result<> copyFrames(core::File& file) {
        const auto seed = frameSeed(directory_.uuid(), newSegment_.epoch);
        std::uint64_t offset = kSegmentHeaderBytes;
        Lsn next = decision_.durable.next();
        for (const auto& segment : scan_.segments) {
            if (segment.lastLsn < next || next > decision_.keepLast) continue;
            TM_ASSIGN(const auto reader, SegmentReader::open(files_, directory_.walPath(),
                                                             segment.name, directory_.uuid()));
            const auto place = placeBefore(segment.name, next);
            reader->seek(place.offset, place.lsn);
            while (next <= decision_.keepLast && next <= segment.lastLsn) {
                TM_ASSIGN(auto step, reader->next());
                if (step.kind == SegmentReader::Step::Kind::kEnd) break;
                if (step.kind == SegmentReader::Step::Kind::kDamage) continue;
                if (step.frame.header.lsn != next) continue;
                auto header = step.frame.header;
                header.knownDurable = decision_.durable;
                const auto bytes = encodeFrame(header, step.frame.payload, seed);
                TM_TRY(file.writeAt(offset, bytes));
                addPlace(next, offset);
                offset += bytes.size();
                next = next.next();
                if (options_.progress)
                    options_.progress(next.value - decision_.durable.value - 1,
                                      decision_.keepLast.value - decision_.durable.value);
            }
        }
        if (next <= decision_.keepLast)
            return core::fail(ErrorKind::kIo, "the log changed while it was read: LSN " +
                                                  toString(next) + " is gone");
        newSegment_.lastLsn = decision_.keepLast;
        appendOffset_ = offset;
        return {};
    }

    // A place in the segment at or before the frame `lsn`.
    IndexedSegment::Place placeBefore(const SegmentName& name, Lsn lsn) const {
        for (const auto& indexed : scan_.index.segments) {
            if (indexed.firstLsn != name.firstLsn || indexed.epoch != name.epoch) continue;
            for (auto place = indexed.places.rbegin(); place != indexed.places.rend(); ++place)
                if (place->lsn <= lsn) return *place;
        }
        return {name.firstLsn, kSegmentHeaderBytes};
    }

    void addPlace(Lsn lsn, std::uint64_t offset) {
        auto& places = newSegment_.places;
        if (places.empty() || offset - places.back().offset >= kPlaceEveryBytes)
            places.push_back({lsn, offset});
    }

    // Only now, that the new segment cannot vanish any more.
    core::Result<> supersedeOlder() {
        bool changed = false;
        const SegmentScan* lastKept = nullptr;
        for (const auto& segment : scan_.segments)
            if (segment.name.firstLsn <= decision_.durable && !segment.supersededWhole())
                lastKept = &segment;
        for (const auto& segment : scan_.segments) {
            const auto path = directory_.walPath() / toString(segment.name);
            if (segment.name.firstLsn > decision_.durable || segment.supersededWhole()) {
                if (!TM_MUTANT(superseded_segment_left)) TM_TRY(files_.unlink(path));
                changed = true;
                continue;
            }
            SegmentPlace place{segment.name.epoch, segment.name.firstLsn, segment.sizeBytes};
            if (!segment.headerDamage && !segment.skipped &&
                (&segment == lastKept || segment.anySuperseded)) {
                TM_ASSIGN(place.sizeBytes, cut(segment, decision_.durable));
                changed = true;
            }
            repaired_.start.segments.push_back(place);
        }
        if (changed) TM_TRY(files_.syncDirectory(directory_.walPath()));
        TM_FAILPOINT("recover.afterCut");
        return {};
    }

    // Cuts a segment behind `last`, or behind its last frame that counts.
    core::Result<std::uint64_t> cut(const SegmentScan& segment, Lsn last) {
        std::uint64_t end = segment.endOffset;
        if (segment.lastLsn > last) {
            TM_ASSIGN(const auto reader, SegmentReader::open(files_, directory_.walPath(),
                                                             segment.name, directory_.uuid()));
            const auto place = placeBefore(segment.name, last.next());
            reader->seek(place.offset, place.lsn);
            end = place.offset;
            for (;;) {
                TM_ASSIGN(auto step, reader->next());
                if (step.kind == SegmentReader::Step::Kind::kDamage) continue;
                if (step.kind == SegmentReader::Step::Kind::kEnd) break;
                if (step.frame.header.lsn > last) break;
                end = step.frame.endOffset();
            }
        }
        if (end >= segment.sizeBytes || TM_MUTANT(superseded_tail_left)) return segment.sizeBytes;
        TM_ASSIGN(const auto file,
                  files_.open(directory_.walPath() / toString(segment.name), OpenMode::kReadWrite));
        TM_TRY(file->truncate(end));
        TM_TRY(file->sync());
        return end;
    }

    void fillStart() {
        auto& start = repaired_.start;
        start.directory = directory_.walPath();
        start.witness = directory_.witnessPath();
        start.uuid = directory_.uuid();
        start.epoch = newSegment_.epoch;
        start.segments.push_back({newSegment_.epoch, newSegment_.firstLsn, newSegmentBytes_});
        start.appendOffset = appendOffset_;
        start.last = decision_.keepLast;
    }

    void fillIndex() {
        repaired_.index = scan_.index;
        auto& segments = repaired_.index.segments;
        std::erase_if(segments,
                      [&](const auto& segment) { return segment.firstLsn > decision_.durable; });
        for (auto& segment : segments) {
            segment.lastLsn = std::min(segment.lastLsn, decision_.durable);
            std::erase_if(segment.places,
                          [&](const auto& mark) { return mark.lsn > decision_.durable; });
        }
        if (!newSegment_.places.empty()) segments.push_back(newSegment_);
    }

    DataDirectory& directory_;
    core::FileSystem& files_;
    const LogScan& scan_;
    const Decision& decision_;
    const LogRepairOptions& options_;
    IndexedSegment newSegment_;
    std::uint64_t newSegmentBytes_ = 0;
    std::uint64_t appendOffset_ = kSegmentHeaderBytes;
    RepairedLog repaired_;
};

}  // namespace

core::Result<RepairedLog> repairLog(DataDirectory& directory, const LogScan& scan,
                                    const Decision& decision, const LogRepairOptions& options) {
    return LogRepair(directory, scan, decision, options).run();
}

}  // namespace tidemill::recovery
