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
                             SegmentSupplyOptions options)
    : files_(files), directory_(std::move(directory)), options_(std::move(options)) {}

void SegmentSupply::start(std::function<void(const core::Error&)> failed) {
    failed_ = std::move(failed);
    if (options_.prepareAhead) thread_ = std::thread([this] { run(); });
}

SegmentSupply::~SegmentSupply() {
    end();
    // Recovery would remove it too; this gives the space back right away.
    if (ready_ && (!options_.stillOurs || options_.stillOurs())) (void)files_.unlink(ready_->path);
}

void SegmentSupply::end() {
    stop();
    if (thread_.joinable()) thread_.join();
    std::lock_guard lock(reportMutex_);
    listener_ = nullptr;
}

void SegmentSupply::stop() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
}

void SegmentSupply::onSpaceLow(std::function<void(bool)> listener) {
    {
        std::lock_guard lock(reportMutex_);
        listener_ = std::move(listener);
    }
    report();
}

void SegmentSupply::setSpaceLow(bool low) {
    if (spaceLow_.exchange(low) != low) report();
}

// The disk may have been full before anybody listened.
void SegmentSupply::report() {
    std::lock_guard lock(reportMutex_);
    const bool low = spaceLow_;
    if (!listener_ || low == reportedLow_) return;
    reportedLow_ = low;
    listener_(low);
}

bool SegmentSupply::reserveTouched() {
    if (options_.reserveBytes == 0 && options_.reserveFiles == 0) return false;
    const auto space = files_.space(directory_);
    return space && (space->freeBytes < options_.reserveBytes ||
                     (space->totalFiles != 0 && space->freeFiles < options_.reserveFiles));
}

core::Result<PreparedSegment> SegmentSupply::prepare(std::uint64_t sizeBytes) {
    std::uint64_t number = 0;
    {
        std::lock_guard lock(mutex_);
        number = ++made_;
    }
    if (options_.stillOurs) TM_TRY(options_.stillOurs());
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
    if (options_.prepareAhead && bytesMin <= options_.segmentBytes) {
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
    const auto sizeBytes = std::max(bytesMin, options_.segmentBytes);
    for (;;) {
        auto made = prepare(sizeBytes);
        if (made || made.error().kind != ErrorKind::kNoSpace) {
            takeWaits_ = false;
            if (made && !options_.prepareAhead) setSpaceLow(reserveTouched());
            return made;
        }
        takeWaits_ = true;
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
            const auto ours = options_.stillOurs ? options_.stillOurs() : core::Result<>();
            if (ours) setSpaceLow(reserveTouched() || takeWaits_);
            lock.lock();
            if (!ours) {
                error_ = ours.error();
            } else {
                changed_.wait_for(lock, kLookEvery, [&] { return stopping_ || !ready_; });
            }
            continue;
        }
        lock.unlock();
        auto made = prepare(options_.segmentBytes);
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
    if (stopping_) return;
    const auto error = *error_;
    changed_.notify_all();
    lock.unlock();
    failed_(error);
}

}  // namespace tidemill::recovery
