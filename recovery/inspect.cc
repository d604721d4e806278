#include "recovery/inspect.h"

#include <algorithm>

#include "recovery/batch_record_codec.h"
#include "recovery/data_directory.h"
#include "recovery/log_scan.h"
#include "recovery/recovery_facts.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;
using core::Path;

struct Gap {
    LsnRange missing;
    std::string before;  // the file in which the log goes on
};

core::Result<LogScan> scan(core::FileSystem& files, const Path& dataDirectory,
                           LogScanOptions options) {
    TM_ASSIGN(const auto format, readDirectoryFormat(files, dataDirectory));
    options.tolerateVanished = true;
    return scanLog(files, dataDirectory / "wal", format.uuid, options);
}

SegmentSummary summaryOf(const SegmentScan& segment) {
    SegmentSummary summary;
    summary.file = toString(segment.name);
    summary.epoch = segment.name.epoch;
    summary.firstLsn = segment.name.firstLsn;
    summary.lastLsn = segment.lastLsn;
    summary.sizeBytes = segment.sizeBytes;
    summary.usedBytes = std::min(segment.endOffset, segment.sizeBytes);
    summary.frames = segment.frames;
    summary.batchRecords = segment.batchRecords;
    summary.isSuperseded = segment.supersededWhole();
    return summary;
}

void addProblems(const LogScan& scanned, const SegmentScan& segment, LogReport& report) {
    if (segment.headerDamage) report.problems.push_back({segment.headerDamage->message, {}, false});
    for (const auto& damage : segment.damages) {
        LogProblem problem;
        problem.message = damage.what + " until offset=" + std::to_string(damage.endOffset);
        // No frame that counts follows it, and none that is known durable is missing.
        problem.unfinishedTail = damage.atEnd && scanned.highest >= report.knownDurable &&
                                 segment.lastLsn >= report.knownDurable;
        report.problems.push_back(std::move(problem));
    }
}

core::Result<DumpedFrame> toDumped(const SegmentScan& segment, const Frame& frame) {
    DumpedFrame dumped;
    dumped.file = toString(segment.name);
    dumped.offset = frame.offset;
    dumped.lsn = frame.header.lsn;
    dumped.knownDurable = frame.header.knownDurable;
    dumped.frameBytes = frame.endOffset() - frame.offset;
    if (frame.header.type == FrameType::kBatchRecord) {
        TM_ASSIGN(dumped.record, decodeBatchRecord(frame.payload));
    } else {
        TM_ASSIGN(auto data, decodeDataPayload(frame.payload));
        dumped.origin = std::move(data.origin);
        dumped.bytes = data.bytes;
    }
    return dumped;
}

core::Result<LogReport> inspectOnce(core::FileSystem& files, const Path& dataDirectory,
                                    const ReadsAll& readsAll) {
    TM_ASSIGN(const auto format, readDirectoryFormat(files, dataDirectory));
    GatherOptions options;
    options.readsAll = readsAll;
    options.scan.skipBelow = false;
    options.scan.tolerateVanished = true;
    std::vector<Gap> gaps;
    Lsn previous;
    options.scan.visit = [&](const SegmentScan& segment, const Frame& frame) -> core::Result<> {
        const Lsn lsn = frame.header.lsn;
        if (previous.value != 0 && lsn != previous.next())
            gaps.push_back({{previous.next(), Lsn(lsn.value - 1)}, toString(segment.name)});
        if (previous.value == 0 && lsn != segment.name.firstLsn)
            gaps.push_back({{segment.name.firstLsn, Lsn(lsn.value - 1)}, toString(segment.name)});
        previous = lsn;
        return {};
    };
    TM_ASSIGN(const auto found, gatherFacts(files, dataDirectory, format, options));
    const auto& scanned = found.scan;
    LogReport report;
    report.knownDurable =
        std::max({found.facts.knownDurable, found.facts.witnessed, found.facts.generation.endLsn});
    for (const auto& segment : scanned.segments) {
        if (segment.skipped && !segment.headerDamage) continue;  // it vanished meanwhile
        report.segments.push_back(summaryOf(segment));
        addProblems(scanned, segment, report);
    }
    for (const auto& gap : gaps) {
        LogProblem problem;
        problem.message = toString(gap.missing) + " missing: the log goes on in file=" + gap.before;
        problem.lost = gap.missing;
        // Behind what is known durable, a group may have been written in part only: frames after
        // the first hole never counted.
        problem.unfinishedTail = gap.missing.first > report.knownDurable;
        report.problems.push_back(std::move(problem));
    }
    report.decision = decide(found.facts);
    const auto said = [&](const LogProblem& problem) {
        return problem.lost && problem.lost == report.decision.lost && !problem.unfinishedTail;
    };
    if (report.decision.refused() &&
        std::none_of(report.problems.begin(), report.problems.end(), said))
        report.problems.push_back({report.decision.message, report.decision.lost, false});
    return report;
}

}  // namespace

core::Result<LogReport> inspectLog(core::FileSystem& files, const Path& dataDirectory,
                                   const ReadsAll& readsAll) {
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
        auto report = inspectOnce(files, dataDirectory, readsAll);
        // While a job runs, a frame that is half written or a segment that is trimmed looks like
        // damage. Only what is found each time is.
        if (!report || report->sound() || attempt == kAttempts) return report;
    }
}

core::Result<> dumpLog(core::FileSystem& files, const Path& dataDirectory, Lsn after,
                       const std::function<core::Result<>(const DumpedFrame&)>& visit) {
    LogScanOptions options;
    options.after = after;
    options.visit = [&](const SegmentScan& segment, const Frame& frame) -> core::Result<> {
        if (frame.header.lsn <= after) return {};
        TM_ASSIGN(const auto dumped, toDumped(segment, frame));
        return visit(dumped);
    };
    TM_TRY(scan(files, dataDirectory, options));
    return {};
}

core::Result<std::uint64_t> loggedRecordsAfter(core::FileSystem& files, const Path& dataDirectory,
                                               Lsn after) {
    std::uint64_t records = 0;
    TM_TRY(dumpLog(files, dataDirectory, after, [&](const DumpedFrame& frame) -> core::Result<> {
        if (frame.origin) records += frame.origin->lines;
        return {};
    }));
    return records;
}

core::Result<std::vector<GenerationSummary>> inspectGenerations(core::FileSystem& files,
                                                                const Path& dataDirectory,
                                                                const ReadsAll& readsAll) {
    TM_TRY(readDirectoryFormat(files, dataDirectory));
    const Generations generations(files, dataDirectory / "generations");
    TM_ASSIGN(const auto names, generations.list());
    std::vector<GenerationSummary> summaries;
    for (const auto& name : names) {
        GenerationSummary summary;
        summary.name = name;
        summary.path = generations.pathOf(name);
        summary.suspect = generations.suspect(name);
        const auto manifest = generations.manifest(name);
        core::Result<> verified;
        if (!manifest) {
            verified = core::fail(manifest.error());
        } else {
            summary.mark = manifest->mark;
            summary.files = manifest->files.size();
            for (const auto& file : manifest->files) summary.sizeBytes += file.sizeBytes;
            verified = generations.verifyFiles(name, *manifest, summary.suspect, readsAll);
        }
        if (!verified) {
            if (!files.exists(summary.path)) continue;  // removed meanwhile
            summary.problem = verified.error().message;
        }
        summaries.push_back(std::move(summary));
    }
    return summaries;
}

}  // namespace tidemill::recovery
