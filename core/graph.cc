#include "core/graph.h"

#include "core/failpoint.h"

namespace tidemill::core {

Result<> Graph::runBatch(BatchRun& run, bool withOutputs) {
    const ActivityScope activity(Activity::kBatch);
    auto result = catchingAll([&] {
        for (const auto& node : nodes_) node->beginBatch(run);
        for (const auto& node : nodes_) node->runStage(run);
        orThrow(reachFailpoint("batch.midRun"));
        if (withOutputs)
            for (const auto& output : outputs_) output->run(run);
    });
    for (const auto& node : nodes_) node->endBatch();
    return result;
}

}  // namespace tidemill::core
