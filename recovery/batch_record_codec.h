// Batch records as bytes. Format: docs/formats/batch_record.md.
#pragma once

#include <string>
#include <string_view>

#include "core/batch_record.h"
#include "core/error.h"

namespace tidemill::recovery {

std::string encodeBatchRecord(const core::BatchRecord& record);
// Errors: kCorrupt, kUnsupported.
core::Result<core::BatchRecord> decodeBatchRecord(std::string_view bytes);

}  // namespace tidemill::recovery
