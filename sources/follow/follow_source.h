// Files that grow as a live source: a Follower with a thread of its own.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/source.h"
#include "sources/follow/directory_wakes.h"
#include "sources/follow/follower.h"

namespace tidemill::sources::follow {

// What the observer hears comes from the thread. Thread safety: see core::Source.
class FollowSource final : public core::Source {
public:
    // `observer` may be null; it must outlive this, as must what `environment` refers to. Requires
    // splitFollowPath(path).
    FollowSource(FollowEnvironment environment, std::string path, FollowOptions options,
                 core::SourceObserver* observer);
    ~FollowSource() override;

    // `opening.positions`: the lanes of the stream in the log. Errors: Follower::open's.
    core::Result<> open(const core::SourceOpening& opening) override;
    core::Result<> start() override;
    void pause() override { paused_ = true; }
    void resume() override;
    bool canBeLimited() const override { return true; }
    void allow(const core::Allowance& allowance) override { intake_.allow(allowance); }
    void stop(bool graceful) override;
    core::SourceStatistics statistics() const override;
    core::SourceStatistics counters() const override { return follower_.counters(); }

private:
    void run();
    // Takes what there is to take, looking from time to time.
    void takeAll();
    void keepLanes(Clock::time_point now);
    bool isOver() const { return stopping_ || failed_; }

    const core::SourceId id_;
    const std::string path_;
    const Duration lookEvery_;
    core::SourceObserver* const observer_;
    Intake intake_;
    Follower follower_;  // the thread's, once it runs
    DirectoryWakes wakes_;
    std::thread thread_;
    std::atomic<bool> stopping_{false}, paused_{false}, failed_{false};
    bool stopped_ = false;
    Clock::time_point lanesKept_{};
    mutable std::mutex mutex_;
    std::vector<core::LaneStatistics> lanes_;
};

}  // namespace tidemill::sources::follow
