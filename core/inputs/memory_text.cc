#include "core/inputs/memory_text.h"

#include <algorithm>

#include "core/byte_codec.h"
#include "core/cut_lines.h"
#include "core/inputs/text_input.h"

namespace tidemill::core {

std::size_t MemoryText::lineEndAfter(std::size_t offset) const {
    if (offset == 0) return 0;
    if (offset >= text_.size()) return text_.size();
    const auto newline = text_.find('\n', offset - 1);
    return newline == text_.npos ? text_.size() : newline + 1;
}

Result<ReplayableSource::Plan> MemoryText::plan(const Limits& limits) {
    if (next_ >= text_.size()) return Plan{};
    std::size_t size = text_.size() - next_;
    if (bytesPerBatch_ != 0) size = std::min(size, bytesPerBatch_);
    size = std::min(size, std::max<std::size_t>(limits.bytes, 1));
    const std::size_t end = lineEndAfter(next_ + size);
    ByteWriter range;
    range.u64(next_);
    range.u64(end);
    range.u32(limits.workers);
    Plan plan{std::move(range).bytes(), end - next_};
    next_ = end;
    return plan;
}

Result<MemoryText::Range> MemoryText::decode(std::string_view bytes) const {
    ByteReader in(bytes);
    Range range;
    range.begin = in.u64();
    range.end = in.u64();
    range.partitions = in.u32();
    if (!in.finished() || range.begin > range.end || range.end > text_.size() ||
        range.partitions == 0)
        return fail(ErrorKind::kCorrupt,
                    "a batch record's range of a text in memory does not fit the text: begin=" +
                        std::to_string(range.begin) + " end=" + std::to_string(range.end) +
                        " size=" + std::to_string(text_.size()));
    return range;
}

Result<> MemoryText::resumeBehind(std::string_view bytes) {
    TM_ASSIGN(const auto range, decode(bytes));
    next_ = std::max(next_, range.end);
    return {};
}

Result<> MemoryText::visitRecords(std::string_view bytes, const Visit& visit) {
    TM_ASSIGN(const auto range, decode(bytes));
    cutLines(text_.substr(range.begin, range.end - range.begin), [&](std::string_view line) {
        visit({}, line);
        return true;
    });
    return {};
}

std::vector<ReplayableSource::PositionChange> MemoryText::takeChanges() {
    if (std::exchange(kept_, next_) == next_) return {};
    ByteWriter out;
    out.u64(next_);
    return {{"", std::move(out).bytes()}};
}

Result<> MemoryText::open(const SourceOpening& opening) {
    if (opening.positions.empty()) return {};
    ByteReader in(opening.positions.front().position);
    kept_ = next_ = in.u64();
    if (!in.finished() || next_ > text_.size())
        return fail(ErrorKind::kInvalid,
                    "a text in memory is shorter than what earlier batches took of it: size=" +
                        std::to_string(text_.size()) + " taken=" + std::to_string(next_));
    return {};
}

std::string_view MemoryText::partition(const Range& range, std::uint32_t partition) const {
    const auto cut = [&](std::uint32_t i) {
        const std::size_t size = range.end - range.begin;
        const std::size_t at = range.begin + size * i / range.partitions;
        return i == range.partitions ? range.end : std::max(range.begin, lineEndAfter(at));
    };
    const std::size_t begin = partition == 0 ? range.begin : cut(partition);
    const std::size_t end = std::max(begin, cut(partition + 1));
    return text_.substr(begin, end - begin);
}

MemoryTextNode::MemoryTextNode(std::shared_ptr<MemoryText> source, SourceId id)
    : RootNode("memoryTextStream"), source_(std::move(source)), id_(id) {}

std::uint32_t MemoryTextNode::partitions(BatchRun& run) {
    const auto bytes = rangeOf(run.record(), id_);
    return bytes.empty() ? 0 : orThrow(source_->decode(bytes)).partitions;
}

void MemoryTextNode::scan(TaskContext& task, BatchRun& run, Sink<std::string_view>& sink) {
    const auto range = orThrow(source_->decode(rangeOf(run.record(), id_)));
    const auto text = source_->partition(range, task.partition);
    task.marker != nullptr ? pushLines(text, sink) : pushText(text, sink);
}

}  // namespace tidemill::core
