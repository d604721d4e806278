#include "core/inputs/text_input.h"

#include <algorithm>

#include "core/inputs/log_input.h"
#include "core/progress_marker.h"

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

bool pushLines(std::string_view text, Sink<std::string_view>& sink) {
    while (!text.empty()) {
        if (sink.wanted() == 0) return false;
        const auto newline = text.find('\n');
        const auto size = newline == text.npos ? text.size() : newline + 1;
        sink.takeText(text.substr(0, size));
        text.remove_prefix(size);
    }
    return sink.wanted() != 0;
}

std::uint32_t TextInputNode::partitions(BatchRun& run) {
    return static_cast<std::uint32_t>(run.record().cuts.size());
}

void TextInputNode::scan(TaskContext& task, BatchRun& run, Sink<std::string_view>& sink) {
    scanBlocks(task, run, source_, sink,
               [&](const Block& block, std::string_view bytes, std::size_t begin, std::size_t end) {
                   const auto text = bytes.substr(begin, end - begin);
                   const auto& skipped = run.record().skippedByOption;
                   const bool whole =
                       task.probe == nullptr && task.marker == nullptr &&
                       std::none_of(skipped.begin(), skipped.end(),
                                    [&](const auto& place) { return place.lsn == block.lsn(); });
                   return whole ? pushText(text, sink)
                                : pushByLine(block.lsn(), bytes.substr(0, begin), text,
                                             run.record(), task, sink);
               });
}

bool TextInputNode::pushByLine(Lsn lsn, std::string_view before, std::string_view text,
                               const BatchRecord& record, const TaskContext& task,
                               Sink<std::string_view>& sink) {
    RecordProbe* const probe = task.probe;
    RecordPlace place{lsn,
                      static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'))};
    while (!text.empty()) {
        if (sink.wanted() == 0 || (probe != nullptr && probe->seen == probe->limit)) return false;
        const auto newline = text.find('\n');
        const auto line = text.substr(0, newline == text.npos ? text.size() : newline + 1);
        text.remove_prefix(line.size());
        ++place.line;
        if (std::binary_search(record.skippedByOption.begin(), record.skippedByOption.end(), place))
            continue;
        if (probe != nullptr) {
            ++probe->seen;
            probe->last = place;
        }
        if (task.marker != nullptr) task.marker->record(place);
        sink.takeText(line);
    }
    return true;
}

}  // namespace tidemill::core
