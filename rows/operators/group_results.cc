// Groups as stored bytes, and as rows.
#include "core/format.h"
#include "rows/key_encoding.h"
#include "rows/operators/groups.h"
#include "rows/operators/rejects.h"

namespace tidemill::rows {
namespace {

class StoredNode final : public core::NarrowNode<Group, StoredGroup> {
public:
    StoredNode(std::shared_ptr<core::StreamNode<Group>> groups,
               std::shared_ptr<const GroupLayout> layout)
        : NarrowNode("aggregate", std::move(groups)), layout_(std::move(layout)) {}

    core::Keyed keyed() const override { return core::Keyed::kRangedUnique; }
    bool holdsElements() const override { return false; }

private:
    class StoredSink final : public core::Sink<Group> {
    public:
        StoredSink(const GroupLayout& layout, core::Arena& arena,
                   core::Downstream<StoredGroup> below)
            : layout_(layout), arena_(arena), below_(std::move(below)) {}
        void take(std::span<Group> groups) override {
            for (std::size_t i = 0; i < groups.size(); ++i) {
                out_[i].first = groups[i].key;
                if (layout_.isFixed()) {
                    out_[i].second = {reinterpret_cast<const char*>(groups[i].record),
                                      layout_.recordBytes()};
                } else {
                    bytes_.clear();
                    layout_.encode(groups[i].record, bytes_);
                    out_[i].second = arena_.copy(bytes_);
                }
            }
            below_->take(std::span(out_).first(groups.size()));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        const GroupLayout& layout_;
        core::Arena& arena_;
        core::Downstream<StoredGroup> below_;
        std::string bytes_;
        StoredGroup out_[kChunkRows];
    };

    std::unique_ptr<core::Sink<Group>> makeSink(core::TaskContext& task,
                                                core::Downstream<StoredGroup> below) override {
        return std::make_unique<StoredSink>(*layout_, task.arena, std::move(below));
    }

    const std::shared_ptr<const GroupLayout> layout_;
};

// The records of a chunk of groups, one way or another.
class GroupRecords {
public:
    explicit GroupRecords(const GroupLayout& layout) : layout_(layout) {}

    const std::byte* operator()(const Group& group, std::size_t) { return group.record; }
    const std::byte* operator()(const OwnedGroup& group, std::size_t i) {
        if (layout_.isFixed() && group.second.size() == layout_.recordBytes())
            return reinterpret_cast<const std::byte*>(group.second.data());
        while (records_.size() <= i) records_.push_back(std::make_unique<GroupRecord>(layout_));
        records_[i]->clear();
        core::orThrow(layout_.decode(group.second, records_[i]->get()));
        return records_[i]->get();
    }

private:
    const GroupLayout& layout_;
    std::vector<std::unique_ptr<GroupRecord>> records_;
};

template <class In>
std::string_view keyOf(const In& group) {
    if constexpr (std::is_same_v<In, Group>) return group.key;
    else return group.first;
}

template <class In>
class ResultsNode final : public core::NarrowNode<In, Chunk> {
public:
    ResultsNode(std::shared_ptr<core::StreamNode<In>> groups,
                std::shared_ptr<const GroupLayout> layout)
        : core::NarrowNode<In, Chunk>("aggregate", std::move(groups)), layout_(std::move(layout)) {}

    bool holdsElements() const override { return false; }

private:
    class ResultsSink final : public core::Sink<In> {
    public:
        ResultsSink(const GroupLayout& layout, core::RecordGuard guard, core::Arena& arena,
                    core::Downstream<Chunk> below)
            : layout_(layout),
              rejects_(std::move(guard)),
              arena_(arena),
              below_(std::move(below)),
              recordOf_(layout) {
            for (const auto& column : layout.key()) buffers_.emplace_back(column.type);
            for (const auto& aggregate : layout.aggregates())
                buffers_.emplace_back(aggregate.accumulator->resultType());
            columns_.resize(buffers_.size());
        }

        void take(std::span<In> groups) override {
            for (auto& buffer : buffers_) buffer.clearNulls();
            const auto keyColumns = std::span(buffers_).first(layout_.key().size());
            for (std::size_t i = 0; i < groups.size(); ++i) {
                records_[i] = recordOf_(groups[i], i);
                if (!decodeKey(keyOf(groups[i]), i, keyColumns))
                    throw core::TaskFailure(core::Error{
                        core::ErrorKind::kCorrupt, "the stored key of a group does not parse"});
            }
            for (std::size_t i = 0; i < layout_.aggregates().size(); ++i) report(i, groups);
            Chunk chunk;
            chunk.rows = chunk.selectedCount = groups.size();
            for (std::size_t i = 0; i < buffers_.size(); ++i) columns_[i] = buffers_[i].column();
            chunk.columns = columns_;
            rejects_.take(chunk, failures_);
            if (chunk.selectedCount != 0) below_->take(std::span(&chunk, 1));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void report(std::size_t i, std::span<In> groups) {
            const auto& aggregate = layout_.aggregates()[i];
            RowFailures failures;
            ResultColumn into{buffers_[layout_.key().size() + i], arena_, failures};
            aggregate.accumulator->result(records_, groups.size(), layout_.offset(i), into);
            for (const auto& [row, what] : failures.all()) {
                failures_.add(row, aggregate.name + " = " + aggregate.call.text() + " " + what +
                                       "; group (" + keyText(row) + ")");
                into.values.setNull(row);
            }
        }
        std::string keyText(std::size_t row) const {
            std::string text;
            for (std::size_t i = 0; i < layout_.key().size(); ++i) {
                if (i != 0) text += ',';
                std::string value;
                const Column column = buffers_[i].column();
                if (column.isNull(row)) value = "null";
                else appendValue(value, column, row);
                core::appendPrintable(text, value);
            }
            return text;
        }

        const GroupLayout& layout_;
        Rejects rejects_;
        RowFailures failures_;
        core::Arena& arena_;
        core::Downstream<Chunk> below_;
        GroupRecords recordOf_;
        std::vector<ColumnBuffer> buffers_;
        std::vector<Column> columns_;
        const std::byte* records_[kChunkRows];
    };

    std::unique_ptr<core::Sink<In>> makeSink(core::TaskContext& task,
                                             core::Downstream<Chunk> below) override {
        return std::make_unique<ResultsSink>(*layout_, this->guard(task), task.arena,
                                             std::move(below));
    }

    const std::shared_ptr<const GroupLayout> layout_;
};

}  // namespace

std::shared_ptr<core::StreamNode<StoredGroup>> makeStored(
    std::shared_ptr<core::StreamNode<Group>> groups, std::shared_ptr<const GroupLayout> layout) {
    return std::make_shared<StoredNode>(std::move(groups), std::move(layout));
}

std::shared_ptr<core::StreamNode<Chunk>> makeResults(
    std::shared_ptr<core::StreamNode<Group>> groups, std::shared_ptr<const GroupLayout> layout) {
    return std::make_shared<ResultsNode<Group>>(std::move(groups), std::move(layout));
}

std::shared_ptr<core::StreamNode<Chunk>> makeResults(
    std::shared_ptr<core::StreamNode<OwnedGroup>> groups,
    std::shared_ptr<const GroupLayout> layout) {
    return std::make_shared<ResultsNode<OwnedGroup>>(std::move(groups), std::move(layout));
}

}  // namespace tidemill::rows
