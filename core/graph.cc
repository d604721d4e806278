#include "core/graph.h"

#include "core/failpoint.h"

namespace tidemill::core {

Result<> Graph::runBatch(BatchRun& run, bool withOutputs, BatchObserver* observer) {
    const ActivityScope activity(Activity::kBatch);
    auto result = catchingAll([&] {
        for (const auto& node : nodes_) node->beginBatch(run);
        for (const auto& node : nodes_) node->runStage(run);
        orThrow(reachFailpoint("batch.midRun"));
        if (withOutputs) runOutputs(run, observer);
    });
    for (const auto& node : nodes_) node->endBatch();
    return result;
}

void Graph::runOutputs(BatchRun& run, BatchObserver* observer) {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        if (observer != nullptr) observer->outputStarted(run.record(), i);
        auto result = catchingAll([&] { outputs_[i]->run(run); });
        if (observer != nullptr) observer->outputCompleted(run.record(), i, result);
        orThrow(std::move(result));
    }
}

}  // namespace tidemill::core
