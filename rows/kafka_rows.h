// Kafka records as rows.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "rows/row_stream.h"
#include "tidemill/dstream.h"

namespace tidemill {

struct KafkaRecord;

namespace rows {

// Columns key, value, topic (text), partition, offset (int), timestamp (time), and one of text for
// each of `headers`, by its name; what a record does not have is null. Errors: kInvalid, a header
// that is called like another column.
core::Result<RowStream> rowsOfKafka(const DStream<KafkaRecord>& records,
                                    const std::vector<std::string>& headers);

}  // namespace rows
}  // namespace tidemill
