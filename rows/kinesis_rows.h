// Kinesis records as rows.
#pragma once

#include "core/error.h"
#include "rows/row_stream.h"
#include "tidemill/dstream.h"

namespace tidemill {

struct KinesisRecord;

namespace rows {

// Columns data, partition_key, stream, shard, sequence_number (text), sub_index (int) and timestamp
// (time).
core::Result<RowStream> rowsOfKinesis(const DStream<KinesisRecord>& records);

}  // namespace rows
}  // namespace tidemill
