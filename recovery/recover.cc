#include "recovery/recover.h"

#include <algorithm>

#include "core/check.h"
#include "core/failpoint.h"
#include "core/logging.h"
#include "recovery/durable_witness.h"
#include "recovery/frame.h"
#include "recovery/recovery_facts.h"
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

// Facts are gathered first, nothing is written before the decision, and each step may be the
// last: whatever is left is a state that the next recovery starts from.
class Recovery {
public:
    Recovery(DataDirectory& directory, const RecoverOptions& options)
        : directory_(directory),
          files_(directory.files()),
          options_(options),
          generations_(directory.files(), directory.generationsPath()) {}

    core::Result<Recovered> run() {
        TM_TRY(gather());
        const Decision decision = decide(found_.facts);
        if (decision.refused())
            return core::fail(decision.verdict >= Verdict::kRefuseForeign ? ErrorKind::kConflict
                                                                          : ErrorKind::kCorrupt,
                              "cannot recover " + directory_.path().string() + ": " +
                                  decision.message + found_.damageNotes());
        if (found_.mark && options_.acceptMark) TM_TRY(options_.acceptMark(*found_.mark));
        TM_FAILPOINT("recover.afterScan");
        TM_TRY(directory_.stillHeld());
        // One that is missing held nothing that is needed, or we would not be here.
        TM_TRY(files_.createDirectory(directory_.walPath()));
        TM_TRY(files_.createDirectory(directory_.generationsPath()));
        TM_TRY(removeLeftovers());
        TM_TRY(startEpoch(decision));
        TM_TRY(voidOlder(decision));
        TM_TRY(publishWitness(files_, directory_.witnessPath(), directory_.uuid(),
                              {newSegment_.epoch, decision.keepLast}));
        TM_TRY(directory_.markLogStarted());
        TM_TRY(settleGenerations());
        TM_TRY(cloneState());
        TM_TRY(fillResult(decision));
        return std::move(recovered_);
    }

private:
    core::Result<> gather() {
        GatherOptions options;
        options.fingerprint = options_.fingerprint;
        options.steps = options_.steps;
        options.stoppedAt = options_.stoppedAt;
        options.readsAll = options_.readsAll;
        options.scan.progress = [this](std::uint64_t done, std::uint64_t total) {
            tell(RecoverProgress::Step::kScan, done, total);
        };
        TM_ASSIGN(found_, gatherFacts(files_, directory_.path(), directory_.format(), options));
        for (std::size_t i = 0; i < found_.damaged.size(); ++i)
            warn("checkpoint " + toString(found_.damaged[i]) +
                 " is not used: " + found_.damagedWhy[i]);
        if (directory_.format().logStarted && found_.facts.witnessed.value == 0)
            warn("the file DURABLE is missing or damaged: whether the end of the log is missing "
                 "cannot be told");
        if (options_.beginFingerprint && !found_.facts.records.empty())
            if (auto& first = found_.facts.records.front();
                first.fingerprint == options_.beginFingerprint(found_.mark))
                first.fingerprint = options_.fingerprint;
        return {};
    }

    core::Result<> removeLeftovers() {
        TM_TRY(generations_.removeLeftovers());
        TM_ASSIGN(const auto names, files_.list(directory_.walPath()));
        for (const auto& name : names)
            if (name.ends_with(kTemporarySuffix) || name.ends_with(kRemovedSuffix))
                TM_TRY(files_.unlink(directory_.walPath() / name));
        return {};
    }

    // The new epoch's first segment: it holds the frames that may be in the page cache only, and
    // once its name is durable everything older above `durable` is void.
    core::Result<> startEpoch(const Decision& decision) {
        std::uint32_t epoch = 1;
        for (const auto& segment : found_.scan.segments)
            epoch = std::max(epoch, segment.name.epoch + 1);
        newSegment_.epoch = epoch;
        newSegment_.firstLsn = decision.durable.next();
        newSegment_.lastLsn = decision.durable;
        const Path temporary = directory_.walPath() / kNewSegment;
        TM_ASSIGN(const auto file, files_.open(temporary, OpenMode::kReplace));
        TM_TRY(allocate(*file, decision));
        TM_TRY(copyFrames(*file, decision));
        TM_TRY(file->writeAt(0, encodeSegmentHeader({directory_.uuid(), epoch, newSegment_.firstLsn,
                                                     decision.keepLast})));
        TM_TRY(file->sync());
        TM_FAILPOINT("recover.afterCopy");
        TM_TRY(files_.rename(temporary, directory_.walPath() /
                                            toString(SegmentName{newSegment_.firstLsn, epoch})));
        TM_FAILPOINT("recover.afterRename");
        TM_TRY(files_.syncDirectory(directory_.walPath()));
        TM_FAILPOINT("recover.afterDirSync");
        return {};
    }

