// where, having: rows for which a condition holds.
#include "rows/operators/rejects.h"
#include "rows/row_stream.h"

namespace tidemill::rows {
namespace {

class WhereNode final : public core::NarrowNode<Chunk, Chunk> {
public:
    WhereNode(const char* kind, std::shared_ptr<core::StreamNode<Chunk>> from,
              std::shared_ptr<const Expression> condition)
        : NarrowNode(kind, std::move(from)), condition_(std::move(condition)) {}

    bool holdsElements() const override { return false; }

private:
    class WhereSink final : public core::Sink<Chunk> {
    public:
        WhereSink(std::unique_ptr<Evaluator> condition, core::RecordGuard guard, core::Arena& arena,
                  core::Downstream<Chunk> below)
            : condition_(std::move(condition)),
              rejects_(std::move(guard)),
              arena_(arena),
              below_(std::move(below)) {}

        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks) take(chunk);
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void take(Chunk& chunk) {
            const Column holds = condition_->evaluate(chunk, arena_, failures_);
            rejects_.take(chunk, failures_);
            const auto* values = holds.as<Type::kBool>();
            // Without a branch: what is kept is not to be foretold.
            std::size_t count = 0;
            if (holds.nulls == nullptr) {
                forEachRow(chunk, [&](std::size_t row) {
                    selected_[count] = static_cast<std::uint16_t>(row);
                    count += values[row];
                });
            } else {
                forEachRow(chunk, [&](std::size_t row) {
                    selected_[count] = static_cast<std::uint16_t>(row);
                    count += values[row] & static_cast<unsigned>(!holds.isNull(row));
                });
            }
            if (count == 0) return;
            chunk.selectedCount = count;
            chunk.selected = count == chunk.rows ? nullptr : selected_;
            below_->take(std::span(&chunk, 1));
        }

        std::unique_ptr<Evaluator> condition_;
        Rejects rejects_;
        RowFailures failures_;
        core::Arena& arena_;
        core::Downstream<Chunk> below_;
        std::uint16_t selected_[kChunkRows + 1];
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext& task,
                                                core::Downstream<Chunk> below) override {
        return std::make_unique<WhereSink>(condition_->makeEvaluator(), guard(task), task.arena,
                                           std::move(below));
    }

    std::shared_ptr<const Expression> condition_;
};

}  // namespace

RowStream where(const RowStream& from, std::shared_ptr<const Expression> condition,
                const char* kind) {
    auto node =
        from.job->graph.add(std::make_shared<WhereNode>(kind, from.node, std::move(condition)));
    return {from.job, std::move(node), from.schema};
}

}  // namespace tidemill::rows
