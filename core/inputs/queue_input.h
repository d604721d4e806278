// The stream of elements that a program queued itself.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "core/block.h"
#include "core/byte_codec.h"
#include "core/inputs/prefixed_records.h"
#include "core/progress_marker.h"
#include "core/stream_node.h"
#include "core/value_codec.h"

namespace tidemill::core {

template <class T>
class QueueInputNode final : public RootNode<T> {
public:
    explicit QueueInputNode(SourceId source) : RootNode<T>("queueStream"), source_(source) {}

    bool holdsElements() const override { return false; }

    std::uint32_t partitions(BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }

    bool probes() const override { return true; }

    void scan(TaskContext& task, BatchRun& run, Sink<T>& sink) override {
        scanPrefixed(task, run, source_, sink, [](const Block&) {
            return [](std::string_view record) {
                T value{};
                orThrow(ValueCodec<T>::decode(record, value));
                return value;
            };
        });
    }

private:
    SourceId source_;
};

}  // namespace tidemill::core
