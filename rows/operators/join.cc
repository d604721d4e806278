// join: rows of two streams with equal keys, in each batch.
#include <algorithm>

#include "core/operators/cogroup.h"
#include "core/operators/group_by_key.h"
#include "rows/format/value_text.h"
#include "rows/operators/same_slide.h"
#include "rows/operators/text_of_json.h"
#include "rows/row_codec.h"
#include "rows/row_stream.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

// The key and the other columns of a row, both as bytes of the batch.
using KeyedRow = std::pair<std::string_view, std::string_view>;
using BothSides = core::BothValues<std::string_view, std::string_view>;
using JoinedKey = std::pair<std::string_view, BothSides>;

class KeyedRowsNode final : public core::NarrowNode<Chunk, KeyedRow> {
public:
    KeyedRowsNode(std::shared_ptr<core::StreamNode<Chunk>> from, std::vector<std::size_t> key,
                  std::vector<std::size_t> others)
        : NarrowNode("join", std::move(from)), key_(std::move(key)), others_(std::move(others)) {}

private:
    class KeyedSink final : public core::Sink<Chunk> {
    public:
        KeyedSink(const KeyedRowsNode& node, core::Arena& arena, core::Downstream<KeyedRow> below)
            : key_(node.key_), others_(node.others_), arena_(arena), below_(std::move(below)) {}
        void take(std::span<Chunk> chunks) override {
            for (const Chunk& chunk : chunks) {
                const auto keys = key_.encode(chunk), others = others_.encode(chunk);
                for (std::size_t i = 0; i < keys.size(); ++i)
                    out_[i] = {arena_.copy(keys[i]), arena_.copy(others[i])};
                below_->take(std::span(out_).first(keys.size()));
            }
        }
        void finish() override { below_->finish(); }

    private:
        KeyEncoder key_, others_;
        core::Arena& arena_;
        core::Downstream<KeyedRow> below_;
        KeyedRow out_[kChunkRows];
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext& task,
                                                core::Downstream<KeyedRow> below) override {
        return std::make_unique<KeyedSink>(*this, task.arena, std::move(below));
    }

    const std::vector<std::size_t> key_, others_;
};

class JoinedNode final : public core::NarrowNode<JoinedKey, Chunk> {
public:
    JoinedNode(std::shared_ptr<core::StreamNode<JoinedKey>> both, Schema schema, std::size_t keys,
               std::size_t lefts, JoinKind kind)
        : NarrowNode("join", std::move(both)),
          schema_(std::move(schema)),
          keys_(keys),
          lefts_(lefts),
          kind_(kind) {}

private:
    class JoinedSink final : public core::Sink<JoinedKey> {
    public:
        JoinedSink(const JoinedNode& node, core::Downstream<Chunk> below)
            : node_(node), below_(std::move(below)), rows_(node.schema_) {}

        void take(std::span<JoinedKey> keys) override {
            for (const auto& [key, sides] : keys) {
                if (wanted() == 0) return;
                join(key, sides);
            }
        }
        void finish() override {
            rows_.flushInto(*below_);
            below_->finish();
        }
        std::size_t wanted() const override {
            const std::size_t wanted = below_->wanted();
            return wanted > rows_.rows() ? wanted - rows_.rows() : 0;
        }

    private:
        void join(std::string_view key, const BothSides& sides) {
            const bool matches = !sides.first.empty() && !sides.second.empty() && !hasNull(key);
            if (matches) {
                for (const auto left : sides.first)
                    for (const auto right : sides.second) add(key, &left, &right);
                return;
            }
            if (node_.kind_ == JoinKind::kLeft || node_.kind_ == JoinKind::kFull)
                for (const auto left : sides.first) add(key, &left, nullptr);
            if (node_.kind_ == JoinKind::kRight || node_.kind_ == JoinKind::kFull)
                for (const auto right : sides.second) add(key, nullptr, &right);
        }

