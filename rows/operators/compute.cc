// compute: columns made by expressions.
#include <optional>

#include "rows/operators/rejects.h"
#include "rows/row_stream.h"

namespace tidemill::rows {
namespace {

struct Computed {
    std::size_t place;  // among the columns made
    std::shared_ptr<const Expression> expression;
};

class ComputeNode final : public core::NarrowNode<Chunk, Chunk> {
public:
    ComputeNode(std::shared_ptr<core::StreamNode<Chunk>> from, std::size_t columns,
                std::vector<Computed> computed)
        : NarrowNode("compute", std::move(from)),
          columns_(columns),
          computed_(std::move(computed)) {}

    bool holdsElements() const override { return false; }

private:
    class ComputeSink final : public core::Sink<Chunk> {
    public:
        ComputeSink(const ComputeNode& node, core::RecordGuard guard, core::Arena& arena,
                    core::Downstream<Chunk> below)
            : node_(node),
              rejects_(std::move(guard)),
              arena_(arena),
              below_(std::move(below)),
              columns_(node.columns_) {
            for (const auto& computed : node.computed_)
                evaluators_.push_back(computed.expression->makeEvaluator());
        }

        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks) take(chunk);
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void take(Chunk& chunk) {
            std::copy(chunk.columns.begin(), chunk.columns.end(), columns_.begin());
            for (std::size_t i = 0; i < evaluators_.size(); ++i)
                columns_[node_.computed_[i].place] =
                    evaluators_[i]->evaluate(chunk, arena_, failures_);
            rejects_.take(chunk, failures_);
            if (chunk.selectedCount == 0) return;
            chunk.columns = columns_;
            below_->take(std::span(&chunk, 1));
        }

        const ComputeNode& node_;
        std::vector<std::unique_ptr<Evaluator>> evaluators_;
        Rejects rejects_;
        RowFailures failures_;
        core::Arena& arena_;
        core::Downstream<Chunk> below_;
        std::vector<Column> columns_;
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext& task,
                                                core::Downstream<Chunk> below) override {
        return std::make_unique<ComputeSink>(*this, guard(task), task.arena, std::move(below));
    }

    const std::size_t columns_;
    const std::vector<Computed> computed_;
};

}  // namespace

core::Result<RowStream> compute(const RowStream& from, std::vector<ComputedColumn> columns) {
    auto specs = from.schema.columns();
    std::vector<Computed> computed;
    for (auto& column : columns) {
        const ColumnSpec spec{column.name, column.expression->type()};
        const auto found = from.schema.find(column.name);
        computed.push_back({found.value_or(specs.size()), std::move(column.expression)});
        if (found) specs[*found] = spec;
        else specs.push_back(spec);
    }
    TM_ASSIGN(auto schema, Schema::of(std::move(specs)));
    auto node = from.job->graph.add(
        std::make_shared<ComputeNode>(from.node, schema.size(), std::move(computed)));
    return RowStream{from.job, std::move(node), std::move(schema)};
}

}  // namespace tidemill::rows
