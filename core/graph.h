// A job: its stream nodes in the order they were made, and its output operations.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/batch_observer.h"
#include "core/error.h"
#include "core/output.h"
#include "core/stream_node.h"

namespace tidemill::core {

// Thread safety: built by one thread; then used by the scheduler's thread.
class Graph {
public:
    // Stages run in the order in which nodes were added: a node comes behind its parents, and one
    // that shows a table behind the node that changes it.
    template <class N>
    std::shared_ptr<N> add(std::shared_ptr<N> node) {
        node->setNumber(static_cast<std::uint32_t>(nodes_.size()));
        nodes_.push_back(node);
        return node;
    }
    void addOutput(std::unique_ptr<OutputOperation> output) {
        output->setNumber(static_cast<std::uint32_t>(outputs_.size()));
        outputs_.push_back(std::move(output));
    }

    const std::vector<std::shared_ptr<Node>>& nodes() const { return nodes_; }
    const std::vector<std::unique_ptr<OutputOperation>>& outputs() const { return outputs_; }

    // Whether a node or an output may hold something in memory for every record of a batch.
    bool holdsRecords() const;

    // Runs every stage of the batch, and with `withOutputs` the output operations, in the order in
    // which the program declared them. `observer`, which may be null, hears of the outputs.
    // Errors: the first one; the batch is then not complete.
    Result<> runBatch(BatchRun& run, bool withOutputs, BatchObserver* observer = nullptr);

    // What the outputs want to find in the next batch's record. Errors: kUserCode.
    Result<std::vector<OutputNote>> takeNotes();

private:
    void runOutputs(BatchRun& run, BatchObserver* observer);

    std::vector<std::shared_ptr<Node>> nodes_;
    std::vector<std::unique_ptr<OutputOperation>> outputs_;
};

}  // namespace tidemill::core
