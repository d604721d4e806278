// Offsets of completed batches, committed to the consumer group for lag tools. Nothing reads them
// back. Private to sources/kafka/.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "rdkafka/handle.h"
#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/discovery.h"

namespace tidemill::sources::kafka {

// Thread safety: thread-safe.
class GroupCommits {
public:
    // `refused` is called once, with what to say, when the cluster does not take them; then no more
    // are sent.
    explicit GroupCommits(std::function<void(const std::string&)> refused)
        : refused_(std::move(refused)) {}

    // Batches with the partition's records below `next` are complete.
    void note(const PartitionName& partition, std::int64_t next);

    // Sends what was noted, at most twice a second and one at a time, unless `now`.
    void send(Handle& client, bool now = false);
    // The client's answer; see Handle::OnCommit.
    void answered(rd_kafka_resp_err_t error);
    // Something is noted or under way.
    bool isOpen() const;

private:
    const std::function<void(const std::string&)> refused_;
    mutable std::mutex mutex_;
    std::map<PartitionName, std::int64_t> next_;
    std::chrono::steady_clock::time_point sent_{};
    bool underWay_ = false;
    bool ended_ = false;
};

}  // namespace tidemill::sources::kafka
