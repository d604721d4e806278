// Lines into rows.
#include <span>

#include "rows/operators/rejects.h"
#include "rows/row_stream.h"

namespace tidemill::rows {
namespace {

// Files of some programs begin with it; no field does.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class ReadNode final : public core::NarrowNode<std::string_view, Chunk> {
public:
    ReadNode(std::shared_ptr<core::StreamNode<std::string_view>> lines,
             std::shared_ptr<const Reader> reader)
        : NarrowNode("fields", std::move(lines)), reader_(std::move(reader)) {}

    void beginBatch(core::BatchRun& run) override { time_ = run.record().time; }
    bool holdsElements() const override { return false; }

private:
    class ReadSink final : public core::Sink<std::string_view> {
    public:
        ReadSink(std::unique_ptr<RowReader> reader, core::RecordGuard guard, core::Arena& arena,
                 core::Downstream<Chunk> below)
            : reader_(std::move(reader)),
              rejects_(std::move(guard)),
              arena_(arena),
              below_(std::move(below)) {}

        void take(std::span<std::string_view> lines) override {
            for (auto& line : lines)
                if (line.starts_with(kByteOrderMark)) [[unlikely]]
                    line.remove_prefix(kByteOrderMark.size());
            Chunk chunk;
            chunk.rows = chunk.selectedCount = lines.size();
            chunk.records = lines.data();
            chunk.columns = reader_->read(lines, arena_, failures_);
            rejects_.take(chunk, failures_);
            if (chunk.selectedCount != 0) below_->take(std::span(&chunk, 1));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        std::unique_ptr<RowReader> reader_;
        Rejects rejects_;
        RowFailures failures_;
        core::Arena& arena_;
        core::Downstream<Chunk> below_;
    };

    std::unique_ptr<core::Sink<std::string_view>> makeSink(core::TaskContext& task,
                                                           core::Downstream<Chunk> below) override {
        auto reader = reader_->makeRowReader();
        reader->beginBatch(time_);
        return std::make_unique<ReadSink>(std::move(reader), guard(task), task.arena,
                                          std::move(below));
    }

    std::shared_ptr<const Reader> reader_;
    BatchTime time_{};  // of the batch at hand
};

using Counted = std::pair<std::string_view, std::int64_t>;

class CountsNode final : public core::NarrowNode<Counted, Chunk> {
public:
    explicit CountsNode(std::shared_ptr<core::StreamNode<Counted>> counts)
        : NarrowNode("rows", std::move(counts)) {}

    bool holdsElements() const override { return false; }

private:
    class CountsSink final : public core::Sink<Counted> {
    public:
        explicit CountsSink(core::Downstream<Chunk> below) : below_(std::move(below)) {}
        void take(std::span<Counted> pairs) override {
            for (std::size_t i = 0; i < pairs.size(); ++i) {
                value_.as<Type::kText>()[i] = pairs[i].first;
                count_.as<Type::kInt>()[i] = pairs[i].second;
            }
            const Column columns[] = {value_.column(), count_.column()};
            Chunk chunk;
            chunk.rows = chunk.selectedCount = pairs.size();
            chunk.columns = columns;
            below_->take(std::span(&chunk, 1));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        ColumnBuffer value_{Type::kText}, count_{Type::kInt};
        core::Downstream<Chunk> below_;
    };

    std::unique_ptr<core::Sink<Counted>> makeSink(core::TaskContext&,
                                                  core::Downstream<Chunk> below) override {
        return std::make_unique<CountsSink>(std::move(below));
    }
};

}  // namespace

RowStream readRows(const DStream<std::string_view>& lines, std::shared_ptr<const Reader> reader) {
    Schema schema = reader->schema();
    auto node = lines.job()->graph.add(std::make_shared<ReadNode>(lines.node(), std::move(reader)));
    return {lines.job(), std::move(node), std::move(schema)};
}

RowStream rowsOfCounts(const DStream<Counted>& counts) {
    auto node = counts.job()->graph.add(std::make_shared<CountsNode>(counts.node()));
    return {counts.job(), std::move(node),
            core::orThrow(Schema::of({{"value", Type::kText}, {"count", Type::kInt}}))};
}

}  // namespace tidemill::rows
