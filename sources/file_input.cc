#include "sources/file_input.h"

#include <algorithm>

#include "core/inputs/text_input.h"

namespace tidemill::sources {
namespace {

void pushRecords(std::string_view bytes, std::size_t recordBytes, std::size_t chunkMax,
                 core::Sink<std::string_view>& sink) {
    std::vector<std::string_view> chunk;
    while (!bytes.empty()) {
        const std::size_t wanted = std::min(sink.wanted(), chunkMax);
        if (wanted == 0) return;
        chunk.clear();
        for (; chunk.size() < wanted && bytes.size() >= recordBytes;
             bytes.remove_prefix(recordBytes))
            chunk.push_back(bytes.substr(0, recordBytes));
        if (chunk.empty()) return;
        sink.take(chunk);
    }
}

void pushCsv(std::string_view text, const core::CsvCutter& cutter, std::size_t chunkMax,
             core::Sink<std::string_view>& sink) {
    std::vector<std::string_view> chunk;
    std::size_t wanted = std::min(sink.wanted(), chunkMax);
    const auto take = [&](std::string_view record) {
        chunk.push_back(record);
        if (chunk.size() < wanted) return true;
        sink.take(chunk);
        chunk.clear();
        wanted = std::min(sink.wanted(), chunkMax);
        return wanted != 0;
    };
    core::cutCsvRecords(text, cutter, take, [] {});
    if (!chunk.empty()) sink.take(chunk);
}

}  // namespace

void FileInputNode::beginBatch(core::BatchRun& run) {
    FileRange range;
    const auto bytes = core::rangeOf(run.record(), id_);
    if (!bytes.empty()) range = core::orThrow(decodeFileRange(bytes));
    batch_ = std::make_unique<FileBatch>(*source_, std::move(range));
}

std::uint32_t FileInputNode::partitions(core::BatchRun&) { return batch_->partitions(); }

void FileInputNode::scan(core::TaskContext& task, core::BatchRun& run,
                         core::Sink<std::string_view>& sink) {
    for (const auto text : core::orThrow(batch_->read(task.partition, run.newArena()))) {
        if (sink.wanted() == 0) return;
        const std::size_t chunkMax = task.marker != nullptr ? 1 : core::kChunkElements;
        if (source_->options().recordBytes != 0)
            pushRecords(text, source_->options().recordBytes, chunkMax, sink);
        else if (source_->options().csv) pushCsv(text, batch_->csvCutter(), chunkMax, sink);
        else if (task.marker != nullptr) core::pushLines(text, sink);
        else core::pushText(text, sink);
    }
}

}  // namespace tidemill::sources
