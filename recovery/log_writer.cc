#include "recovery/log_writer.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/failpoint.h"
#include "core/mutant.h"
#include "recovery/batch_record_codec.h"
#include "recovery/frame_group.h"
#include "recovery/segment.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

tl::unexpected<core::Error> closedError() {
    return core::fail(ErrorKind::kConflict, "the log is closed");
}

}  // namespace

core::Result<std::unique_ptr<LogWriter>> LogWriter::open(core::FileSystem& files, LogStart start,
                                                         core::LanePositions lanes,
                                                         LogWriterOptions options) {
    if (options.segmentBytes < kSegmentBytesMin)
        return core::fail(ErrorKind::kInvalid,
                          "log segments are at least " + std::to_string(kSegmentBytesMin) +
                              " bytes, not " + std::to_string(options.segmentBytes));
    TM_CHECK(!start.segments.empty(), "a log is opened without a segment");
    const auto& last = start.segments.back();
    TM_ASSIGN(auto file,
              files.open(start.directory / toString(SegmentName{last.firstLsn, last.epoch}),
                         core::OpenMode::kReadWrite));
    std::unique_ptr<LogWriter> writer(
        new LogWriter(files, std::move(start), std::move(lanes), options, std::move(file)));
    auto* raw = writer.get();
    const auto failed = [raw](const core::Error& error) { raw->latch(error); };
    TM_ASSIGN(writer->witness_, DurableWitness::open(files, writer->witnessPath_, writer->uuid_,
                                                     writer->epoch_, options.prepareAhead, failed));
    writer->supply_->start(failed);
    writer->thread_ = std::thread([raw] { raw->run(); });
    return writer;
}

LogWriter::LogWriter(core::FileSystem& files, LogStart start, core::LanePositions lanes,
                     LogWriterOptions options, std::unique_ptr<core::File> file)
    : files_(files),
      directory_(start.directory),
      witnessPath_(start.witness),
      uuid_(start.uuid),
      epoch_(start.epoch),
      options_(options),
      supply_(std::make_unique<SegmentSupply>(
          files, start.directory,
          SegmentSupplyOptions{options.segmentBytes, options.reserveBytes, options.reserveFiles,
                               options.stillOurs, options.prepareAhead})),
      file_(std::move(file)),
      offset_(start.appendOffset),
      fileBytes_(start.segments.back().sizeBytes),
      crcSeed_(frameSeed(start.uuid, start.epoch)),
      segmentFiles_(std::make_shared<SegmentFiles>(files, start.directory, start.uuid)),
      storedBlocks_(std::make_shared<StoredBlocks>(
          segmentFiles_, SegmentName{start.segments.back().firstLsn, start.segments.back().epoch})),
      waiting_(options.backlog, start.pending),
      lanes_(std::move(lanes)),
      last_(start.last),
      durable_(start.last),
      segments_(files, start.directory, start.segments) {}

LogWriter::~LogWriter() { (void)close(); }

core::Result<> LogWriter::close() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
        work_.notify_all();
    }
    supply_->stop();
    {
        std::lock_guard lock(closeMutex_);
        if (thread_.joinable()) thread_.join();
        supply_->end();
        if (witness_) {
            if (auto finished = finishWitness(); !finished) latch(finished.error());
            witness_->stop();
        }
    }
    std::lock_guard lock(mutex_);
    progress_.notify_all();
    if (error_) return core::fail(*error_);
    return {};
}

core::BlockLog::Outcome LogWriter::append(core::BlockPtr block) {
    const auto& origin = block->origin();
    TM_CHECK(origin.lane.size() <= core::kLaneBytesMax, "a lane's name is too long to log");
    TM_CHECK(std::max(origin.from.size(), origin.to.size()) <= core::kPositionBytesMax,
             "a lane's position is too long to log");
    const auto payload = blockOriginBytes(origin) + block->sizeBytes();
    TM_CHECK(payload <= kFramePayloadBytesMax, "a block is too large to log");
    std::lock_guard lock(mutex_);
    if (error_ || closing_) return Outcome::kFailed;
    if (!lanes_.advance(origin) && !TM_MUTANT(appended_without_compare)) return Outcome::kStale;
    last_ = last_.next();
    block->setLsn(last_);
    waiting_.add(block);
    queue_.push_back({last_, std::move(block), {}, frameBytes(payload)});
    if (holds_ == 0) work_.notify_one();
    return Outcome::kQueued;
}

core::Result<Lsn> LogWriter::appendRecord(const core::BatchRecord& record) {
    auto bytes = encodeBatchRecord(record);
    if (bytes.size() > kFramePayloadBytesMax)
        return core::fail(ErrorKind::kInvalid,
                          "record of batch " + toString(record.batch) +
                              " is too large: bytes=" + std::to_string(bytes.size()) +
                              " maximum=" + std::to_string(kFramePayloadBytesMax));
    std::lock_guard lock(mutex_);
    TM_TRY(failure());
    if (closing_) return closedError();
    last_ = last_.next();
    const auto size = frameBytes(bytes.size());
    queue_.push_back({last_, nullptr, std::move(bytes), size});
    if (holds_ == 0) work_.notify_one();
    return last_;
}

