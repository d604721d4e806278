#include "sources/follow/follow_source.h"

#include <algorithm>
#include <utility>

#include "core/own_thread.h"

namespace tidemill::sources::follow {

using core::Result;
using std::chrono::milliseconds;

namespace {

// Between two looks: this, or ten times what a look takes, so that a directory in which much
// happens costs a tenth of a processor at most.
constexpr milliseconds kLooksApart{20};
constexpr int kLookShare = 10;
constexpr milliseconds kWaitForRoom{5};
constexpr std::chrono::seconds kKeepLanesEvery{1};

}  // namespace

FollowSource::FollowSource(FollowEnvironment environment, std::string path, FollowOptions options,
                           core::SourceObserver* observer)
    : id_(environment.id),
      path_(path),
      lookEvery_(options.lookEvery),
      observer_(observer),
      follower_(
          [&] {
              environment.report = [this](const std::string& message) {
                  if (observer_ != nullptr)
                      observer_->sourceError(id_, message, core::SourceObserver::Trouble::kOver);
              };
              return std::move(environment);
          }(),
          std::move(path), std::move(options)) {}

FollowSource::~FollowSource() { stop(false); }

Result<> FollowSource::open(const core::SourceOpening& opening) {
    return follower_.open(opening.positions);
}

Result<> FollowSource::start() {
    if (observer_ != nullptr) observer_->sourceStarted(id_, "follows " + path_);
    thread_ = std::thread([this] { run(); });
    return {};
}

void FollowSource::resume() {
    paused_ = false;
    wakes_.wake();
}

void FollowSource::stop(bool) {
    if (std::exchange(stopped_, true)) return;
    stopping_ = true;
    wakes_.wake();
    if (!thread_.joinable()) return;
    thread_.join();
    if (observer_ != nullptr) observer_->sourceStopped(id_, "stopped");
}

void FollowSource::run() {
    const core::OwnThreadScope own;
    while (!isOver()) {
        const auto begun = Clock::now();
        if (!paused_) {
            follower_.look(begun);
            wakes_.watch(follower_.directories(DirectoryWakes::kDirectoriesMax));
        }
        const auto looked = Clock::now() - begun;
        if (!paused_) takeAll();
        if (isOver()) return;
        keepLanes(Clock::now());
        wakes_.wait(lookEvery_);
        const auto apart = std::max<Clock::duration>(kLooksApart, kLookShare * looked);
        const auto next = begun + std::min<Clock::duration>(
                                      apart, std::max<Clock::duration>(kLooksApart, lookEvery_));
        if (!stopping_) std::this_thread::sleep_until(next);
    }
}

void FollowSource::takeAll() {
    using Taken = Follower::Taken;
    auto looked = Clock::now();
    while (!isOver() && !paused_) {
        const auto now = Clock::now();
        if (now - looked > lookEvery_) {
            follower_.look(now);
            keepLanes(now);
            looked = Clock::now();
        }
        switch (follower_.take(intake_, now)) {
            case Taken::kAll: return;
            case Taken::kMore: break;
            case Taken::kNoMemory:
            case Taken::kNotAllowed: std::this_thread::sleep_for(kWaitForRoom); break;
            case Taken::kFailed:
                failed_ = true;
                if (observer_ != nullptr && follower_.failure())
                    observer_->sourceFailed(id_, *follower_.failure());
                return;
        }
    }
}

void FollowSource::keepLanes(Clock::time_point now) {
    if (now - lanesKept_ < kKeepLanesEvery) return;
    lanesKept_ = now;
    auto lanes = follower_.lanes();
    const std::lock_guard lock(mutex_);
    lanes_ = std::move(lanes);
}

core::SourceStatistics FollowSource::statistics() const {
    auto all = counters();
    const std::lock_guard lock(mutex_);
    all.lanes = lanes_;
    return all;
}

}  // namespace tidemill::sources::follow
