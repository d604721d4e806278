// The write-ahead log as it is written: one thread groups what waits, writes it straight from
// the blocks, syncs once, and reports how far the log is durable. Format: docs/formats/wal.md.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/block_log.h"
#include "core/file_system.h"
#include "recovery/durable_witness.h"
#include "recovery/log_segments.h"
#include "recovery/log_start.h"
#include "recovery/segment_supply.h"
#include "recovery/stored_blocks.h"
#include "recovery/waiting_blocks.h"

namespace tidemill::recovery {

struct LogWriterOptions {
    // Size of a segment's file, 4 KiB or more. A larger frame gets a segment of its own size.
    std::uint64_t segmentBytes = 64 << 20;
    // Frames written and synced together: as many as fit, at least one.
    std::uint64_t groupBytesMax = 4 << 20;
    // Bytes, and files, to leave free on the disk; below it spaceLow() is true. 0: only a full disk
    // counts.
    std::uint64_t reserveBytes = 0;
    std::uint64_t reserveFiles = 0;
    WaitingBlocksLimits backlog;
    // Asked once a second, and before a segment gets its name: whether the directory is still ours
    // to write to. Its error ends the log. May be empty; must be thread-safe.
    std::function<core::Result<>()> stillOurs;
    // False: the next segment is prepared when it is needed, and the witness is written at rotation
    // and at the end only, by the writer's own thread, so that the order of all file operations is
    // fixed. For tests.
    bool prepareAhead = true;
};

// Thread safety: thread-safe.
class LogWriter final : public core::BlockLog {
public:
    // `lanes` are the positions in the state merged with those recovery found above it.
    static core::Result<std::unique_ptr<LogWriter>> open(core::FileSystem& files, LogStart start,
                                                         core::LanePositions lanes,
                                                         LogWriterOptions options = {});
    // Like close(), without its result.
    ~LogWriter() override;

    // Writes and syncs what is queued, then stops; later calls fail. When the disk is full and
    // what is queued does not fit into the present segment: kNoSpace, and it stays unwritten.
    core::Result<> close();

    Outcome append(core::BlockPtr block) override;
    core::Result<core::Lsn> appendRecord(const core::BatchRecord& record) override;
    std::string position(std::string_view lane) const override;
    std::size_t laneCount() const override;
    core::Lsn durable() const override;
    core::Lsn last() const override;
    bool idle() const override;
    core::Result<> waitDurable(core::Lsn lsn) override;
    void onDurable(std::function<void(core::Result<core::Lsn>)> listener) override;
    std::vector<core::BlockPtr> take(std::size_t bytesMax) override;
    bool storesBlocks() const override { return true; }
    std::size_t pendingBlocks() const override;
    core::Result<> trim(core::Lsn lsn) override;
    std::uint64_t sizeBytes() const override;
    std::uint64_t writtenBytes() const override;
    std::uint32_t epoch() const override { return epoch_; }

    // True while the disk has no room for the next segment or its reserve is touched. The log
    // still takes frames; sources should stop reading until it is false again.
    bool spaceLow() const { return supply_->spaceLow(); }
    // Called with spaceLow() when it changes, from a thread of the log, and at once when it is true
    // already; never after close(). Add before the first append; must return quickly.
    void onSpaceLow(std::function<void(bool)> listener) {
        supply_->onSpaceLow(std::move(listener));
    }

private:
    struct Queued {
        core::Lsn lsn;
        core::BlockPtr block;  // null: a batch record
        std::string record;
        std::uint64_t frameBytes = 0;
    };

    LogWriter(core::FileSystem& files, LogStart start, core::LanePositions lanes,
              LogWriterOptions options, std::unique_ptr<core::File> file);

    void holdWrites() override;
    void resumeWrites() override;

    void run();
    std::vector<Queued> nextGroup();
    core::Result<> write(const std::vector<Queued>& group);
    void awaitWork(std::unique_lock<std::mutex>& lock);
    void releaseMemory(std::span<const Queued> written);
    core::Result<> writePieces(std::span<const iovec> pieces, std::uint64_t bytes);
    core::Result<> rotate(core::Lsn firstLsn, std::uint64_t frameBytes);
    void published(core::Lsn lsn, std::uint64_t bytes);
    void latch(const core::Error& error);
    core::Result<> finishWitness();
    core::Result<> failure() const;  // mutex_ held

    core::FileSystem& files_;
    const core::Path directory_;
    const core::Path witnessPath_;
    const LogUuid uuid_;
    const std::uint32_t epoch_;
    const LogWriterOptions options_;
    const std::unique_ptr<SegmentSupply> supply_;
    std::unique_ptr<DurableWitness> witness_;

    // The writer thread's own.
    std::unique_ptr<core::File> file_;
    std::uint64_t offset_;
    std::uint64_t fileBytes_;
    std::uint32_t crcSeed_;
    const std::shared_ptr<SegmentFiles> segmentFiles_;
    std::shared_ptr<const StoredBlocks> storedBlocks_;  // of the present segment

    mutable std::mutex mutex_;
    std::condition_variable work_;      // wakes the writer
    std::condition_variable progress_;  // wakes waitDurable and close
    std::deque<Queued> queue_;
    WaitingBlocks waiting_;
    core::Lanes lanes_;
    core::Lsn last_;
    core::Lsn durable_;
    int holds_ = 0;
    bool writing_ = false;
    bool closing_ = false;
    std::optional<core::Error> error_;
    std::uint64_t writtenBytes_ = 0;
    std::vector<std::function<void(core::Result<core::Lsn>)>> listeners_;

    LogSegments segments_;

    std::mutex closeMutex_;
    std::thread thread_;
};

}  // namespace tidemill::recovery
