// top: the first rows of a batch in an order. Every task keeps no more than so many.
#include <algorithm>
#include <mutex>

#include "rows/row_codec.h"
#include "rows/row_stream.h"
#include "rows/sort_key.h"

namespace tidemill::rows {
namespace {

struct KeptRow {
    std::string order;  // see appendSortKey
    std::string row;
    bool operator<(const KeptRow& other) const { return order < other.order; }
};

class TopNode final : public core::RootNode<Chunk>, public core::Consumer<Chunk> {
public:
    TopNode(std::shared_ptr<core::StreamNode<Chunk>> from, Schema schema,
            std::vector<SortColumn> order, std::size_t n)
        : RootNode("top"),
          from_(std::move(from)),
          schema_(std::move(schema)),
          order_(std::move(order)),
          n_(n) {
        addParent(*from_);
        from_->addConsumer(*this);
    }

    Duration slide() const override { return from_->slide(); }
    bool perRecord() const override { return false; }
    bool holdsElements() const override { return false; }

    std::unique_ptr<core::Sink<Chunk>> open(core::TaskContext&) override {
        if (!required()) return nullptr;
        return std::make_unique<TopSink>(*this);
    }

    void runStage(core::BatchRun& run) override {
        std::sort(kept_.begin(), kept_.end());
        if (kept_.size() > n_) kept_.resize(n_);
        RootNode::runStage(run);
    }

    void endBatch() override { kept_.clear(); }

    std::uint32_t partitions(core::BatchRun&) override { return kept_.empty() ? 0 : 1; }

    void scan(core::TaskContext&, core::BatchRun&, core::Sink<Chunk>& sink) override {
        RowBuilder rows(schema_);
        for (const auto& kept : kept_) {
            if (sink.wanted() <= rows.rows()) break;
            TM_CHECK(decodeKey(kept.row, rows.rows(), rows.columns()),
                     "a kept row is what was encoded");
            rows.next();
            if (rows.isFull()) rows.flushInto(sink);
        }
        rows.flushInto(sink);
    }

private:
    class TopSink final : public core::Sink<Chunk> {
    public:
        explicit TopSink(TopNode& node) : node_(node), rows_(node.schema_.size()) {}

        void take(std::span<Chunk> chunks) override {
            for (const Chunk& chunk : chunks) {
                const auto rows = rows_.encode(chunk);
                std::size_t i = 0;
                forEachRow(chunk, [&](std::size_t row) { take(chunk, row, rows[i++]); });
            }
        }
        void finish() override {
            std::lock_guard lock(node_.mutex_);
            node_.kept_.insert(node_.kept_.end(), std::make_move_iterator(heap_.begin()),
                               std::make_move_iterator(heap_.end()));
        }
        bool flush() override { return true; }

    private:
        void take(const Chunk& chunk, std::size_t row, std::string_view bytes) {
            order_.clear();
            appendSortKey(order_, chunk, row, node_.order_);
            if (heap_.size() < node_.n_) {
                heap_.push_back({order_, std::string(bytes)});
            } else {
                if (order_ >= heap_.front().order) return;
                std::pop_heap(heap_.begin(), heap_.end());
                heap_.back().order = order_;
                heap_.back().row = bytes;
            }
            std::push_heap(heap_.begin(), heap_.end());
        }

        TopNode& node_;
        RowEncoder rows_;
        std::string order_;
        std::vector<KeptRow> heap_;  // the last in the order on top
    };

    std::shared_ptr<core::StreamNode<Chunk>> from_;
    const Schema schema_;
    const std::vector<SortColumn> order_;
    const std::size_t n_;
    std::mutex mutex_;  // of kept_, while tasks finish
    std::vector<KeptRow> kept_;
};

}  // namespace

core::Result<RowStream> top(const RowStream& from, const std::vector<OrderBy>& by, std::size_t n) {
    std::vector<SortColumn> order;
    std::vector<bool> isUsed(from.schema.size());
    for (const auto& column : by) {
        TM_ASSIGN(const auto place, from.schema.indexOf(column.name));
        order.push_back({place, column.isDescending, from.schema[place].isLoose});
        isUsed[place] = true;
    }
    // So that rows without an equal have one order, whatever tasks they came from.
    for (std::size_t place = 0; place < isUsed.size(); ++place)
        if (!isUsed[place]) order.push_back({place, false, false});
    auto node =
        from.job->graph.add(std::make_shared<TopNode>(from.node, from.schema, std::move(order), n));
    return RowStream{from.job, std::move(node), from.schema};
}

}  // namespace tidemill::rows
