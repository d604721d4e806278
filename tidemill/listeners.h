// Turns what the engine's parts report into the events of StreamingListener.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/batch_observer.h"
#include "core/clock.h"
#include "core/source.h"
#include "tidemill/job.h"
#include "tidemill/streaming_listener.h"

namespace tidemill {

// Thread safety: thread-safe, once all listeners are there.
class Listeners final : public core::BatchObserver, public core::SourceObserver {
public:
    // Both must outlive this.
    Listeners(const Job& job, core::Clock& clock,
              std::vector<std::shared_ptr<StreamingListener>> listeners);

    // Batches from now on are no replays.
    void started();

    void batchSubmitted(const core::BatchRecord& batch, const std::vector<core::BlockPtr>& blocks,
                        std::chrono::nanoseconds due) override;
    void batchStarted(const core::BatchRecord& batch) override;
    void outputStarted(const core::BatchRecord& batch, std::size_t output) override;
    void outputCompleted(const core::BatchRecord& batch, std::size_t output,
                         const core::Result<core::Visibility>& result) override;
    void batchCompleted(const core::BatchRecord& batch) override;

    void sourceStarted(core::SourceId source, const std::string& where) override;
    void sourceError(core::SourceId source, const std::string& message, Trouble trouble) override;
    void sourceRecovered(core::SourceId) override {}
    void sourceFailed(core::SourceId source, core::Error error) override;
    void sourceStopped(core::SourceId source, const std::string& why) override;

private:
    template <class Info>
    void report(void (StreamingListener::*event)(const Info&), const Info& info);
    void each(const std::function<void(StreamingListener&)>& call);
    ReceiverInfo receiver(core::SourceId source, const std::string& message) const;
    OutputInfo output(const core::BatchRecord& batch, std::size_t output) const;
    // What a replayable source has read so far.
    struct Read {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
    };
    Read readOf(std::uint32_t source) const;

    const Job& job_;
    core::Clock& clock_;
    const std::vector<std::shared_ptr<StreamingListener>> listeners_;
    std::mutex mutex_;  // one event at a time

    // The scheduler thread's: the batch at hand.
    BatchInfo batch_;
    std::vector<Read> readBefore_;  // of batch_.inputs
    std::chrono::nanoseconds due_{};
    std::chrono::nanoseconds begun_{};
    std::chrono::nanoseconds outputBegun_{};
    bool replaying_ = true;
};

}  // namespace tidemill