        bool hasNull(std::string_view key) {
            const auto columns = rows_.columns().first(node_.keys_);
            const std::size_t row = rows_.rows();
            decode(key, columns);
            const bool isNull = std::any_of(columns.begin(), columns.end(), [&](auto& column) {
                return column.column().isNull(row);
            });
            for (auto& column : columns) column.setNotNull(row);
            return isNull;
        }

        void add(std::string_view key, const std::string_view* left,
                 const std::string_view* right) {
            decode(key, rows_.columns().first(node_.keys_));
            set(left, rows_.columns().subspan(node_.keys_, node_.lefts_));
            set(right, rows_.columns().subspan(node_.keys_ + node_.lefts_));
            rows_.next();
            if (rows_.isFull()) rows_.flushInto(*below_);
        }
        void set(const std::string_view* bytes, std::span<ColumnBuffer> columns) {
            if (bytes != nullptr) return decode(*bytes, columns);
            for (auto& column : columns) setNull(column, rows_.rows());
        }
        void decode(std::string_view bytes, std::span<ColumnBuffer> columns) {
            TM_CHECK(decodeKey(bytes, rows_.rows(), columns), "a joined row is what was encoded");
        }

        const JoinedNode& node_;
        core::Downstream<Chunk> below_;
        RowBuilder rows_;
    };

    std::unique_ptr<core::Sink<JoinedKey>> makeSink(core::TaskContext&,
                                                    core::Downstream<Chunk> below) override {
        return std::make_unique<JoinedSink>(*this, std::move(below));
    }

    const Schema schema_;
    const std::size_t keys_, lefts_;
    const JoinKind kind_;
};

struct Side {
    std::vector<std::size_t> key, others;
};

Result<Side> sideOf(const RowStream& stream, const std::vector<std::string>& on) {
    Side side;
    for (const auto& name : on) {
        TM_ASSIGN(const auto place, stream.schema.indexOf(name));
        side.key.push_back(place);
    }
    for (std::size_t place = 0; place < stream.schema.size(); ++place)
        if (std::find(side.key.begin(), side.key.end(), place) == side.key.end())
            side.others.push_back(place);
    return side;
}

auto grouped(const RowStream& stream, const Side& side) {
    auto& graph = stream.job->graph;
    std::shared_ptr<core::StreamNode<KeyedRow>> keyed =
        graph.add(std::make_shared<KeyedRowsNode>(stream.node, side.key, side.others));
    return graph.add(core::makeGroupByKey(std::move(keyed)));
}

}  // namespace

Result<RowStream> join(const RowStream& leftGiven, const RowStream& rightGiven,
                       const std::vector<std::string>& on, JoinKind kind) {
    TM_ASSIGN(const RowStream left, withTextKeys(leftGiven, rightGiven.schema, on));
    TM_ASSIGN(const RowStream right, withTextKeys(rightGiven, leftGiven.schema, on));
    TM_TRY(requireSameSlide(left, right));
    TM_ASSIGN(const auto a, sideOf(left, on));
    TM_ASSIGN(const auto b, sideOf(right, on));
    std::vector<ColumnSpec> columns;
    for (std::size_t i = 0; i < on.size(); ++i) {
        columns.push_back(left.schema[a.key[i]]);
        const Type other = right.schema[b.key[i]].type;
        if (columns.back().type != other)
            return fail(ErrorKind::kInvalid,
                        "\"" + on[i] + "\" is of type " + toString(columns.back().type) +
                            " in one stream and of type " + toString(other) +
                            " in the other: give both the same where they are read, or cast one");
    }
    for (const auto place : a.others) columns.push_back(left.schema[place]);
    for (const auto place : b.others) columns.push_back(right.schema[place]);
    TM_ASSIGN(auto schema, Schema::of(std::move(columns)));
    auto& graph = left.job->graph;
    auto both = graph.add(
        std::make_shared<core::CogroupNode<std::string_view, std::string_view, std::string_view>>(
            grouped(left, a), grouped(right, b)));
    auto node = graph.add(
        std::make_shared<JoinedNode>(std::move(both), schema, on.size(), a.others.size(), kind));
    return RowStream{left.job, std::move(node), std::move(schema)};
}

}  // namespace tidemill::rows
