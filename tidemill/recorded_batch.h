// Whether a batch that was recorded can be run again: by this build, by this job, on these blocks.
#pragma once

#include <span>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "tidemill/job.h"

namespace tidemill {

// Errors name the batch and what does not fit: kCorrupt (cuts, ranges or left out records that are
// none of these blocks'), kUnsupported (other key ranges than this build's), kConflict (a source
// that the job does not have, or of another kind).
core::Result<> checkRecorded(const Job& job, const core::BatchRecord& record,
                             std::span<const core::BlockPtr> blocks);

// Takes the job's replayable sources behind what the record names of them. Errors: theirs, with the
// batch and the source.
core::Result<> resumeRanges(const Job& job, const core::BatchRecord& record);

// Errors (kConflict): the job has no such source, or one whose input is elsewhere: `inLog` says
// whether it was found in the log, in distinction to ranges.
core::Result<> checkSource(const Job& job, core::SourceId source, bool inLog);

}  // namespace tidemill
