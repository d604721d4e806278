#include "rows/flume_rows.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tidemill/tidemill.h"

namespace tidemill::rows {
namespace {

class FlumeRowsNode final : public core::NarrowNode<FlumeEvent, Chunk> {
public:
    FlumeRowsNode(std::shared_ptr<core::StreamNode<FlumeEvent>> events,
                  std::vector<std::string> headers)
        : NarrowNode("rows", std::move(events)), headers_(std::move(headers)) {}

    bool holdsElements() const override { return false; }

private:
    class RowSink final : public core::Sink<FlumeEvent> {
    public:
        RowSink(const std::vector<std::string>& headers, core::Downstream<Chunk> below)
            : headers_(headers), below_(std::move(below)) {
            for (std::size_t i = 0; i < headers.size(); ++i) texts_.emplace_back(Type::kText);
        }

        void take(std::span<FlumeEvent> events) override {
            for (auto& buffer : texts_) buffer.clearNulls();
            for (std::size_t row = 0; row < events.size(); ++row) {
                body_.as<Type::kText>()[row] = events[row].body;
                for (std::size_t i = 0; i < headers_.size(); ++i) {
                    const auto value = events[row].headers.find(headers_[i]);
                    texts_[i].as<Type::kText>()[row] = value.value_or(std::string_view());
                    if (!value) texts_[i].setNull(row);
                }
            }
            columns_.assign(1, body_.column());
            for (const auto& buffer : texts_) columns_.push_back(buffer.column());
            Chunk chunk;
            chunk.rows = chunk.selectedCount = events.size();
            chunk.columns = columns_;
            chunk.records = body_.as<Type::kText>();
            below_->take(std::span(&chunk, 1));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        const std::vector<std::string>& headers_;
        ColumnBuffer body_{Type::kText};
        std::vector<ColumnBuffer> texts_;
        std::vector<Column> columns_;
        core::Downstream<Chunk> below_;
    };

    std::unique_ptr<core::Sink<FlumeEvent>> makeSink(core::TaskContext&,
                                                     core::Downstream<Chunk> below) override {
        return std::make_unique<RowSink>(headers_, std::move(below));
    }

    const std::vector<std::string> headers_;
};

}  // namespace

core::Result<RowStream> rowsOfFlume(const DStream<FlumeEvent>& events,
                                    const std::vector<std::string>& headers) {
    std::vector<ColumnSpec> columns{{"body", Type::kText}};
    for (const auto& header : headers) columns.push_back({header, Type::kText});
    TM_ASSIGN(auto schema, Schema::of(std::move(columns)));
    auto node = events.job()->graph.add(std::make_shared<FlumeRowsNode>(events.node(), headers));
    return RowStream{events.job(), std::move(node), std::move(schema)};
}

}  // namespace tidemill::rows
