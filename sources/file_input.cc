#include "sources/file_input.h"

#include <algorithm>

#include "core/operators/text_input.h"

namespace tidemill::sources {
namespace {

void pushRecords(std::string_view bytes, std::size_t recordBytes,
                 core::Sink<std::string_view>& sink) {
    std::vector<std::string_view> chunk;
    while (!bytes.empty()) {
        const std::size_t wanted = std::min(sink.wanted(), core::kChunkElements);
        if (wanted == 0) return;
        chunk.clear();
        for (; chunk.size() < wanted && bytes.size() >= recordBytes; bytes.remove_prefix(recordBytes))
            chunk.push_back(bytes.substr(0, recordBytes));
        if (chunk.empty()) return;
        sink.take(chunk);
    }
}

}  // namespace

void FileInputNode::beginBatch(core::BatchRun& run) {
    files_.clear();
    const auto range = core::rangeOf(run.record(), id_);
    if (!range.empty()) files_ = core::orThrow(FileSource::filesOf(range));
    pieces_ = source_->piecesOf(files_);
}

std::uint32_t FileInputNode::partitions(core::BatchRun&) {
    return static_cast<std::uint32_t>(pieces_.size());
}

void FileInputNode::scan(core::TaskContext& task, core::BatchRun&,
                         core::Sink<std::string_view>& sink) {
    const auto bytes = core::orThrow(source_->read(pieces_[task.partition], task.arena));
    if (source_->options().recordBytes != 0)
        pushRecords(bytes, source_->options().recordBytes, sink);
    else
        core::pushText(bytes, sink);
}

}  // namespace tidemill::sources
