// Looks for partitions, and for the cluster when it is away. Private to sources/kafka/.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/ids.h"
#include "core/source.h"
#include "sources/kafka/discovery.h"

namespace tidemill::sources::kafka {

// A thread that asks the cluster every so often, and at once when it is woken. It reports what is
// away, until it is back. Thread safety: thread-safe.
class Scout {
public:
    struct Found {
        PartitionName name;
        std::optional<std::int64_t> start;  // where to begin, when it has no position
    };
    // What has changed for the reader of the partitions.
    struct Findings {
        std::vector<Found> found;            // new ones
        std::vector<PartitionName> toCheck;  // whose leader has changed, or that are back
        bool checkAll = false;               // the cluster was away
        bool begun = false;                  // all that `start` holds for are found
    };

    struct Job {
        core::SourceId source;
        core::SourceObserver* observer = nullptr;  // may be null
        bool isFirst = false;                      // `start` holds for what is found the first time
        std::function<bool(const PartitionName&)> isKnown;  // it has a position
        std::function<void(core::Error)> failed;            // what does not pass
    };

    // `client` and `options` must outlive this.
    Scout(Handle& client, const KafkaOptions& options, Job job);
    ~Scout();

    void start();
    void stop();

    // What was found since the last call.
    Findings take();

    // Something may be away: look now, and have everything checked when it is back. `why`: what a
    // connection has met, for messages; may be empty.
    void alarm(const std::string& why = {});
    // The broker does not know a partition: it is among those to check when it does again.
    void isAbsent(const PartitionName& partition);
    // Records come: if something was away, it may be back.
    void recordsCome();
    // More records wait than are taken at once. A fetch thread of librdkafka 2.0 whose queue was
    // full sleeps for a second, however soon the queue is empty, unless it has something to ask.
    void isBusy();
    // What waits to be taken was as much as librdkafka fetches, and is less now: to be asked for at
    // once, so that more comes while the rest is taken.
    void hasRoom();
    // The cluster has answered at least once.
    bool connected() const;

private:
    void run();
    bool ends() const;
    bool look(bool wasAway, std::set<PartitionName>& absent);
    core::Result<bool> addFound(const Discovered& now, Findings& into);
    void report(const Discovered& found);
    void waitUntil(std::chrono::steady_clock::time_point until, std::unique_lock<std::mutex>& lock);
    void askEachBroker() const;

    Handle& client_;
    const KafkaOptions& options_;
    const Job job_;
    const Discovery discovery_;
    std::thread thread_;

    // The thread's own.
    std::map<PartitionName, std::int32_t> leaders_;  // of those that were handed on
    std::string reported_;
    bool isFirst_;

    std::atomic<bool> busy_ = false;

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable wakes_;
    Findings findings_;
    std::set<PartitionName> absent_;
    bool stopping_ = false;
    bool lookNow_ = false;
    bool askNow_ = false;
    bool away_ = false;
    std::string why_;  // of the last alarm that had a reason
    bool troubled_ = false;
    bool connected_ = false;
};

}  // namespace tidemill::sources::kafka
