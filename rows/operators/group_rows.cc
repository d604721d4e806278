// The shuffle of an aggregation.
#include <optional>

#include "core/operators/keyed_shuffle.h"
#include "rows/aggregates/loose_numbers.h"
#include "rows/group_table.h"
#include "rows/key_encoding.h"
#include "rows/operators/groups.h"
#include "rows/operators/rejects.h"

namespace tidemill::rows {
namespace {

class GroupNode final : public core::KeyedShuffle<Chunk, Group, GroupTable> {
public:
    GroupNode(std::shared_ptr<core::StreamNode<Chunk>> rows,
              std::shared_ptr<const GroupLayout> layout, std::vector<std::size_t> keyPlaces)
        : KeyedShuffle("aggregate", std::move(rows)),
          layout_(std::move(layout)),
          keyPlaces_(std::move(keyPlaces)) {}

    bool perRecord() const override { return false; }
    bool holdsElements() const override { return false; }

private:
    class GroupSink final : public PhaseOne {
    public:
        GroupSink(GroupNode& node, core::TaskContext& task)
            : PhaseOne(node, task),
              layout_(*node.layout_),
              rejects_({task.failed,
                        {node.number(), task.scanNumber, task.way, task.partition},
                        node.label()}),
              keys_(node.keyPlaces_),
              hasKey_(!node.keyPlaces_.empty()),
              loose_(layout_.aggregates().size()),
              arguments_(layout_.aggregates().size()) {
            for (std::size_t i = 0; i < loose_.size(); ++i) {
                const auto& aggregate = layout_.aggregates()[i];
                if (aggregate.isLoose && takesLooseNumbers(aggregate.call))
                    loose_[i].emplace(aggregate.call.argument);
            }
        }

        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks) take(chunk);
        }
        // Keys and what accumulators keep are copies.
        bool flush() override { return true; }

    private:
        void take(Chunk& chunk) {
            for (std::size_t i = 0; i < arguments_.size(); ++i) {
                const auto place = layout_.aggregates()[i].place;
                if (!place) continue;
                arguments_[i] = chunk.columns[*place];
                if (loose_[i]) arguments_[i] = loose_[i]->read(chunk, arguments_[i], failures_);
            }
            rejects_.take(chunk, failures_);
            if (chunk.selectedCount == 0) return;
            locate(chunk);
            const GroupRows rows{chunk.selectedCount, chunk.selected, records_};
            for (std::size_t i = 0; i < arguments_.size(); ++i)
                layout_.aggregates()[i].accumulator->update(arguments_[i], rows, layout_.offset(i));
        }

        void locate(const Chunk& chunk) {
            if (hasKey_) return table().locate(keys_.encode(chunk), records_);
            constexpr std::string_view kNone = "";
            table().locate(std::span(&kNone, 1), records_);
            std::fill(records_ + 1, records_ + chunk.selectedCount, records_[0]);
        }

        const GroupLayout& layout_;
        Rejects rejects_;
        RowFailures failures_;
        KeyEncoder keys_;
        const bool hasKey_;
        std::vector<std::optional<LooseNumbers>> loose_;
        std::vector<Column> arguments_;
        std::byte* records_[kChunkRows];
    };

    std::unique_ptr<GroupTable> makeTable() const override {
        return std::make_unique<GroupTable>(layout_);
    }
    std::size_t bytesOf(GroupTable& table) const override { return table.bytes(); }
    std::unique_ptr<core::Sink<Chunk>> makePhaseOne(core::TaskContext& task) override {
        return std::make_unique<GroupSink>(*this, task);
    }
    void merge(GroupTable& into, GroupTable& from,
               std::span<const std::uint32_t> ranks) const override {
        into.merge(from, ranks);
    }
    void push(core::TaskContext&, GroupTable& from, const std::uint32_t* ranks, std::size_t count,
              core::Sink<Group>& sink) const override {
        Group groups[kChunkRows];
        for (std::size_t begin = 0; begin < count;) {
            const std::size_t size = std::min({kChunkRows, count - begin, sink.wanted()});
            if (size == 0) return;
            for (std::size_t i = 0; i < size; ++i) {
                const auto rank = ranks != nullptr ? ranks[begin + i] : begin + i;
                auto& slot = from.keys().slotAt(rank);
                groups[i] = {from.keys().keyOf(slot), from.recordOf(slot)};
            }
            sink.take(std::span(groups).first(size));
            begin += size;
        }
    }

    const std::shared_ptr<const GroupLayout> layout_;
    const std::vector<std::size_t> keyPlaces_;
};

}  // namespace

std::shared_ptr<core::StreamNode<Group>> makeGroups(std::shared_ptr<core::StreamNode<Chunk>> rows,
                                                    std::shared_ptr<const GroupLayout> layout,
                                                    std::vector<std::size_t> keyPlaces) {
    return std::make_shared<GroupNode>(std::move(rows), std::move(layout), std::move(keyPlaces));
}

}  // namespace tidemill::rows
