#include "recovery/segment_supply.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "recovery/segment.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::OpenMode;

constexpr auto kRetryEvery = std::chrono::milliseconds(200);
constexpr auto kLookEvery = std::chrono::seconds(1);

}  // namespace

SegmentSupply::SegmentSupply(core::FileSystem& files, core::Path directory,
                             std::uint64_t segmentBytes, std::uint64_t reserveBytes,
                             bool prepareAhead)
    : files_(files),
      directory_(std::move(directory)),
      segmentBytes_(segmentBytes),
      reserveBytes_(reserveBytes),
      prepareAhead_(prepareAhead) {
    if (prepareAhead_) thread_ = std::thread([this] { run(); });
}

SegmentSupply::~SegmentSupply() {
    stop();
    if (thread_.joinable()) thread_.join();
    // Recovery would remove it too; this gives the space back right away.
    if (ready_) (void)files_.unlink(ready_->path);
}

void SegmentSupply::stop() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
}

void SegmentSupply::onSpaceLow(std::function<void(bool)> listener) {
    {
        std::lock_guard lock(tellMutex_);
        listener_ = std::move(listener);
    }
    tell();
}

void SegmentSupply::setSpaceLow(bool low) {
    if (spaceLow_.exchange(low) != low) tell();
}

// The disk may have been full before anybody listened.
void SegmentSupply::tell() {
    std::lock_guard lock(tellMutex_);
    const bool low = spaceLow_;
    if (!listener_ || low == toldLow_) return;
    toldLow_ = low;
    listener_(low);
}

bool SegmentSupply::reserveTouched() {
    if (reserveBytes_ == 0) return false;
    const auto free = files_.freeBytes(directory_);
    return free && *free < reserveBytes_;
}

core::Result<PreparedSegment> SegmentSupply::prepare(std::uint64_t sizeBytes) {
    std::uint64_t number = 0;
    {
        std::lock_guard lock(mutex_);
        number = ++made_;
    }
    PreparedSegment made;
    made.path = directory_ / ("next-" + std::to_string(number) + std::string(kTemporarySuffix));
    made.sizeBytes = sizeBytes;
    TM_ASSIGN(made.file, files_.open(made.path, OpenMode::kReplace));
    auto allocated = made.file->allocate(0, sizeBytes);
    // Durable ahead of its use: the first sync of a frame then has less to do.
    if (allocated) allocated = made.file->sync();
    if (!allocated) {
        (void)files_.unlink(made.path);
        return core::fail(allocated.error());
    }
    return made;
}

core::Result<PreparedSegment> SegmentSupply::take(std::uint64_t bytesMin) {
    if (prepareAhead_ && bytesMin <= segmentBytes_) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ready_ || error_ || stopping_; });
        if (ready_) {
            auto taken = std::move(*ready_);
            ready_.reset();
            changed_.notify_all();
            return taken;
        }
        if (error_) return core::fail(*error_);
    }
    const auto sizeBytes = std::max(bytesMin, segmentBytes_);
    for (;;) {
        auto made = prepare(sizeBytes);
        if (made || made.error().kind != ErrorKind::kNoSpace) {
            if (made && !prepareAhead_) setSpaceLow(reserveTouched());
            return made;
        }
        setSpaceLow(true);
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, kRetryEvery, [&] { return stopping_; })) return made;
    }
}

void SegmentSupply::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_ && !error_) {
        if (ready_) {
            lock.unlock();
            setSpaceLow(reserveTouched());
            lock.lock();
            const auto changed = [&] { return stopping_ || !ready_; };
            if (reserveBytes_ != 0) {
                changed_.wait_for(lock, kLookEvery, changed);
            } else {
                changed_.wait(lock, changed);
            }
            continue;
        }
        lock.unlock();
        auto made = prepare(segmentBytes_);
        const bool full = !made && made.error().kind == ErrorKind::kNoSpace;
        if (full) setSpaceLow(true);
        lock.lock();
        if (made) {
            ready_ = std::move(*made);
        } else if (full) {
            changed_.wait_for(lock, kRetryEvery, [&] { return stopping_; });
        } else {
            error_ = made.error();
        }
        changed_.notify_all();
    }
}

}  // namespace tidemill::recovery
