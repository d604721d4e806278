#include "tools/web/batch_history.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "tools/control/shown_text.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

double millis(const std::optional<std::chrono::nanoseconds>& time) {
    return time ? std::chrono::duration<double, std::milli>(*time).count() : 0;
}

}  // namespace

void BatchHistory::onOutputOperationCompleted(const OutputInfo& output) {
    const std::lock_guard lock(mutex_);
    if (!outputs_.empty() && outputs_.front().batch != output.batch) outputs_.clear();
    if (outputs_.size() < kOutputsOfABatch) outputs_.push_back(output);
}

void BatchHistory::onBatchCompleted(const BatchInfo& batch) {
    const std::lock_guard lock(mutex_);
    auto outputs = std::exchange(outputs_, {});
    if (!outputs.empty() && outputs.front().batch != batch.id) outputs.clear();
    entries_.push_back({batch, std::move(outputs)});
    if (entries_.size() > kBatches) entries_.pop_front();
}

Json BatchHistory::behind(std::uint64_t after) const {
    const std::lock_guard lock(mutex_);
    Json all = Json::array();
    for (const auto& [batch, outputs] : entries_) {
        if (batch.id <= after) continue;
        Json json{{"id", batch.id},
                  {"time_ms", toMillis(batch.time)},
                  {"records", batch.records()},
                  {"waited_ms", millis(batch.schedulingDelay)},
                  {"processing_ms", millis(batch.processingDelay)},
                  {"replayed", batch.replayed}};
        json["inputs"] = Json::array();
        for (const auto& input : batch.inputs)
            json["inputs"].push_back({{"description", shownText(input.description)},
                                      {"records", input.records},
                                      {"bytes", input.bytes}});
        json["outputs"] = Json::array();
        for (const auto& output : outputs) {
            Json one{{"description", shownText(output.description)},
                     {"ms", millis(output.duration)},
                     {"already_visible", output.alreadyVisible}};
            if (output.error) one["error"] = shownText(*output.error);
            json["outputs"].push_back(std::move(one));
        }
        all.push_back(std::move(json));
    }
    return all;
}

}  // namespace tidemill::tools
