#include "recovery/log_scan.h"

#include <algorithm>

#include "core/mutant.h"
#include "recovery/batch_record_codec.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

constexpr std::uint64_t kPlaceEveryBytes = 1 << 20;

class Scanner {
public:
    Scanner(core::FileSystem& files, const core::Path& directory, const LogUuid& uuid,
            const LogScanOptions& options)
        : files_(files), directory_(directory), uuid_(uuid), options_(options) {
        scan_.index.directory = directory;
        scan_.index.uuid = uuid;
        scan_.gaplessLast = options.after;
    }

    core::Result<LogScan> run() {
        TM_TRY(listFiles());
        markSuperseded();
        for (std::size_t i = 0; i < scan_.segments.size(); ++i) TM_TRY(scanSegment(i));
        for (const auto& segment : scan_.segments)
            if (!segment.damages.empty() && scan_.highest < options_.after) scan_.gapBelow = true;
        return std::move(scan_);
    }

private:
    core::Result<> listFiles() {
        const auto names = listSegments(files_, directory_);
        // Without its directory the log has no segments; whether that may be is not decided here.
        if (!names && names.error().kind == ErrorKind::kNotFound) return {};
        TM_TRY(names);
        for (const auto& name : *names) {
            const auto info = files_.info(directory_ / toString(name));
            if (!info && info.error().kind == ErrorKind::kNotFound && options_.tolerateVanished)
                continue;
            TM_TRY(info);
            SegmentScan segment;
            segment.name = name;
            segment.sizeBytes = info->sizeBytes;
            totalBytes_ += info->sizeBytes;
            scan_.segments.push_back(std::move(segment));
        }
        return {};
    }

    // A segment of a later epoch that begins at F replaced everything from F on.
    void markSuperseded() {
        if (TM_MUTANT(old_epoch_counts)) return;
        for (auto& segment : scan_.segments)
            for (const auto& other : scan_.segments)
                if (other.name.epoch > segment.name.epoch &&
                    (segment.supersededFrom.value == 0 ||
                     other.name.firstLsn < segment.supersededFrom))
                    segment.supersededFrom = other.name.firstLsn;
    }

    // The next segment that counts begins at or below after + 1, so all of this one is below.
    bool below(std::size_t at) const {
        for (std::size_t i = at + 1; i < scan_.segments.size(); ++i)
            if (!scan_.segments[i].supersededWhole())
                return scan_.segments[i].name.firstLsn <= options_.after.next();
        return false;
    }

    core::Result<> scanSegment(std::size_t at) {
        auto& segment = scan_.segments[at];
        auto reader = SegmentReader::open(files_, directory_, segment.name, uuid_);
        if (!reader) {
            if (reader.error().kind == ErrorKind::kNotFound && options_.tolerateVanished) {
                segment.skipped = true;
                return {};
            }
            if (reader.error().kind != ErrorKind::kCorrupt) return core::fail(reader.error());
            segment.headerDamage = reader.error();
            if (below(at)) segment.skipped = scan_.gapBelow = true;
            return {};
        }
        scan_.knownDurable = std::max(scan_.knownDurable, (*reader)->header().knownDurable);
        if (options_.skipBelow && below(at)) {
            segment.skipped = true;
            doneBytes_ += segment.sizeBytes;
            return {};
        }
        // LSNs before the log's first segment were trimmed; they are not missing.
        if (scan_.highest.value == 0) scan_.highest = Lsn(segment.name.firstLsn.value - 1);
        IndexedSegment indexed;
        indexed.epoch = segment.name.epoch;
        indexed.firstLsn = segment.name.firstLsn;
        TM_TRY(readFrames(**reader, segment, indexed));
        doneBytes_ += segment.sizeBytes;
        if (options_.progress) options_.progress(doneBytes_, totalBytes_);
        if (!indexed.places.empty()) scan_.index.segments.push_back(std::move(indexed));
        return {};
    }

    core::Result<> readFrames(SegmentReader& reader, SegmentScan& segment,
                              IndexedSegment& indexed) {
        std::uint64_t reportedAt = 0;
        for (;;) {
            TM_ASSIGN(auto step, reader.next());
            if (step.kind == SegmentReader::Step::Kind::kEnd) return {};
            if (step.kind == SegmentReader::Step::Kind::kDamage) {
                if (!segment.anySuperseded) segment.damages.push_back(step.damage);
                continue;
            }
            const auto& frame = step.frame;
            // What it calls durable was so when it was written, superseded or not.
            scan_.knownDurable = std::max(scan_.knownDurable, frame.header.knownDurable);
            const Lsn lsn = frame.header.lsn;
            if (segment.supersededFrom.value != 0 && lsn >= segment.supersededFrom) {
                segment.anySuperseded = true;
                continue;
            }
            if (lsn <= scan_.highest) continue;
            TM_TRY(count(segment, indexed, frame));
            if (options_.progress && frame.offset - reportedAt > 16 * kPlaceEveryBytes) {
                reportedAt = frame.offset;
                options_.progress(doneBytes_ + reportedAt, totalBytes_);
            }
        }
    }

    core::Result<> count(SegmentScan& segment, IndexedSegment& indexed, const Frame& frame) {
        const Lsn lsn = frame.header.lsn;
        if (lsn != scan_.highest.next() && scan_.highest < options_.after) scan_.gapBelow = true;
        scan_.highest = lsn;
        segment.lastLsn = indexed.lastLsn = lsn;
        segment.endOffset = frame.endOffset();
        ++segment.frames;
        if (indexed.places.empty() ||
            frame.offset - indexed.places.back().offset >= kPlaceEveryBytes)
            indexed.places.push_back({lsn, frame.offset});
        if (frame.header.type == FrameType::kBatchRecord) ++segment.batchRecords;
        if (lsn > options_.after) {
            if (lsn == scan_.gaplessLast.next()) {
                TM_TRY(collect(segment, frame));
                scan_.gaplessLast = lsn;
            } else if (scan_.beyondGap.value == 0) {
                scan_.beyondGap = lsn;
            }
        }
        return options_.visit ? options_.visit(segment, frame) : core::Result<>();
    }

    core::Result<> collect(const SegmentScan& segment, const Frame& frame) {
        const auto where = [&] {
            return " file=" + (directory_ / toString(segment.name)).string() +
                   " offset=" + std::to_string(frame.offset) + " lsn=" + toString(frame.header.lsn);
        };
        if (frame.header.type == FrameType::kBatchRecord) {
            auto record = decodeBatchRecord(frame.payload);
            if (!record) return core::fail(record.error().kind, record.error().message + where());
            scan_.records.push_back({frame.header.lsn, std::move(*record)});
            return {};
        }
        auto data = decodeDataPayload(frame.payload);
        if (!data) return core::fail(data.error().kind, data.error().message + where());
        if (!data->origin.lane.empty() && !TM_MUTANT(lane_position_not_restored))
            scan_.lanes[data->origin.lane] = data->origin.to;
        return {};
    }

    core::FileSystem& files_;
    const core::Path& directory_;
    const LogUuid& uuid_;
    const LogScanOptions& options_;
    LogScan scan_;
    std::uint64_t doneBytes_ = 0;
    std::uint64_t totalBytes_ = 0;
};

}  // namespace

core::Result<LogScan> scanLog(core::FileSystem& files, const core::Path& directory,
                              const LogUuid& uuid, const LogScanOptions& options) {
    return Scanner(files, directory, uuid, options).run();
}

}  // namespace tidemill::recovery
