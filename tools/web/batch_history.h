// The last batches of a job, for its page.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "tidemill/streaming_listener.h"

namespace tidemill::tools {

struct SeenOutput {
    OutputInfo info;
    std::int64_t startedMillis = 0;  // since 1970
};

struct SeenBatch {
    BatchInfo info;
    std::int64_t startedMillis = 0;
    bool isComplete = false;
    std::vector<SeenOutput> outputs;  // that have begun, in their order
};

// Thread safety: thread-safe.
class BatchHistory final : public StreamingListener {
public:
    static constexpr std::size_t kBatches = 1000;
    static constexpr std::size_t kOutputsOfABatch = 100;

    // The batches behind `after`, oldest first, as an array of objects; docs/formats/control.md.
    nlohmann::ordered_json behind(std::uint64_t after) const;

    // Those that are complete and the one that runs, newest first.
    std::vector<SeenBatch> newestFirst() const;
    // Of those that are complete; 0: none.
    std::uint64_t newest() const;
    std::optional<SeenBatch> find(std::uint64_t batch) const;

private:
    void onBatchStarted(const BatchInfo& batch) override;
    void onOutputOperationStarted(const OutputInfo& output) override;
    void onOutputOperationCompleted(const OutputInfo& output) override;
    void onBatchCompleted(const BatchInfo& batch) override;

    mutable std::mutex mutex_;
    std::deque<SeenBatch> batches_;  // oldest first
    std::optional<SeenBatch> running_;
};

}  // namespace tidemill::tools
