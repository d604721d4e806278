// The stream of records that a Kinesis source received.
#pragma once

#include <string_view>
#include <type_traits>

#include "core/block.h"
#include "core/inputs/prefixed_input.h"
#include "sources/kinesis/record_block.h"

namespace tidemill::sources::kinesis {

struct KinesisForm {
    template <class T>
    static auto decoderOf(const core::Block& block) {
        const auto lane = partsOfLane(block.origin().lane);
        if (!lane) core::throwCorrupt("a block of the log is of no Kinesis shard", block);
        return [&block, lane = *lane](std::string_view bytes) -> T {
            auto record = decodeRecord(bytes);
            if (!record) core::throwCorrupt("a Kinesis record in the log does not parse", block);
            if constexpr (std::is_same_v<T, std::string_view>) {
                return record->data;
            } else {
                record->stream = lane.stream;
                record->shard = lane.shard;
                return *record;
            }
        };
    }
};

// T: KinesisRecord, or std::string_view for the data alone.
template <class T>
using KinesisInputNode = core::PrefixedInputNode<T, KinesisForm>;

}  // namespace tidemill::sources::kinesis
