// What the sources and steps of a job file give, and what it is to those that read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "rows/row_stream.h"
#include "tidemill/tidemill.h"

namespace tidemill::tools {

using Text = DStream<std::string_view>;
using Counts = DStream<std::pair<std::string_view, std::int64_t>>;

// Text where text is wanted, rows where rows are.
struct KafkaRecords {
    DStream<KafkaRecord> records;
    rows::RowStream rows;
};
struct KinesisRecords {
    DStream<KinesisRecord> records;
    rows::RowStream rows;
};
struct FlumeEvents {
    DStream<FlumeEvent> events;
    rows::RowStream rows;
};
using Stream =
    std::variant<Text, Counts, rows::RowStream, KafkaRecords, FlumeEvents, KinesisRecords>;

// "rows of fields"
const char* kindOf(const Stream& stream);

// For `--check`: "value text, count int".
std::string contentOf(const Stream& stream);

// Pairs are rows too, where rows are wanted.
std::optional<rows::RowStream> asRows(const Stream& stream);

// The values of Kafka records are text, where text is wanted; of one without a value, none. So are
// the bodies of Flume's events, and the data of Kinesis records.
std::optional<Text> asText(const Stream& stream);

}  // namespace tidemill::tools