void LogWriter::holdWrites() {
    if (TM_MUTANT(record_apart_from_its_blocks)) return;
    std::lock_guard lock(mutex_);
    ++holds_;
}

void LogWriter::resumeWrites() {
    if (TM_MUTANT(record_apart_from_its_blocks)) return;
    std::lock_guard lock(mutex_);
    if (--holds_ == 0) work_.notify_one();
}

std::string LogWriter::position(std::string_view lane) const {
    std::lock_guard lock(mutex_);
    return lanes_.position(lane);
}

std::size_t LogWriter::laneCount() const {
    std::lock_guard lock(mutex_);
    return lanes_.size();
}

Lsn LogWriter::durable() const {
    std::lock_guard lock(mutex_);
    return durable_;
}

Lsn LogWriter::last() const {
    std::lock_guard lock(mutex_);
    return last_;
}

bool LogWriter::idle() const {
    std::lock_guard lock(mutex_);
    return queue_.empty() && !writing_;
}

core::Result<> LogWriter::failure() const {
    if (error_) return core::fail(*error_);
    return {};
}

core::Result<> LogWriter::waitDurable(Lsn lsn) {
    std::unique_lock lock(mutex_);
    TM_CHECK(lsn <= last_, "an LSN is waited for that was never given out");
    // A log that was closed in order has written all; one that failed has its error.
    progress_.wait(lock, [&] { return durable_ >= lsn || error_; });
    if (durable_ >= lsn) return {};
    return failure();
}

void LogWriter::onDurable(std::function<void(core::Result<Lsn>)> listener) {
    std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
}

std::vector<core::BlockPtr> LogWriter::take(std::size_t bytesMax) {
    std::lock_guard lock(mutex_);
    auto taken = waiting_.take(bytesMax, durable_);
    if (waiting_.releaseFrom() && waiting_.size() != 0) work_.notify_one();
    return taken;
}

// Before anybody is told that they are durable, so that no batch runs on them yet.
void LogWriter::releaseMemory(std::span<const Queued> written) {
    {
        std::lock_guard lock(mutex_);
        if (!waiting_.mayRelease()) return;
    }
    for (const auto& queued : written)
        if (queued.block && queued.block->memoryIsScarce()) queued.block->release();
}

std::size_t LogWriter::pendingBlocks() const {
    std::lock_guard lock(mutex_);
    return waiting_.size();
}

std::uint64_t LogWriter::sizeBytes() const { return segments_.sizeBytes(); }

std::uint64_t LogWriter::writtenBytes() const {
    std::lock_guard lock(mutex_);
    return writtenBytes_;
}

core::Result<> LogWriter::trim(Lsn lsn) {
    core::ActivityScope activity(core::Activity::kTrim);
    {
        std::lock_guard lock(mutex_);
        TM_TRY(failure());
    }
    return segments_.trim(lsn);
}

void LogWriter::run() {
    for (;;) {
        std::vector<Queued> group;
        {
            std::unique_lock lock(mutex_);
            writing_ = false;
            awaitWork(lock);
            if (queue_.empty() || error_) return;
            group = nextGroup();
            writing_ = true;
        }
        core::ActivityScope activity(core::Activity::kLog);
        if (auto written = write(group); !written) return latch(written.error());
    }
}

// Meanwhile gives back what waits for a batch, once its time has come: with all memory in use
// nothing more is received, so that nothing else would.
void LogWriter::awaitWork(std::unique_lock<std::mutex>& lock) {
    const auto ready = [&] { return closing_ || error_ || (!queue_.empty() && holds_ == 0); };
    for (;;) {
        waiting_.releaseIfDue(durable_);
        if (ready()) return;
        if (const auto from = waiting_.releaseFrom()) work_.wait_until(lock, *from);
        else work_.wait(lock);
    }
}

