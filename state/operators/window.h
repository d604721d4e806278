// window: the elements of the last batches, as one stream. They are kept encoded, by pane; the
// stream decodes them when somebody scans it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/byte_codec.h"
#include "core/value_codec.h"
#include "state/operators/keyed_window.h"
#include "state/owned.h"

namespace tidemill::state {

// Kept elements: (u32 length, bytes)*. What the batch's tasks made is dealt out to the key ranges
// in the order of the stream; each range is a partition of the window.
template <class T>
class WindowNode final : public core::RootNode<T>, public core::Consumer<T> {
public:
    WindowNode(std::shared_ptr<core::StreamNode<T>> parent, std::shared_ptr<WindowTables> tables,
               WindowTimes times)
        : core::RootNode<T>("window"),
          parent_(std::move(parent)),
          tables_(std::move(tables)),
          times_(times) {
        this->addParent(*parent_);
        parent_->addConsumer(*this);
        this->require();
    }

    Duration slide() const override { return tables_->slide; }
    std::uint32_t partitions(core::BatchRun&) override { return core::kKeyRanges; }

    // Here, since scans of several tasks use them.
    void beginBatch(core::BatchRun&) override {
        if (ranges_.front()) return;
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
            ranges_[range].emplace(tables_->panes->range(range));
    }

    std::unique_ptr<core::Sink<T>> open(core::TaskContext& task) override {
        return std::make_unique<EncodeSink>(*this, task.order());
    }

    void runStage(core::BatchRun& run) override {
        if (!run.isActive(parent_->slide())) return;
        core::orThrow(keep(times_.paneOf(run.record())));
        core::RootNode<T>::runStage(run);
    }

    void scan(core::TaskContext& task, core::BatchRun& run, core::Sink<T>& sink) override {
        if (!run.isActive(slide())) return;
        const auto last = times_.paneOf(run.record());
        std::vector<T> chunk;
        core::orThrow(rows(task.partition)
                          .visitWhile(times_.leftBy(last) + 1, last + 1,
                                      [&](std::uint64_t, std::string_view bytes) {
                                          push(bytes, chunk, task.arena, sink);
                                          return core::Result<bool>(sink.wanted() != 0);
                                      }));
    }

    void endBatch() override { arrived_.clear(); }

private:
    class EncodeSink final : public core::Sink<T> {
    public:
        EncodeSink(WindowNode& node, core::TaskOrder order)
            : node_(node), order_(order), limits_(node.tables_->panes->range(0).limits()) {}
        void take(std::span<T> chunk) override {
            for (const T& element : chunk) {
                bytes_.clear();
                core::ValueCodec<Owned<T>>::encode(toOwned(element), bytes_);
                core::orThrow(limits_.check({}, bytes_.size()));
                if (pieces_.empty() ||
                    pieces_.back().bytes().size() + bytes_.size() > limits_.pieceBytes)
                    pieces_.emplace_back();
                pieces_.back().string(bytes_);
            }
        }
        void finish() override {
            std::lock_guard lock(node_.mutex_);
            node_.arrived_[order_] = std::move(pieces_);
        }

    private:
        WindowNode& node_;
        core::TaskOrder order_;
        const StateLimits limits_;
        std::vector<core::ByteWriter> pieces_;
        std::string bytes_;
    };

    core::Result<> keep(std::uint64_t pane) {
        std::uint32_t range = 0;
        for (const auto& [order, pieces] : arrived_) {
            for (const auto& piece : pieces) TM_TRY(rows(range).append(pane, piece.bytes()));
            range = (range + 1) % core::kKeyRanges;
        }
        const auto left = times_.leftBy(pane);
        if (left == removed_) return {};
        for (range = 0; range < core::kKeyRanges; ++range)
            TM_TRY(rows(range).removeBefore(left + 1));
        removed_ = left;
        return {};
    }

    static void push(std::string_view bytes, std::vector<T>& chunk, core::Arena& arena,
                     core::Sink<T>& sink) {
        core::ByteReader in(bytes);
        while (!in.finished()) {
            const std::size_t wanted = std::min(sink.wanted(), core::kChunkElements);
            if (wanted == 0) return;
            chunk.clear();
            while (chunk.size() < wanted && !in.finished()) {
                Owned<T> element{};
                core::orThrow(core::ValueCodec<Owned<T>>::decode(in.string(bytes.size()), element));
                if (!in.ok())
                    throw core::TaskFailure(core::Error{
                        core::ErrorKind::kCorrupt, "a stored pane of a window does not parse"});
                chunk.push_back(fromOwned<T>(std::move(element), arena));
            }
            sink.take(chunk);
        }
    }

    TimeRows& rows(std::uint32_t range) { return *ranges_[range]; }

    std::shared_ptr<core::StreamNode<T>> parent_;
    std::shared_ptr<WindowTables> tables_;
    const WindowTimes times_;
    std::mutex mutex_;
    std::map<core::TaskOrder, std::vector<core::ByteWriter>> arrived_;
    std::array<std::optional<TimeRows>, core::kKeyRanges> ranges_;
    std::uint64_t removed_ = 0;  // panes up to it are gone
};

}  // namespace tidemill::state
