// The stream of records of text that a live source has cut itself (Framing::kPrefixed): CSV's,
// which may hold line ends.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/inputs/prefixed_records.h"
#include "core/progress_marker.h"
#include "core/stream_node.h"

namespace tidemill::core {

class RecordInputNode final : public RootNode<std::string_view> {
public:
    RecordInputNode(std::string kind, SourceId source)
        : RootNode(std::move(kind)), source_(source) {}

    bool probes() const override { return true; }
    bool holdsElements() const override { return false; }
    std::uint32_t partitions(BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }
    void scan(TaskContext& task, BatchRun& run, Sink<std::string_view>& sink) override {
        scanPrefixed(task, run, source_, sink,
                     [](const Block&) { return [](std::string_view record) { return record; }; });
    }

private:
    SourceId source_;
};

}  // namespace tidemill::core
