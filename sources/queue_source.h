// An input that a program or test fills itself: what it takes at a batch time goes through the
// log like received records.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/block_log.h"
#include "core/ids.h"
#include "core/source.h"
#include "core/time.h"

namespace tidemill::sources {

// With its length in front it fills a block.
inline constexpr std::size_t kQueuedRecordBytesMax = (64 << 20) - 4;

// Encoded records in Framing::kPrefixed.
class QueuedRecords {
public:
    // Throws std::invalid_argument for a record that fits into no block.
    void add(std::string_view record);
    std::string_view bytes() const { return bytes_; }
    std::uint32_t records() const { return records_; }

private:
    std::string bytes_;
    std::uint32_t records_ = 0;
};

// Thread safety: thread-safe.
class QueueSource final : public core::Source {
public:
    // At each batch time one queued element is taken, or all of them; when none is queued,
    // `byDefault`, if there is one.
    explicit QueueSource(core::SourceId source, bool oneAtATime = true,
                         std::optional<QueuedRecords> byDefault = std::nullopt);

    void push(QueuedRecords records);
    std::size_t queued() const;
    // What is queued, for another source to take over; nothing is queued here then.
    std::deque<QueuedRecords> takeQueued();
    // stop() was called, and nothing is taken any more.
    bool hasStopped() const;

    // The log to append to, which must outlive the running source. Call before start().
    void connect(core::BlockLog& log);

    core::Result<> start() override;
    // Takes what the batch of this time takes and appends it. Nothing happens before start() and
    // after stop().
    void atBatchTime(BatchTime time) override;
    // What is queued stays queued meanwhile.
    void pause() override;
    void resume() override;
    // Gracefully: what is queued now is taken at the batch times that come; what is queued later
    // stays queued. Else all of it does.
    void stop(bool graceful) override;
    bool waits() const override;
    core::SourceStatistics statistics() const override;

private:
    void append(const QueuedRecords& records);

    const core::SourceId source_;
    const bool oneAtATime_;
    const std::optional<QueuedRecords> default_;
    mutable std::mutex mutex_;
    core::BlockLog* log_ = nullptr;
    std::deque<QueuedRecords> queue_;
    std::uint64_t nextLine_ = 1;
    bool running_ = false;
    bool stopped_ = false;
    std::size_t toDrain_ = 0;  // pushes that a graceful stop still takes
    bool paused_ = false;
    core::SourceStatistics statistics_;
};

}  // namespace tidemill::sources