    core::Result<> allocate(core::File& file, const Decision& decision) {
        std::uint64_t copiedBytes = kSegmentHeaderBytes;  // at most
        for (const auto& segment : found_.scan.segments)
            if (decision.keepLast > decision.durable && segment.lastLsn > decision.durable)
                copiedBytes +=
                    segment.endOffset - placeBefore(segment.name, decision.durable.next()).offset;
        newSegmentBytes_ = std::max(copiedBytes, options_.segmentBytes);
        auto allocated = file.allocate(0, newSegmentBytes_);
        if (allocated || allocated.error().kind != ErrorKind::kNoSpace) return allocated;
        // A full disk must not keep us from starting: without room to append, the writer takes a
        // new segment as soon as there is space.
        TM_TRY(file.truncate(0));
        newSegmentBytes_ = copiedBytes;
        return file.allocate(0, newSegmentBytes_);
    }

    core::Result<> copyFrames(core::File& file, const Decision& decision) {
        const auto seed = frameSeed(directory_.uuid(), newSegment_.epoch);
        std::uint64_t offset = kSegmentHeaderBytes;
        Lsn next = decision.durable.next();
        for (const auto& segment : found_.scan.segments) {
            if (segment.lastLsn < next || next > decision.keepLast) continue;
            TM_ASSIGN(const auto reader, SegmentReader::open(files_, directory_.walPath(),
                                                             segment.name, directory_.uuid()));
            const auto place = placeBefore(segment.name, next);
            reader->seek(place.offset, place.lsn);
            while (next <= decision.keepLast && next <= segment.lastLsn) {
                TM_ASSIGN(auto step, reader->next());
                if (step.kind == SegmentReader::Step::Kind::kEnd) break;
                if (step.kind == SegmentReader::Step::Kind::kDamage) continue;
                if (step.frame.header.lsn != next) continue;
                auto header = step.frame.header;
                header.vouched = decision.durable;
                const auto bytes = encodeFrame(header, step.frame.payload, seed);
                TM_TRY(file.writeAt(offset, bytes));
                addPlace(next, offset);
                offset += bytes.size();
                next = next.next();
                tell(RecoverProgress::Step::kCopy, next.value - decision.durable.value - 1,
                     decision.keepLast.value - decision.durable.value);
            }
        }
        if (next <= decision.keepLast)
            return core::fail(ErrorKind::kIo, "the log changed while it was read: LSN " +
                                                  toString(next) + " is gone");
        newSegment_.lastLsn = decision.keepLast;
        appendOffset_ = offset;
        return {};
    }

