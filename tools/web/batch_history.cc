#include "tools/web/batch_history.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/control/shown_text.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

double millis(const std::optional<std::chrono::nanoseconds>& time) {
    return time ? std::chrono::duration<double, std::milli>(*time).count() : 0;
}

std::int64_t nowMillis() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Json batchJson(const SeenBatch& batch) {
    const auto& info = batch.info;
    Json json{{"id", info.id},
              {"time_ms", toMillis(info.time)},
              {"records", info.records()},
              {"waited_ms", millis(info.schedulingDelay)},
              {"processing_ms", millis(info.processingDelay)},
              {"replayed", info.replayed}};
    json["inputs"] = Json::array();
    for (const auto& input : info.inputs)
        json["inputs"].push_back({{"source", input.source + 1},
                                  {"description", shownText(input.description)},
                                  {"records", input.records},
                                  {"bytes", input.bytes}});
    json["outputs"] = Json::array();
    for (const auto& output : batch.outputs) {
        Json one{{"description", shownText(output.info.description)},
                 {"ms", millis(output.info.duration)},
                 {"already_visible", output.info.alreadyVisible}};
        if (output.info.error) one["error"] = shownText(*output.info.error);
        json["outputs"].push_back(std::move(one));
    }
    return json;
}

}  // namespace

void BatchHistory::onBatchStarted(const BatchInfo& batch) {
    const std::lock_guard lock(mutex_);
    running_ = SeenBatch{batch, nowMillis(), false, {}};
}

void BatchHistory::onOutputOperationStarted(const OutputInfo& output) {
    const std::lock_guard lock(mutex_);
    if (!running_ || running_->info.id != output.batch) return;
    if (running_->outputs.size() < kOutputsOfABatch)
        running_->outputs.push_back({output, nowMillis()});
}

void BatchHistory::onOutputOperationCompleted(const OutputInfo& output) {
    const std::lock_guard lock(mutex_);
    if (!running_ || running_->info.id != output.batch) return;
    for (auto& seen : running_->outputs)
        if (seen.info.output == output.output) seen.info = output;
}

void BatchHistory::onBatchCompleted(const BatchInfo& batch) {
    const std::lock_guard lock(mutex_);
    if (!running_ || running_->info.id != batch.id) return;
    auto seen = *std::exchange(running_, std::nullopt);
    seen.info = batch;
    seen.isComplete = true;
    batches_.push_back(std::move(seen));
    if (batches_.size() > kBatches) batches_.pop_front();
}

std::vector<SeenBatch> BatchHistory::newestFirst() const {
    const std::lock_guard lock(mutex_);
    std::vector<SeenBatch> all;
    if (running_) all.push_back(*running_);
    all.insert(all.end(), batches_.rbegin(), batches_.rend());
    return all;
}

std::uint64_t BatchHistory::newest() const {
    const std::lock_guard lock(mutex_);
    return batches_.empty() ? 0 : batches_.back().info.id;
}

std::optional<SeenBatch> BatchHistory::find(std::uint64_t batch) const {
    const std::lock_guard lock(mutex_);
    if (running_ && running_->info.id == batch) return running_;
    // The newest one, when a start ran it again.
    const auto found = std::find_if(batches_.rbegin(), batches_.rend(),
                                    [&](const auto& one) { return one.info.id == batch; });
    return found != batches_.rend() ? std::optional(*found) : std::nullopt;
}

Json BatchHistory::behind(std::uint64_t after) const {
    const std::lock_guard lock(mutex_);
    Json all = Json::array();
    for (const auto& batch : batches_)
        if (batch.info.id > after) all.push_back(batchJson(batch));
    return all;
}

}  // namespace tidemill::tools
