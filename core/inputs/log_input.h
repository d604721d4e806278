// Scanning what sources logged: blocks, from memory or from the log.
#pragma once

#include <utility>

#include "core/partition_cut.h"
#include "core/stream_node.h"

namespace tidemill::core {

// Calls push(block, bytes, begin, end) for the pieces of a task's partition that come from
// `source`, until it returns false. A block that was read from the log for this, or whose memory is
// short, goes as soon as the sinks hold no views of it; else it stays until the batch is done.
template <class T, class Push>
void scanBlocks(const TaskContext& task, BatchRun& run, SourceId source, Sink<T>& sink, Push push) {
    // No other task of the stage reads a block that lies in one partition, and no other stage.
    const bool mayRelease = task.scanNumber == 0 && task.probe == nullptr;
    std::size_t viewedBytes = 0;  // that the sinks may hold views of
    forEachPiece(run.blocks(), run.record().cuts, task.partition,
                 [&](Block& block, std::size_t begin, std::size_t end) {
                     if (block.origin().source != source) return true;
                     BlockBytes bytes = orThrow(block.bytes());
                     viewedBytes += block.sizeBytes();
                     bool more = false;
                     try {
                         more = push(block, bytes.view(), begin, end);
                     } catch (...) {
                         // To be found by what it failed for.
                         if (task.probe == nullptr) run.keep(block, std::move(bytes));
                         throw;
                     }
                     const bool whole = begin == 0 && end == block.sizeBytes();
                     const bool goes =
                         bytes.loaded() || (mayRelease && whole && block.memoryIsScarce());
                     if (!goes) return more;
                     if (!sink.flush()) {
                         run.keep(block, std::move(bytes));
                     } else {
                         viewedBytes = 0;
                         if (!bytes.loaded()) block.release();
                     }
                     return more;
                 });
    if (viewedBytes != 0 && !sink.flush()) run.noteHeld(viewedBytes);
}

}  // namespace tidemill::core
