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

// Returns how many records there are. When the sink wants no more, the rest is gone through only if
// `counts`.
std::uint64_t pushCsv(std::string_view text, const core::CsvCutter& cutter, std::size_t chunkMax,
                      bool counts, core::Sink<std::string_view>& sink) {
    std::vector<std::string_view> chunk;
    std::uint64_t records = 0;
    std::size_t wanted = std::min(sink.wanted(), chunkMax);
    const auto take = [&](std::string_view record) {
        ++records;
        if (wanted == 0) return counts;
        chunk.push_back(record);
        if (chunk.size() < wanted) return true;
        sink.take(chunk);
        chunk.clear();
        wanted = std::min(sink.wanted(), chunkMax);
        return wanted != 0 || counts;
    };
    core::cutCsvRecords(text, cutter, take, [] {});
    if (!chunk.empty()) sink.take(chunk);
    return records;
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
    const auto& options = source_->options();
    const std::size_t chunkMax = task.marker != nullptr ? 1 : core::kChunkElements;
    const auto texts = core::orThrow(batch_->read(task.partition, run.newArena()));
    const bool counts = options.csv && !batch_->isCounted(task.partition);
    std::uint64_t records = 0;
    for (const auto text : texts) {
        if (sink.wanted() == 0 && !counts) return;
        if (options.recordBytes != 0) pushRecords(text, options.recordBytes, chunkMax, sink);
        else if (options.csv) records += pushCsv(text, batch_->csvCutter(), chunkMax, counts, sink);
        else if (task.marker != nullptr) core::pushLines(text, sink);
        else core::pushText(text, sink);
    }
    if (counts) batch_->count(task.partition, records);
}

}  // namespace tidemill::sources
