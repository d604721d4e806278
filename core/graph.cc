#include "core/graph.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/failpoint.h"
#include "core/peer_wait.h"

namespace tidemill::core {
namespace {

bool hasPeer(const OutputOperation& output) {
    return dynamic_cast<const WaitsForPeer*>(&output) != nullptr;
}

}  // namespace

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
    StepMeasures measured;
    auto result = catchingAll([&] {
        for (const auto& node : nodes_) node->beginBatch(run);
        runStages(run, measured);
        for (const auto& node : nodes_) run.noteHeld(node->heldBytes());
        orThrow(reachFailpoint("batch.midRun"));
        if (run.failedRecords() != nullptr) run.failedRecords()->stagesDone();
        if (withOutputs) runOutputs(run, observer);
    });
    for (const auto& node : nodes_) node->endBatch();
    if (result) {
        measured.reads = run.reads();
        keep(std::move(measured));
    }
    return result;
}

void Graph::runStages(BatchRun& run, StepMeasures& measured) {
    using std::chrono::steady_clock;
    measured.steps.resize(nodes_.size());
    std::vector<std::uint64_t> before(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) before[i] = nodes_[i]->elements();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!nodes_[i]->beginsStage()) continue;
        const auto begun = steady_clock::now();
        nodes_[i]->runStage(run);
        measured.steps[i].ran = steady_clock::now() - begun;
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        measured.steps[i].elements = nodes_[i]->elements() - before[i];
}

void Graph::keep(StepMeasures measured) {
    std::lock_guard lock(mutex_);
    total_.steps.resize(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        total_.steps[i].elements += measured.steps[i].elements;
        total_.steps[i].ran += measured.steps[i].ran;
    }
    for (const auto& read : measured.reads) {
        const auto known = std::find_if(
            total_.reads.begin(), total_.reads.end(),
            [&](const auto& one) { return one.output == read.output && one.node == read.node; });
        if (known == total_.reads.end()) total_.reads.push_back(read);
        else known->elements += read.elements;
    }
    last_ = std::move(measured);
}

StepMeasures Graph::measures() const {
    std::lock_guard lock(mutex_);
    return total_;
}

StepMeasures Graph::lastMeasures() const {
    std::lock_guard lock(mutex_);
    return last_;
}

void Graph::runOutputs(BatchRun& run, BatchObserver* observer) {
    const std::size_t keptByStages = run.kept().size();
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        if (observer != nullptr) observer->outputStarted(run.record(), i);
        Result<Visibility> visibility;
        const OutputActivity::Running running(activity_, hasPeer(*outputs_[i]));
        run.beginOutput(static_cast<std::uint32_t>(i), activity_);
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
            const OutputActivity::Running running(activity_, hasPeer(*output));
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
