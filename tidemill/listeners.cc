#include "tidemill/listeners.h"

#include <map>

#include "core/logging.h"
#include "core/workers.h"

namespace tidemill {

Listeners::Listeners(const Job& job, core::Clock& clock,
                     std::vector<std::shared_ptr<StreamingListener>> listeners)
    : job_(job), clock_(clock), listeners_(std::move(listeners)) {}

void Listeners::each(const std::function<void(StreamingListener&)>& call) {
    std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_)
        if (const auto result = core::catchingAll([&] { call(*listener); }); !result)
            core::logError("a listener failed: " + result.error().message);
}

template <class Info>
void Listeners::report(void (StreamingListener::*event)(const Info&), const Info& info) {
    each([&](StreamingListener& listener) { (listener.*event)(info); });
}

void Listeners::started() {
    replaying_ = false;
    each([](StreamingListener& listener) { listener.onStarted(); });
}

void Listeners::batchSubmitted(const core::BatchRecord& batch,
                               const std::vector<core::BlockPtr>& blocks,
                               std::chrono::nanoseconds due) {
    if (listeners_.empty()) return;
    due_ = due;
    batch_ = {};
    batch_.id = batch.batch.value;
    batch_.time = batch.time;
    batch_.replayed = replaying_;
    std::map<std::uint32_t, InputInfo> inputs;
    for (const auto& block : blocks) {
        auto& input = inputs[block->origin().source.value];
        input.records += block->origin().lines;
        input.bytes += block->sizeBytes();
    }
    for (const auto& range : batch.ranges) inputs[range.source.value];
    readBefore_.clear();
    for (auto& [source, input] : inputs) {
        readBefore_.push_back(readOf(source));
        input.source = source;
        input.description = job_.sources.at(source).description;
        batch_.inputs.push_back(std::move(input));
    }
    report(&StreamingListener::onBatchSubmitted, batch_);
}

Listeners::Read Listeners::readOf(std::uint32_t source) const {
    const auto& replayable = job_.sources.at(source).replayable;
    if (!replayable) return {};
    const auto counters = replayable->counters();
    return {counters.records, counters.bytes};
}

void Listeners::batchStarted(const core::BatchRecord&) {
    if (listeners_.empty()) return;
    begun_ = clock_.monotonic();
    batch_.schedulingDelay = begun_ - due_;
    report(&StreamingListener::onBatchStarted, batch_);
}

void Listeners::batchCompleted(const core::BatchRecord&) {
    if (listeners_.empty()) return;
    const auto now = clock_.monotonic();
    for (std::size_t i = 0; i < batch_.inputs.size(); ++i) {
        auto& input = batch_.inputs[i];
        const auto read = readOf(input.source);
        input.records += read.records - readBefore_[i].records;
        input.bytes += read.bytes - readBefore_[i].bytes;
    }
    batch_.processingDelay = now - begun_;
    batch_.totalDelay = now - due_;
    report(&StreamingListener::onBatchCompleted, batch_);
}

OutputInfo Listeners::output(const core::BatchRecord& batch, std::size_t output) const {
    OutputInfo info;
    info.batch = batch.batch.value;
    info.time = batch.time;
    info.output = output;
    info.description = job_.graph.outputs().at(output)->describe();
    return info;
}

void Listeners::outputStarted(const core::BatchRecord& batch, std::size_t place) {
    if (listeners_.empty()) return;
    outputBegun_ = clock_.monotonic();
    report(&StreamingListener::onOutputOperationStarted, output(batch, place));
}

void Listeners::outputCompleted(const core::BatchRecord& batch, std::size_t place,
                                const core::Result<core::Visibility>& result) {
    if (listeners_.empty()) return;
    auto info = output(batch, place);
    info.duration = clock_.monotonic() - outputBegun_;
    info.alreadyVisible = result && *result == core::Visibility::kBefore;
    if (!result) info.error = result.error().message;
    report(&StreamingListener::onOutputOperationCompleted, info);
}

ReceiverInfo Listeners::receiver(core::SourceId source, const std::string& message) const {
    return {source.value, job_.sources.at(source.value).description, message};
}

void Listeners::sourceStarted(core::SourceId source, const std::string& where) {
    report(&StreamingListener::onReceiverStarted, receiver(source, where));
}
void Listeners::sourceError(core::SourceId source, const std::string& message, Trouble) {
    report(&StreamingListener::onReceiverError, receiver(source, message));
}
void Listeners::sourceFailed(core::SourceId source, core::Error error) {
    report(&StreamingListener::onReceiverError, receiver(source, error.message));
}
void Listeners::sourceStopped(core::SourceId source, const std::string& why) {
    report(&StreamingListener::onReceiverStopped, receiver(source, why));
}

}  // namespace tidemill