    // A place in the segment at or before the frame `lsn`.
    IndexedSegment::Place placeBefore(const SegmentName& name, Lsn lsn) const {
        for (const auto& indexed : found_.scan.index.segments) {
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
    core::Result<> voidOlder(const Decision& decision) {
        bool changed = false;
        const SegmentScan* lastKept = nullptr;
        for (const auto& segment : found_.scan.segments)
            if (segment.name.firstLsn <= decision.durable && !segment.voidWhole())
                lastKept = &segment;
        for (const auto& segment : found_.scan.segments) {
            const auto path = directory_.walPath() / toString(segment.name);
            if (segment.name.firstLsn > decision.durable || segment.voidWhole()) {
                TM_TRY(files_.unlink(path));
                changed = true;
                continue;
            }
            SegmentPlace place{segment.name.epoch, segment.name.firstLsn, segment.sizeBytes};
            if (!segment.headerDamage && !segment.skipped &&
                (&segment == lastKept || segment.anyVoid)) {
                TM_ASSIGN(place.sizeBytes, cut(segment, decision.durable));
                changed = true;
            }
            recovered_.log.segments.push_back(place);
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
        if (end >= segment.sizeBytes) return segment.sizeBytes;
        TM_ASSIGN(const auto file, files_.open(directory_.walPath() / toString(segment.name),
                                               OpenMode::kReadWrite));
        TM_TRY(file->truncate(end));
        TM_TRY(file->sync());
        return end;
    }

    core::Result<> settleGenerations() {
        for (const auto& name : found_.damaged) TM_TRY(generations_.setAside(name));
        if (found_.generation && found_.generationWasSuspect)
            return generations_.clearSuspect(*found_.generation);
        return {};
    }

    core::Result<> cloneState() {
        recovered_.work = directory_.workPath();
        recovered_.generation = found_.generation;
        recovered_.mark = found_.mark;
        tell(RecoverProgress::Step::kClone, 0, 1);
        if (recovered_.generation)
            return generations_.cloneInto(*recovered_.generation, recovered_.work);
        TM_TRY(files_.removeTree(recovered_.work));
        return files_.createDirectory(recovered_.work);
    }

    core::Result<> fillResult(const Decision& decision) {
        recovered_.readInFull = found_.generation.has_value() && found_.generationWasSuspect;
        recovered_.files = &files_;
        auto& log = recovered_.log;
        log.directory = directory_.walPath();
        log.witness = directory_.witnessPath();
        log.uuid = directory_.uuid();
        log.epoch = newSegment_.epoch;
        log.segments.push_back({newSegment_.epoch, newSegment_.firstLsn, newSegmentBytes_});
        log.appendOffset = appendOffset_;
        log.last = decision.keepLast;
        fillIndex(decision);
        if (const auto& mark = recovered_.mark) {
            recovered_.lastBatch = mark->batch;
            recovered_.lastTime = mark->time;
            recovered_.zeroTime = mark->zeroTime;
            recovered_.endLsn = mark->endLsn;
        }
        for (auto& found : found_.scan.records) {
            recovered_.lastBatch = found.record.id;
            recovered_.lastTime = found.record.time;
            recovered_.zeroTime = found.record.zeroTime;
            recovered_.endLsn = found.record.endLsn;
            auto& batches = recovered_.batches;
            // Recorded anew: the later one counts.
            if (!batches.empty() && batches.back().id == found.record.id) batches.pop_back();
            batches.push_back(std::move(found.record));
        }
        recovered_.sessions = std::move(found_.scan.sessions);
        if (found_.facts.damageBelow) warnOfDamageBelow(decision);
        const LsnRange open{recovered_.endLsn.next(), decision.keepLast};
        if (open.first > open.last) return {};
        return recovered_.index.readBlocks(files_, open, [&](core::BlockPtr block) {
            log.pending.push_back(std::move(block));
            return core::Result<>();
        });
    }

    void fillIndex(const Decision& decision) {
        recovered_.index = std::move(found_.scan.index);
        auto& segments = recovered_.index.segments;
        std::erase_if(segments,
                      [&](const auto& segment) { return segment.firstLsn > decision.durable; });
        for (auto& segment : segments) {
            segment.lastLsn = std::min(segment.lastLsn, decision.durable);
            std::erase_if(segment.places,
                          [&](const auto& mark) { return mark.lsn > decision.durable; });
        }
        if (!newSegment_.places.empty()) segments.push_back(newSegment_);
    }

    // Says what is known, and no more: frames behind a damage may be missing without a trace.
    void warnOfDamageBelow(const Decision& decision) {
        const auto& facts = found_.facts;
        const auto known = std::max({facts.vouched, facts.witnessed, facts.endLsn});
        warn("the log is damaged at or below LSN " + toString(facts.endLsn) +
             ", which the checkpoint holds; the log goes on up to LSN " +
             toString(decision.keepLast) + ", and nothing that is known to have been durable (up to LSN " +
             toString(known) + ") is missing" + found_.damageNotes());
    }

    void warn(std::string message) {
        core::logWarning(message);
        recovered_.warnings.push_back(std::move(message));
    }

    void tell(RecoverProgress::Step step, std::uint64_t done, std::uint64_t total) const {
        if (options_.progress) options_.progress({step, done, total});
    }

    DataDirectory& directory_;
    core::FileSystem& files_;
    const RecoverOptions& options_;
    Generations generations_;
    Findings found_;
    IndexedSegment newSegment_;
    std::uint64_t newSegmentBytes_ = 0;
    std::uint64_t appendOffset_ = kSegmentHeaderBytes;
    Recovered recovered_;
};

}  // namespace

core::Result<std::vector<core::BlockPtr>> Recovered::blocksOf(std::size_t at) const {
    TM_CHECK(at < batches.size(), "blocks of a batch are asked for that was not recovered");
    Lsn before = mark ? mark->endLsn : Lsn();
    if (at > 0) before = batches[at - 1].endLsn;
    std::vector<core::BlockPtr> blocks;
    const LsnRange range{before.next(), batches[at].endLsn};
    if (range.first > range.last) return blocks;
    TM_TRY(index.readBlocks(*files, range, [&](core::BlockPtr block) {
        blocks.push_back(std::move(block));
        return core::Result<>();
    }));
    return blocks;
}

core::Result<Recovered> recover(DataDirectory& directory, const RecoverOptions& options) {
    core::ActivityScope activity(core::Activity::kRecovery);
    return Recovery(directory, options).run();
}

}  // namespace tidemill::recovery
