#include "core/operators/text_input.h"

#include "core/partition_cut.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;
// For an output that wants a handful of elements.
constexpr std::size_t kSmallPieceBytes = 4 << 10;

}  // namespace

bool pushText(std::string_view text, Sink<std::string_view>& sink) {
    while (!text.empty()) {
        const std::size_t wanted = sink.wanted();
        if (wanted == 0) return false;
        const std::size_t target = wanted <= kChunkElements ? kSmallPieceBytes : kPieceBytes;
        std::size_t size = text.size();
        if (target < size) {
            const auto newline = text.find('\n', target - 1);
            if (newline != text.npos) size = newline + 1;
        }
        sink.takeText(text.substr(0, size));
        text.remove_prefix(size);
    }
    return sink.wanted() != 0;
}

std::uint32_t TextInputNode::partitions(BatchRun& run) {
    return static_cast<std::uint32_t>(run.record().cuts.size());
}

void TextInputNode::scan(TaskContext& task, BatchRun& run, Sink<std::string_view>& sink) {
    bool more = true;
    forEachPiece(run.blocks(), run.record().cuts, task.partition,
                 [&](const Block& block, std::string_view text) {
                     if (more && block.origin().source == source_) more = pushText(text, sink);
                 });
}

}  // namespace tidemill::core
