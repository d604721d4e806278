// What is said of a batch that failed: which record, where it came from, and how to go on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/batch_run.h"
#include "core/failed_records.h"
#include "recovery/attempts.h"
#include "tidemill/job.h"

namespace tidemill {

// Calls visit(number, record) for each record of a block's bytes, from 1, until it returns false.
void forEachRecord(std::string_view bytes, core::Framing framing,
                   const std::function<bool(std::uint32_t, std::string_view)>& visit);

// The record that the call that ended the batch was made for, or was made of; none when that
// cannot be told: records of files and of what came out of a shuffle.
std::optional<core::RecordPlace> locate(const Job& job, core::BatchRun& run,
                                        const core::FailedCall& call);

// "record 4 of the block at LSN 120, line 17 of session \"s1\" of listenTextStream …: \"a b\"".
std::string describeRecord(const Job& job, std::span<const core::BlockPtr> blocks,
                           const core::RecordPlace& place);

// "34 records in LSNs 100 to 121 of socketTextStream …, and files of …".
std::string describeContent(const Job& job, const core::BatchRecord& record,
                            std::span<const core::BlockPtr> blocks);

// How an operator goes on without what ended the batch, with a blank in front.
std::string waysOn(const Job& job, core::BatchId batch,
                   const std::optional<core::RecordPlace>& place);

// The error to end the job with, when a user's function has ended the batch with `error`: which
// record, and what to do. `completeBefore`: the batch came to its end in an earlier process.
// `attempts`, which may be null, are told of the failure.
core::Error explainFailure(const Job& job, core::BatchRun& run, const core::Error& error,
                           bool completeBefore, recovery::AttemptsFile* attempts);

}  // namespace tidemill
