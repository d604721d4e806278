// select, rename, drop, union: the same rows with other columns, or of two streams.
#include <algorithm>

#include "core/operators/union_with.h"
#include "rows/operators/same_slide.h"
#include "rows/row_stream.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

class PickNode final : public core::NarrowNode<Chunk, Chunk> {
public:
    PickNode(std::shared_ptr<core::StreamNode<Chunk>> from, std::vector<std::size_t> places)
        : NarrowNode("select", std::move(from)), places_(std::move(places)) {}

    bool holdsElements() const override { return false; }

private:
    class PickSink final : public core::Sink<Chunk> {
    public:
        PickSink(const std::vector<std::size_t>& places, core::Downstream<Chunk> below)
            : places_(places), below_(std::move(below)), columns_(places.size()) {}
        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks) {
                for (std::size_t i = 0; i < places_.size(); ++i)
                    columns_[i] = chunk.columns[places_[i]];
                chunk.columns = columns_;
                below_->take(std::span(&chunk, 1));
            }
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        const std::vector<std::size_t>& places_;
        core::Downstream<Chunk> below_;
        std::vector<Column> columns_;
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext&,
                                                core::Downstream<Chunk> below) override {
        return std::make_unique<PickSink>(places_, std::move(below));
    }

    const std::vector<std::size_t> places_;
};

}  // namespace

Result<RowStream> pick(const RowStream& from, const std::vector<PickedColumn>& columns) {
    std::vector<ColumnSpec> specs;
    std::vector<std::size_t> places;
    for (const auto& column : columns) {
        specs.push_back(from.schema[column.place]);
        specs.back().name = column.name;
        places.push_back(column.place);
    }
    TM_ASSIGN(auto schema, Schema::of(std::move(specs)));
    auto node = from.job->graph.add(std::make_shared<PickNode>(from.node, std::move(places)));
    return RowStream{from.job, std::move(node), std::move(schema)};
}

Result<RowStream> select(const RowStream& from, const std::vector<std::string>& names) {
    std::vector<PickedColumn> columns;
    for (const auto& name : names) {
        TM_ASSIGN(const auto place, from.schema.indexOf(name));
        columns.push_back({place, name});
    }
    return pick(from, columns);
}

Result<RowStream> drop(const RowStream& from, const std::vector<std::string>& names) {
    std::vector<bool> isDropped(from.schema.size());
    for (const auto& name : names) {
        TM_ASSIGN(const auto place, from.schema.indexOf(name));
        isDropped[place] = true;
    }
    std::vector<PickedColumn> columns;
    for (std::size_t place = 0; place < isDropped.size(); ++place)
        if (!isDropped[place]) columns.push_back({place, from.schema[place].name});
    if (columns.empty())
        return fail(ErrorKind::kInvalid, "all fields are dropped; at least one must stay");
    return pick(from, columns);
}

Result<RowStream> rename(const RowStream& from,
                         const std::vector<std::pair<std::string, std::string>>& names) {
    std::vector<PickedColumn> columns;
    for (std::size_t place = 0; place < from.schema.size(); ++place)
        columns.push_back({place, from.schema[place].name});
    for (const auto& [before, after] : names) {
        TM_ASSIGN(const auto place, from.schema.indexOf(before));
        columns[place].name = after;
    }
    return pick(from, columns);
}

Result<RowStream> unite(const RowStream& first, const RowStream& second) {
    const auto misfit = [&] {
        return fail(ErrorKind::kInvalid,
                    "the two streams have other fields: (" + first.schema.text() + ") and (" +
                        second.schema.text() + "); select, rename or compute what differs");
    };
    TM_TRY(requireSameSlide(first, second));
    if (first.schema.size() != second.schema.size()) return misfit();
    std::vector<PickedColumn> columns;
    for (const auto& spec : first.schema.columns()) {
        const auto place = second.schema.find(spec.name);
        if (!place || second.schema[*place].type != spec.type) return misfit();
        columns.push_back({*place, spec.name});
    }
    RowStream ordered = second;
    if (first.schema != second.schema) {
        TM_ASSIGN(ordered, pick(second, columns));
    }
    auto node =
        first.job->graph.add(std::make_shared<core::UnionNode<Chunk>>(first.node, ordered.node));
    return RowStream{first.job, std::move(node), first.schema};
}

}  // namespace tidemill::rows
