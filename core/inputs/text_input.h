// The stream of lines that a live text source received.
#pragma once

#include <string>

#include "core/ids.h"
#include "core/stream_node.h"

namespace tidemill::core {

class TextInputNode final : public RootNode<std::string_view> {
public:
    TextInputNode(std::string kind, SourceId source) : RootNode(std::move(kind)), source_(source) {}

    SourceId source() const { return source_; }

    bool probes() const override { return true; }
    bool holdsElements() const override { return false; }
    std::uint32_t partitions(BatchRun& run) override;
    void scan(TaskContext& task, BatchRun& run, Sink<std::string_view>& sink) override;

private:
    // Without the records that the batch leaves out; true: more is wanted.
    static bool pushByLine(Lsn lsn, std::string_view before, std::string_view text,
                           const BatchRecord& record, const TaskContext& task,
                           Sink<std::string_view>& sink);

    SourceId source_;
};

// Hands `text` (whole lines) to `sink` in pieces small enough to stay in a core's cache, and
// between them asks whether more is wanted. Returns false when it is not.
bool pushText(std::string_view text, Sink<std::string_view>& sink);

// The same, line by line.
bool pushLines(std::string_view text, Sink<std::string_view>& sink);

}  // namespace tidemill::core
