// The stream of records that a Kafka source received.
#pragma once

#include <string_view>
#include <type_traits>

#include "core/block.h"
#include "core/inputs/prefixed_input.h"
#include "sources/kafka/kafka_block.h"

namespace tidemill::sources::kafka {

struct KafkaForm {
    template <class T>
    static auto decoderOf(const core::Block& block) {
        const auto lane = partsOfLane(block.origin().lane);
        if (!lane) core::throwCorrupt("a block of the log is of no Kafka partition", block);
        return [&block, lane = *lane](std::string_view bytes) -> T {
            auto record = decodeRecord(bytes);
            if (!record) core::throwCorrupt("a Kafka record in the log does not parse", block);
            if constexpr (std::is_same_v<T, std::string_view>) {
                return record->value.value_or(std::string_view());
            } else {
                record->topic = lane.topic;
                record->partition = lane.partition;
                return *record;
            }
        };
    }
};

// T: KafkaRecord, or std::string_view for the values alone, where a record without one is empty.
template <class T>
using KafkaInputNode = core::PrefixedInputNode<T, KafkaForm>;

}  // namespace tidemill::sources::kafka
