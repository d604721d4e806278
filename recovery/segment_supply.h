// Has the log's next segment ready, preallocated under a temporary name, so that rotation does
// not wait for the file system; and notices a full disk while the present segment has room left.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/file_system.h"

namespace tidemill::recovery {

struct PreparedSegment {
    std::unique_ptr<core::File> file;
    core::Path path;  // temporary
    std::uint64_t sizeBytes = 0;
};

// As in LogWriterOptions.
struct SegmentSupplyOptions {
    std::uint64_t segmentBytes = 0;
    std::uint64_t reserveBytes = 0;
    std::uint64_t reserveFiles = 0;
    std::function<core::Result<>()> stillOurs;
    bool prepareAhead = true;
};

// Thread safety: thread-safe, except where said.
class SegmentSupply {
public:
    SegmentSupply(core::FileSystem& files, core::Path directory, SegmentSupplyOptions options);
    ~SegmentSupply();

    // Call once, before take(). `failed` is called, at most once and from a thread of its own,
    // when no segment can be made any more, or the directory is no longer ours.
    void start(std::function<void(const core::Error&)> failed);

    // A prepared segment of at least `bytesMin` bytes. Waits while the disk is full: making a new
    // file is tried again and again, which retries no write or sync of anything acknowledged.
    // Errors: kIo; kNoSpace once stop() was called.
    core::Result<PreparedSegment> take(std::uint64_t bytesMin);

    // Ends waiting; the segment prepared ahead, if any, stays as a file for recovery to remove.
    void stop();
    // The same, and when it returns nobody is told anything any more.
    void end();

    bool spaceLow() const { return spaceLow_.load(std::memory_order_relaxed); }
    // Called with spaceLow() when it changes, and at once when it is true already.
    void onSpaceLow(std::function<void(bool)> listener);

private:
    void run();
    core::Result<PreparedSegment> prepare(std::uint64_t sizeBytes);
    bool reserveTouched();
    void setSpaceLow(bool low);
    void report();

    core::FileSystem& files_;
    const core::Path directory_;
    const SegmentSupplyOptions options_;
    std::function<void(const core::Error&)> failed_;
    std::atomic<bool> spaceLow_{false};
    std::atomic<bool> takeWaits_{false};  // for room for a segment, though one may be ready

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<PreparedSegment> ready_;
    std::optional<core::Error> error_;
    std::uint64_t made_ = 0;  // temporary files made, for their names
    bool stopping_ = false;

    std::mutex reportMutex_;  // held while the listener is called
    bool reportedLow_ = false;
    std::function<void(bool)> listener_;

    std::thread thread_;
};

}  // namespace tidemill::recovery
