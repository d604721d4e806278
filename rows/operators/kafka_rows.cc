#include "rows/kafka_rows.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tidemill/tidemill.h"

namespace tidemill::rows {
namespace {

constexpr std::int64_t kMicrosPerMilli = 1'000;

class KafkaRowsNode final : public core::NarrowNode<KafkaRecord, Chunk> {
public:
    KafkaRowsNode(std::shared_ptr<core::StreamNode<KafkaRecord>> records,
                  std::vector<std::string> headers)
        : NarrowNode("rows", std::move(records)), headers_(std::move(headers)) {}

    bool holdsElements() const override { return false; }

private:
    class RowSink final : public core::Sink<KafkaRecord> {
    public:
        RowSink(const std::vector<std::string>& headers, core::Downstream<Chunk> below)
            : headers_(headers), below_(std::move(below)) {
            for (std::size_t i = 0; i < headers.size(); ++i) texts_.emplace_back(Type::kText);
        }

        void take(std::span<KafkaRecord> records) override {
            for (auto* buffer : {&key_, &value_, &timestamp_}) buffer->clearNulls();
            for (auto& buffer : texts_) buffer.clearNulls();
            for (std::size_t i = 0; i < records.size(); ++i) put(i, records[i]);
            columns_.clear();
            for (const auto* buffer : {&key_, &value_, &topic_, &partition_, &offset_, &timestamp_})
                columns_.push_back(buffer->column());
            for (const auto& buffer : texts_) columns_.push_back(buffer.column());
            Chunk chunk;
            chunk.rows = chunk.selectedCount = records.size();
            chunk.columns = columns_;
            chunk.records = value_.as<Type::kText>();
            below_->take(std::span(&chunk, 1));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void put(std::size_t row, const KafkaRecord& record) {
            putText(key_, row, record.key);
            putText(value_, row, record.value);
            topic_.as<Type::kText>()[row] = record.topic;
            partition_.as<Type::kInt>()[row] = record.partition;
            offset_.as<Type::kInt>()[row] = record.offset;
            timestamp_.as<Type::kTime>()[row] = toMillis(record.timestamp) * kMicrosPerMilli;
            if (toMillis(record.timestamp) < 0) timestamp_.setNull(row);
            for (std::size_t i = 0; i < headers_.size(); ++i)
                putText(texts_[i], row, record.headers.find(headers_[i]));
        }

        static void putText(ColumnBuffer& column, std::size_t row,
                            const std::optional<std::string_view>& text) {
            column.as<Type::kText>()[row] = text.value_or(std::string_view());
            if (!text) column.setNull(row);
        }

        const std::vector<std::string>& headers_;
        ColumnBuffer key_{Type::kText}, value_{Type::kText}, topic_{Type::kText};
        ColumnBuffer partition_{Type::kInt}, offset_{Type::kInt}, timestamp_{Type::kTime};
        std::vector<ColumnBuffer> texts_;
        std::vector<Column> columns_;
        core::Downstream<Chunk> below_;
    };

    std::unique_ptr<core::Sink<KafkaRecord>> makeSink(core::TaskContext&,
                                                      core::Downstream<Chunk> below) override {
        return std::make_unique<RowSink>(headers_, std::move(below));
    }

    const std::vector<std::string> headers_;
};

}  // namespace

core::Result<RowStream> rowsOfKafka(const DStream<KafkaRecord>& records,
                                    const std::vector<std::string>& headers) {
    std::vector<ColumnSpec> columns{{"key", Type::kText},   {"value", Type::kText},
                                    {"topic", Type::kText}, {"partition", Type::kInt},
                                    {"offset", Type::kInt}, {"timestamp", Type::kTime}};
    for (const auto& header : headers) columns.push_back({header, Type::kText});
    TM_ASSIGN(auto schema, Schema::of(std::move(columns)));
    auto node = records.job()->graph.add(std::make_shared<KafkaRowsNode>(records.node(), headers));
    return RowStream{records.job(), std::move(node), std::move(schema)};
}

}  // namespace tidemill::rows
