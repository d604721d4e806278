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
#include "tidemill/job.h"

namespace tidemill {

// Calls visit(number, record) for each record of a block, from 1, until it returns false.
void forEachRecord(const core::Block& block, core::Framing framing,
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

// Errors (kConflict): the record, or its blocks, name a source that the job does not have or that
// is of another kind.
core::Result<> checkSources(const Job& job, const core::BatchRecord& record,
                            std::span<const core::BlockPtr> blocks);
core::Result<> checkSource(const Job& job, core::SourceId source, bool inLog);

}  // namespace tidemill
