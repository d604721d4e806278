#include "core/graph.h"

#include <algorithm>
#include <cstring>

#include "core/failpoint.h"

namespace tidemill::core {

bool Graph::holdsRecords() const {
    const auto holds = [](const auto& node) {
        return node->required() && node->holdsElements() &&
               std::any_of(node->parents().begin(), node->parents().end(),
                           [](const Node* parent) { return parent->perRecord(); });
    };
    return std::any_of(nodes_.begin(), nodes_.end(), holds) ||
           std::any_of(outputs_.begin(), outputs_.end(),
                       [](const auto& output) { return output->holdsRecords(); });
}

bool holdsNoAddress(std::string_view object) {
    while (!object.empty()) {
        std::uint64_t word = 0;
        const auto size = std::min(object.size(), sizeof word);
        std::memcpy(&word, object.data(), size);
        if (word >= std::uint64_t{1} << 31) return false;
        object.remove_prefix(size);
    }
    return true;
}

Result<> Graph::runBatch(BatchRun& run, bool withOutputs, BatchObserver* observer) {
    const ActivityScope activity(Activity::kBatch);
    auto result = catchingAll([&] {
        for (const auto& node : nodes_) node->beginBatch(run);
        for (const auto& node : nodes_) node->runStage(run);
        for (const auto& node : nodes_) run.noteHeld(node->heldBytes());
        orThrow(reachFailpoint("batch.midRun"));
        if (run.failedRecords() != nullptr) run.failedRecords()->stagesDone();
        if (withOutputs) runOutputs(run, observer);
    });
    for (const auto& node : nodes_) node->endBatch();
    return result;
}

void Graph::runOutputs(BatchRun& run, BatchObserver* observer) {
    const std::size_t keptByStages = run.kept().size();
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        if (observer != nullptr) observer->outputStarted(run.record(), i);
        Result<Visibility> visibility;
        if (auto result = catchingAll([&] { visibility = outputs_[i]->run(run); }); !result)
            visibility = fail(std::move(result.error()));
        if (observer != nullptr) observer->outputCompleted(run.record(), i, visibility);
        orThrow(std::move(visibility));
        run.keepOnly(keptByStages);
    }
}

Result<std::vector<OutputNote>> Graph::takeNotes() {
    std::vector<OutputNote> notes;
    TM_TRY(catchingAll([&] {
        for (const auto& output : outputs_) {
            auto bytes = output->note();
            if (bytes.size() > kOutputNoteBytesMax)
                orThrow(Result<>(fail(ErrorKind::kInvalid,
                                      output->describe() +
                                          " keeps more in a batch's record than it may: bytes=" +
                                          std::to_string(bytes.size()) +
                                          " most=" + std::to_string(kOutputNoteBytesMax))));
            if (!bytes.empty()) notes.push_back({output->number(), std::move(bytes)});
        }
    }));
    return notes;
}

}  // namespace tidemill::core
