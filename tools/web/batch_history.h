// The last batches of a job, for its page.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "tidemill/streaming_listener.h"

namespace tidemill::tools {

// Thread safety: thread-safe.
class BatchHistory final : public StreamingListener {
public:
    static constexpr std::size_t kBatches = 1000;
    static constexpr std::size_t kOutputsOfABatch = 100;

    // The batches behind `after`, oldest first, as an array of objects; docs/formats/control.md.
    nlohmann::ordered_json behind(std::uint64_t after) const;

private:
    void onOutputOperationCompleted(const OutputInfo& output) override;
    void onBatchCompleted(const BatchInfo& batch) override;

    struct Entry {
        BatchInfo batch;
        std::vector<OutputInfo> outputs;
    };

    mutable std::mutex mutex_;
    std::deque<Entry> entries_;
    std::vector<OutputInfo> outputs_;  // of the batch that runs
};

}  // namespace tidemill::tools
