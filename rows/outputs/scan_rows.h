// Rows as outputs read them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "core/batch_run.h"
#include "core/stream_node.h"
#include "rows/chunk.h"

namespace tidemill::rows {

// Calls f(chunk, row) for the first `limit` rows of the batch, one after another. `f` copies what it
// keeps of a row.
template <class F>
void scanRows(core::StreamNode<Chunk>& node, core::BatchRun& run, std::size_t limit, F&& f) {
    class EachRow final : public core::Sink<Chunk> {
    public:
        EachRow(F& f, std::size_t limit) : f_(f), left_(limit) {}
        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks)
                forEachRow(chunk, [&](std::size_t row) {
                    if (left_ == 0) return;
                    --left_;
                    f_(chunk, row);
                });
        }
        void finish() override {}
        std::size_t wanted() const override { return left_; }
        bool flush() override { return true; }

    private:
        F& f_;
        std::size_t left_;
    } each(f, limit);
    const auto scanNumber = run.newScan();
    const std::uint32_t count = node.partitions(run);
    for (std::uint32_t partition = 0; partition < count && each.wanted() != 0; ++partition) {
        core::TaskContext task{run.newArena(), 0, partition, run.failedRecords(), scanNumber};
        task.marker = run.marker();
        node.scan(task, run, each);
    }
}

inline constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

}  // namespace tidemill::rows
