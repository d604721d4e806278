// The mark of a boundary between two batches: stored with the state, as part of the last ingest
// of a checkpoint, and repeated in the checkpoint's manifest (invariant I2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/boundary.h"
#include "core/error.h"
#include "core/ids.h"

namespace tidemill::core {

// A stateful operator as a data directory knows it.
struct OperatorEntry {
    OperatorId id;
    std::string name;
    // Kind and stored types, such as "runningTotals key=string value=i64"; state written under one
    // signature is not read under another.
    std::string signature;
    bool operator==(const OperatorEntry&) const = default;
};

struct BatchMark : Boundary {
    // Of the job that ran the batch; see Job::fingerprint in tidemill/job.h.
    std::uint64_t fingerprint = 0;
    // Every operator that ever had state here, sorted by id.
    std::vector<OperatorEntry> operators;
    bool operator==(const BatchMark&) const = default;
};

// Format: docs/formats/batch_mark.md.
std::string encodeBatchMark(const BatchMark& mark);
// Errors: kCorrupt, kUnsupported.
Result<BatchMark> decodeBatchMark(std::string_view bytes);

}  // namespace tidemill::core
