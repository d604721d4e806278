// Groups that go on for ever: the batch's groups are merged into the rows of a state table.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rows/operators/groups.h"
#include "state/operators/state_views.h"

namespace tidemill::rows {

using TouchedGroups = state::TouchedView<std::string_view, std::string>;

// Takes groups whose keys lie in their ranges, each once.
class RunningGroupsNode final : public core::Node, public core::Consumer<StoredGroup> {
public:
    RunningGroupsNode(std::shared_ptr<core::StreamNode<StoredGroup>> parent,
                      std::shared_ptr<state::BoundTable> table,
                      std::shared_ptr<TouchedGroups> touched, GroupMerge merge)
        : Node("aggregate"),
          parent_(std::move(parent)),
          table_(std::move(table)),
          touched_(std::move(touched)),
          merge_(std::move(merge)) {
        addParent(*parent_);
        parent_->addConsumer(*this);
        require();
    }

    void beginBatch(core::BatchRun& run) override { table_->beginBatch(run); }

    std::unique_ptr<core::Sink<StoredGroup>> open(core::TaskContext& task) override {
        return std::make_unique<MergeSink>(*this, task);
    }

    void runStage(core::BatchRun& run) override {
        if (run.isActive(parent_->slide())) table_->removeIdle(run);
    }

private:
    class MergeSink final : public core::Sink<StoredGroup> {
    public:
        MergeSink(RunningGroupsNode& node, core::TaskContext& task)
            : touched_(node.touched_->noting() ? &node.touched_->keys(task.partition) : nullptr),
              table_(*node.table_),
              partition_(task.partition),
              range_(node.table_->table->range(task.partition)),
              merge_(node.merge_),
              merged_(kChunkRows),
              values_(kChunkRows) {}

        void take(std::span<StoredGroup> groups) override {
            const core::KeyViews keys = core::pairKeys(keys_, groups);
            core::orThrow(range_.get(keys, groups.size(), lookup_));
            for (std::size_t i = 0; i < groups.size(); ++i) {
                values_[i] = groups[i].second;
                if (!lookup_.found(i)) continue;
                merged_[i] = lookup_.bytes(i);
                merge_.mergeInto(merged_[i], groups[i].second);
                values_[i] = merged_[i];
            }
            core::orThrow(range_.put(keys, groups.size(), values_.data()));
            // The keys live as long as the batch.
            if (touched_ != nullptr)
                for (const auto& group : groups) touched_->push_back(group.first);
            table_.touch(partition_, keys, groups.size());
        }
        void finish() override {}

    private:
        std::vector<std::string_view>* touched_;
        state::BoundTable& table_;
        std::uint32_t partition_;
        state::StateRange& range_;
        GroupMerge merge_;
        core::ChunkKeys<std::string_view> keys_;
        state::Lookup lookup_;
        std::vector<std::string> merged_;
        std::vector<std::string_view> values_;
    };

    std::shared_ptr<core::StreamNode<StoredGroup>> parent_;
    std::shared_ptr<state::BoundTable> table_;
    std::shared_ptr<TouchedGroups> touched_;
    const GroupMerge merge_;
};

}  // namespace tidemill::rows
