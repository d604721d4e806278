// Lines of a text that lies in memory, as a source: for tests, demonstrations and benchmarks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/replayable_source.h"
#include "core/stream_node.h"

namespace tidemill::core {

// Takes `bytesPerBatch` (0: all) of the text in each batch, cut at line ends, until it is used up.
// Thread safety: see ReplayableSource.
class MemoryText final : public ReplayableSource {
public:
    // `text` must outlive the job; its last line may lack the '\n'.
    MemoryText(std::string_view text, std::size_t bytesPerBatch)
        : text_(text), bytesPerBatch_(bytesPerBatch) {}

    Result<Plan> plan(const Limits& limits) override;
    Result<> resumeBehind(std::string_view range) override;
    Result<> visitRecords(std::string_view range, const Visit& visit) override;
    std::vector<PositionChange> takeChanges() override;
    Result<> open(const SourceOpening& opening) override;

    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::uint32_t partitions = 0;
    };
    Result<Range> decode(std::string_view range) const;

    // The part of `range` that one partition takes: whole lines.
    std::string_view partition(const Range& range, std::uint32_t partition) const;

private:
    std::size_t lineEndAfter(std::size_t offset) const;

    std::string_view text_;
    std::size_t bytesPerBatch_;
    std::size_t next_ = 0;
    std::size_t kept_ = 0;
};

class MemoryTextNode final : public RootNode<std::string_view> {
public:
    MemoryTextNode(std::shared_ptr<MemoryText> source, SourceId id);

    std::uint32_t partitions(BatchRun& run) override;
    void scan(TaskContext& task, BatchRun& run, Sink<std::string_view>& sink) override;

private:
    std::shared_ptr<MemoryText> source_;
    SourceId id_;
};

}  // namespace tidemill::core
