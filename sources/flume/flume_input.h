// The stream of events that a Flume source received.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/block.h"
#include "core/inputs/prefixed_records.h"
#include "core/progress_marker.h"
#include "core/stream_node.h"
#include "sources/flume/event_batch.h"

namespace tidemill::sources::flume {

// T: FlumeEvent, or std::string_view for the bodies alone.
template <class T>
class FlumeInputNode final : public core::RootNode<T> {
public:
    FlumeInputNode(std::string kind, core::SourceId source)
        : core::RootNode<T>(std::move(kind)), source_(source) {}

    bool holdsElements() const override { return false; }
    bool probes() const override { return true; }

    std::uint32_t partitions(core::BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }

    void scan(core::TaskContext& task, core::BatchRun& run, core::Sink<T>& sink) override {
        core::scanPrefixed(task, run, source_, sink, [](const core::Block& block) {
            return [&block](std::string_view bytes) -> T {
                const auto event = decodeEvent(bytes);
                if (!event)
                    throw core::TaskFailure(core::Error{
                        core::ErrorKind::kCorrupt, "a Flume event in the log does not parse: lsn=" +
                                                       core::toString(block.lsn())});
                if constexpr (std::is_same_v<T, std::string_view>) return event->body;
                else return *event;
            };
        });
    }

private:
    core::SourceId source_;
};

}  // namespace tidemill::sources::flume
