// The stream of records that a Kafka source received.
#pragma once

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/block.h"
#include "core/inputs/prefixed_records.h"
#include "core/progress_marker.h"
#include "core/stream_node.h"
#include "sources/kafka/kafka_block.h"

namespace tidemill::sources::kafka {

// T: KafkaRecord, or std::string_view for the values alone, where a record without one is empty.
template <class T>
class KafkaInputNode final : public core::RootNode<T> {
public:
    KafkaInputNode(std::string kind, core::SourceId source)
        : core::RootNode<T>(std::move(kind)), source_(source) {}

    bool holdsElements() const override { return false; }
    bool probes() const override { return true; }

    std::uint32_t partitions(core::BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }

    void scan(core::TaskContext& task, core::BatchRun& run, core::Sink<T>& sink) override {
        core::scanPrefixed(task, run, source_, sink, [](const core::Block& block) {
            const auto lane = partsOfLane(block.origin().lane);
            if (!lane) throwCorrupt("a block of the log is of no Kafka partition", block);
            return [&block, lane = *lane](std::string_view bytes) -> T {
                auto record = decodeRecord(bytes);
                if (!record) throwCorrupt("a Kafka record in the log does not parse", block);
                if constexpr (std::is_same_v<T, std::string_view>) {
                    return record->value.value_or(std::string_view());
                } else {
                    record->topic = lane.topic;
                    record->partition = lane.partition;
                    return *record;
                }
            };
        });
    }

private:
    [[noreturn]] static void throwCorrupt(const char* what, const core::Block& block) {
        throw core::TaskFailure(core::Error{
            core::ErrorKind::kCorrupt, std::string(what) + ": lsn=" + core::toString(block.lsn())});
    }

    core::SourceId source_;
};

}  // namespace tidemill::sources::kafka
