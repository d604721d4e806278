#include "tidemill/recorded_batch.h"

#include <algorithm>
#include <string>

#include "core/partition_cut.h"
#include "core/stream_node.h"

namespace tidemill {

using core::BatchRecord;
using core::BlockPtr;
using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

std::string numberOf(core::SourceId source) { return std::to_string(source.value + 1); }

Result<> checkSources(const Job& job, const BatchRecord& record, std::span<const BlockPtr> blocks) {
    const auto check = [&](core::SourceId source, bool inLog) -> Result<> {
        auto fits = checkSource(job, source, inLog);
        if (fits) return {};
        return fail(fits.error().kind,
                    "batch " + toString(record.batch) +
                        " cannot be run again by this job: " + fits.error().message +
                        "; start the job that recorded it, stop it gracefully, "
                        "then start this one");
    };
    for (const auto& block : blocks) TM_TRY(check(block->origin().source, true));
    for (const auto& range : record.ranges) TM_TRY(check(range.source, false));
    return {};
}

// One range a source, in the order of the sources.
Result<> checkRanges(const BatchRecord& record) {
    for (std::size_t i = 1; i < record.ranges.size(); ++i)
        if (record.ranges[i].source <= record.ranges[i - 1].source)
            return fail(ErrorKind::kCorrupt, "what it takes of sources is out of order: source " +
                                                 numberOf(record.ranges[i].source) +
                                                 " stands behind source " +
                                                 numberOf(record.ranges[i - 1].source));
    return {};
}

Result<> checkLeftOut(const BatchRecord& record, std::span<const BlockPtr> blocks) {
    const auto& places = record.skippedByOption;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto text = toString(places[i].lsn) + ":" + std::to_string(places[i].line);
        if (i != 0 && places[i] <= places[i - 1])
            return fail(ErrorKind::kCorrupt,
                        "the records that it leaves out are out of order: " + text);
        const auto block = std::find_if(blocks.begin(), blocks.end(), [&](const auto& candidate) {
            return candidate->lsn() == places[i].lsn;
        });
        if (block == blocks.end() || places[i].line == 0 ||
            places[i].line > (*block)->origin().lines)
            return fail(ErrorKind::kCorrupt,
                        "it leaves out the record " + text + ", which is none of its own");
    }
    return {};
}

}  // namespace

Result<> checkSource(const Job& job, core::SourceId source, bool inLog) {
    if (source.value >= job.sources.size())
        return fail(ErrorKind::kConflict, "it holds records of source " + numberOf(source) +
                                              ", but the job has " +
                                              std::to_string(job.sources.size()));
    if ((job.sources[source.value].replayable != nullptr) == inLog)
        return fail(ErrorKind::kConflict, "it holds records of source " + numberOf(source) +
                                              ", which was of another kind than " +
                                              job.sources[source.value].description);
    return {};
}

Result<> checkRecorded(const Job& job, const BatchRecord& record,
                       std::span<const BlockPtr> blocks) {
    TM_TRY(checkSources(job, record, blocks));
    const auto named = [&](Result<> checked) -> Result<> {
        if (checked) return {};
        return fail(checked.error().kind, "the record of batch " + toString(record.batch) +
                                              " cannot be run again: " + checked.error().message);
    };
    if (record.keyRanges != core::kKeyRanges)
        return named(fail(ErrorKind::kUnsupported,
                          "it was made for " + std::to_string(record.keyRanges) +
                              " key ranges, this build has " + std::to_string(core::kKeyRanges)));
    TM_TRY(named(checkRanges(record)));
    TM_TRY(named(checkLeftOut(record, blocks)));
    // Nothing of it is read by its cuts.
    if (record.allSkippedByOption) return {};
    return named(core::checkCuts(blocks, record.cuts, [&](core::SourceId source) {
        return job.sources[source.value].framing;
    }));
}

Result<> resumeRanges(const Job& job, const BatchRecord& record) {
    for (const auto& range : record.ranges) {
        const auto& source = job.sources[range.source.value];
        if (auto resumed = source.replayable->resumeBehind(range.bytes); !resumed)
            return fail(resumed.error().kind, "the record of batch " + toString(record.batch) +
                                                  " cannot be run again: what it takes of " +
                                                  source.description + ": " +
                                                  resumed.error().message);
    }
    return {};
}

}  // namespace tidemill
