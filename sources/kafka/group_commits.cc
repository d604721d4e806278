#include "sources/kafka/group_commits.h"

namespace tidemill::sources::kafka {
namespace {

constexpr std::chrono::milliseconds kEvery{500};

}  // namespace

void GroupCommits::note(const PartitionName& partition, std::int64_t next) {
    const std::lock_guard lock(mutex_);
    if (!ended_) next_[partition] = next;
}

void GroupCommits::send(Handle& client, bool now) {
    const auto time = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (next_.empty() || underWay_ || (!now && time - sent_ < kEvery)) return;
    const auto list = makeTopicPartitions(static_cast<int>(next_.size()));
    for (const auto& [name, next] : next_)
        rd_kafka_topic_partition_list_add(list.get(), name.first.c_str(), name.second)->offset =
            next;
    next_.clear();
    sent_ = time;
    underWay_ = rd_kafka_commit(client.get(), list.get(), 1) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void GroupCommits::answered(rd_kafka_resp_err_t error) {
    bool refused = false;
    {
        const std::lock_guard lock(mutex_);
        underWay_ = false;
        // What passes is made up for by the next commit.
        const bool isOver = error == RD_KAFKA_RESP_ERR_NO_ERROR ||
                            error == RD_KAFKA_RESP_ERR__NO_OFFSET ||
                            (!endsTheJob(error) && error != RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID &&
                             error != RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
        if (isOver || ended_) return;
        ended_ = refused = true;
        next_.clear();
    }
    if (refused)
        refused_("offsets are not committed to the group any more, which lag tools miss: " +
                 describe(error));
}

bool GroupCommits::isOpen() const {
    const std::lock_guard lock(mutex_);
    return underWay_ || !next_.empty();
}

}  // namespace tidemill::sources::kafka