std::vector<LogWriter::Queued> LogWriter::nextGroup() {
    std::vector<Queued> group;
    std::uint64_t bytes = 0;
    while (!queue_.empty() &&
           (group.empty() || bytes + queue_.front().frameBytes <= options_.groupBytesMax)) {
        bytes += queue_.front().frameBytes;
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    return group;
}

core::Result<> LogWriter::write(const std::vector<Queued>& group) {
    // What a segment's header vouches for is durable, so a write never spans two segments.
    for (std::size_t next = 0; next < group.size();) {
        if (fileBytes_ - std::min(offset_, fileBytes_) < group[next].frameBytes)
            TM_TRY(rotate(group[next].lsn, group[next].frameBytes));
        const Lsn knownDurable(group[next].lsn.value - 1);
        std::size_t count = 0;
        std::size_t framingBytes = 0;
        std::uint64_t bytes = 0;
        for (; next + count < group.size(); ++count) {
            const auto& queued = group[next + count];
            if (offset_ + bytes + queued.frameBytes > fileBytes_) break;
            bytes += queued.frameBytes;
            framingBytes +=
                frameBytes(queued.block ? blockOriginBytes(queued.block->origin()) : 0) +
                kFrameAlignment;
        }
        FrameGroup frames(framingBytes, count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto& queued = group[next + i];
            FrameHeader header;
            header.type = queued.block ? FrameType::kData : FrameType::kBatchRecord;
            header.lsn = queued.lsn;
            header.knownDurable = knownDurable;
            if (queued.block)
                frames.add(header, encodeBlockOrigin(queued.block->origin()),
                           queued.block->bytesInMemory(), crcSeed_);
            else frames.add(header, {}, queued.record, crcSeed_);
        }
        const std::span written(group.data() + next, count);
        auto frameOffset = offset_;
        if (TM_MUTANT(acknowledged_before_written)) published(group[next + count - 1].lsn, 0);
        TM_TRY(writePieces(frames.pieces(), bytes));
        for (const auto& queued : written) {
            if (queued.block) queued.block->stored(storedBlocks_, frameOffset);
            frameOffset += queued.frameBytes;
        }
        releaseMemory(written);
        next += count;
        published(group[next - 1].lsn, bytes);
    }
    return {};
}

core::Result<> LogWriter::writePieces(std::span<const iovec> pieces, std::uint64_t bytes) {
    TM_FAILPOINT("wal.beforeAppend");
    if (core::failpoint::armed.load(std::memory_order_relaxed)) {
        // In two halves, so that a kill in between leaves a frame whose bytes are missing.
        const std::size_t half = (pieces.size() + 1) / 2;
        std::uint64_t written = 0;
        for (const auto& piece : pieces.first(half)) written += piece.iov_len;
        TM_TRY(file_->writeAt(offset_, pieces.first(half)));
        TM_FAILPOINT("wal.midAppend");
        TM_TRY(file_->writeAt(offset_ + written, pieces.subspan(half)));
    } else {
        TM_TRY(file_->writeAt(offset_, pieces));
    }
    TM_FAILPOINT("wal.afterAppend");
    auto synced = TM_MUTANT(log_not_synced) ? core::Result<>() : file_->sync();
    if (!synced && TM_MUTANT(sync_tried_again)) synced = file_->sync();
    TM_TRY(std::move(synced));
    TM_FAILPOINT("wal.afterFsync");
    offset_ += bytes;
    return {};
}

core::Result<> LogWriter::rotate(Lsn firstLsn, std::uint64_t frameBytes) {
    TM_ASSIGN(auto next, supply_->take(kSegmentHeaderBytes + frameBytes));
    if (options_.stillOurs) TM_TRY(options_.stillOurs());
    TM_TRY(finishWitness());
    const SegmentName name{firstLsn, epoch_};
    const auto header = encodeSegmentHeader({uuid_, epoch_, firstLsn, Lsn(firstLsn.value - 1)});
    TM_TRY(next.file->writeAt(0, header));
    TM_TRY(next.file->sync());
    TM_FAILPOINT("wal.rotate.afterCreate");
    TM_TRY(files_.rename(next.path, directory_ / toString(name)));
    TM_FAILPOINT("wal.rotate.beforeDirSync");
    if (!TM_MUTANT(segment_name_not_synced)) TM_TRY(files_.syncDirectory(directory_));
    file_ = std::move(next.file);
    offset_ = kSegmentHeaderBytes;
    fileBytes_ = next.sizeBytes;
    storedBlocks_ = std::make_shared<StoredBlocks>(segmentFiles_, name);
    segments_.add({epoch_, firstLsn, fileBytes_});
    return {};
}

// Nothing is written beside a directory that may be another's by now.
core::Result<> LogWriter::finishWitness() {
    {
        std::lock_guard lock(mutex_);
        TM_TRY(failure());
    }
    return witness_->finish();
}

void LogWriter::published(Lsn lsn, std::uint64_t bytes) {
    witness_->advance(lsn);
    // A batch may be recorded anew before everybody has begun to listen.
    std::vector<std::function<void(core::Result<Lsn>)>> listeners;
    {
        std::lock_guard lock(mutex_);
        listeners = listeners_;
        durable_ = lsn;
        writtenBytes_ += bytes;
        // The listeners may look at idle().
        if (queue_.empty() && lsn == last_) writing_ = false;
        progress_.notify_all();
    }
    for (const auto& listener : listeners) listener(lsn);
}

void LogWriter::latch(const core::Error& error) {
    std::vector<std::function<void(core::Result<Lsn>)>> listeners;
    {
        std::lock_guard lock(mutex_);
        if (error_) return;
        listeners = listeners_;
        error_ = error;
        writing_ = false;
        work_.notify_all();
        progress_.notify_all();
    }
    for (const auto& listener : listeners) listener(core::fail(error));
}

}  // namespace tidemill::recovery
