#include "rows/kinesis_rows.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tidemill/tidemill.h"

namespace tidemill::rows {
namespace {

constexpr std::int64_t kMicrosPerMilli = 1'000;

class KinesisRowsNode final : public core::NarrowNode<KinesisRecord, Chunk> {
public:
    explicit KinesisRowsNode(std::shared_ptr<core::StreamNode<KinesisRecord>> records)
        : NarrowNode("rows", std::move(records)) {}

    bool holdsElements() const override { return false; }

private:
    class RowSink final : public core::Sink<KinesisRecord> {
    public:
        explicit RowSink(core::Downstream<Chunk> below) : below_(std::move(below)) {}

        void take(std::span<KinesisRecord> records) override {
            for (std::size_t i = 0; i < records.size(); ++i) put(i, records[i]);
            columns_.clear();
            for (const auto* buffer :
                 {&data_, &key_, &stream_, &shard_, &sequence_, &subIndex_, &timestamp_})
                columns_.push_back(buffer->column());
            Chunk chunk;
            chunk.rows = chunk.selectedCount = records.size();
            chunk.columns = columns_;
            chunk.records = data_.as<Type::kText>();
            below_->take(std::span(&chunk, 1));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void put(std::size_t row, const KinesisRecord& record) {
            data_.as<Type::kText>()[row] = record.data;
            key_.as<Type::kText>()[row] = record.partitionKey;
            stream_.as<Type::kText>()[row] = record.stream;
            shard_.as<Type::kText>()[row] = record.shard;
            sequence_.as<Type::kText>()[row] = record.sequenceNumber;
            subIndex_.as<Type::kInt>()[row] = record.subIndex;
            timestamp_.as<Type::kTime>()[row] = toMillis(record.arrival) * kMicrosPerMilli;
        }

        ColumnBuffer data_{Type::kText}, key_{Type::kText}, stream_{Type::kText};
        ColumnBuffer shard_{Type::kText}, sequence_{Type::kText};
        ColumnBuffer subIndex_{Type::kInt}, timestamp_{Type::kTime};
        std::vector<Column> columns_;
        core::Downstream<Chunk> below_;
    };

    std::unique_ptr<core::Sink<KinesisRecord>> makeSink(core::TaskContext&,
                                                        core::Downstream<Chunk> below) override {
        return std::make_unique<RowSink>(std::move(below));
    }
};

}  // namespace

core::Result<RowStream> rowsOfKinesis(const DStream<KinesisRecord>& records) {
    TM_ASSIGN(auto schema, Schema::of({{"data", Type::kText},
                                       {"partition_key", Type::kText},
                                       {"stream", Type::kText},
                                       {"shard", Type::kText},
                                       {"sequence_number", Type::kText},
                                       {"sub_index", Type::kInt},
                                       {"timestamp", Type::kTime}}));
    auto node = records.job()->graph.add(std::make_shared<KinesisRowsNode>(records.node()));
    return RowStream{records.job(), std::move(node), std::move(schema)};
}

}  // namespace tidemill::rows
