#include "tools/job_streams.h"

namespace tidemill::tools {

using rows::RowStream;

const char* kindOf(const Stream& stream) {
    constexpr const char* kKinds[] = {"text",
                                      "the pairs of a count step",
                                      "rows of fields",
                                      "records of Kafka",
                                      "events of Flume",
                                      "records of Kinesis"};
    return kKinds[stream.index()];
}

std::string contentOf(const Stream& stream) {
    if (std::holds_alternative<Text>(stream)) return "text";
    if (std::holds_alternative<Counts>(stream)) return "value text, count int";
    return asRows(stream)->schema.text();
}

std::optional<RowStream> asRows(const Stream& stream) {
    if (const auto* counts = std::get_if<Counts>(&stream)) return rows::rowsOfCounts(*counts);
    if (const auto* rows = std::get_if<RowStream>(&stream)) return *rows;
    if (const auto* kafka = std::get_if<KafkaRecords>(&stream)) return kafka->rows;
    if (const auto* flume = std::get_if<FlumeEvents>(&stream)) return flume->rows;
    if (const auto* kinesis = std::get_if<KinesisRecords>(&stream)) return kinesis->rows;
    return std::nullopt;
}

std::optional<Text> asText(const Stream& stream) {
    if (const auto* text = std::get_if<Text>(&stream)) return *text;
    if (const auto* kafka = std::get_if<KafkaRecords>(&stream))
        return kafka->records.map(
            [](const KafkaRecord& record) { return record.value.value_or(std::string_view()); });
    if (const auto* flume = std::get_if<FlumeEvents>(&stream))
        return flume->events.map([](const FlumeEvent& event) { return event.body; });
    if (const auto* kinesis = std::get_if<KinesisRecords>(&stream))
        return kinesis->records.map([](const KinesisRecord& record) { return record.data; });
    return std::nullopt;
}

}  // namespace tidemill::tools
