#include "sources/queue_source.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/buffer_pool.h"
#include "core/check.h"
#include "core/connection_number.h"
#include "core/logging.h"

namespace tidemill::sources {
namespace {

// More than that becomes several blocks; one record is never cut.
constexpr std::size_t kBlockBytesMax = 4 << 20;
static_assert(kQueuedRecordBytesMax == core::BufferPool::kLargestBytes - 4);

std::uint32_t lengthAt(std::string_view bytes) {
    std::uint32_t length = 0;
    for (unsigned i = 0; i < 4; ++i)
        length |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return length;
}

}  // namespace

void QueuedRecords::add(std::string_view record) {
    if (record.size() > kQueuedRecordBytesMax)
        throw std::invalid_argument("an element of a queue takes " + std::to_string(record.size()) +
                                    " bytes; at most " + std::to_string(kQueuedRecordBytesMax) +
                                    " can be logged as one record");
    for (unsigned i = 0; i < 4; ++i) bytes_ += static_cast<char>(record.size() >> (8 * i));
    bytes_ += record;
    ++records_;
}

QueueSource::QueueSource(core::SourceId source, bool oneAtATime,
                         std::optional<QueuedRecords> byDefault)
    : source_(source), oneAtATime_(oneAtATime), default_(std::move(byDefault)) {}

void QueueSource::push(QueuedRecords records) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(records));
}

std::size_t QueueSource::queued() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
}

std::deque<QueuedRecords> QueueSource::takeQueued() {
    std::lock_guard lock(mutex_);
    return std::exchange(queue_, {});
}

bool QueueSource::hasStopped() const {
    std::lock_guard lock(mutex_);
    return stopped_ && !running_;
}

bool QueueSource::waits() const {
    std::lock_guard lock(mutex_);
    return running_ && stopped_ && !paused_;
}

void QueueSource::connect(core::BlockLog& log) {
    std::lock_guard lock(mutex_);
    log_ = &log;
}

void QueueSource::atBatchTime(BatchTime) {
    std::lock_guard lock(mutex_);
    if (!running_ || paused_) return;
    if (queue_.empty()) {
        if (default_) append(*default_);
        return;
    }
    do {
        append(queue_.front());
        queue_.pop_front();
        if (stopped_ && --toDrain_ == 0) running_ = false;
    } while (running_ && !oneAtATime_ && !queue_.empty());
}

void QueueSource::append(const QueuedRecords& records) {
    std::string_view rest = records.bytes();
    while (!rest.empty()) {
        std::size_t size = 0;
        std::uint32_t count = 0;
        do {
            size += 4 + lengthAt(rest.substr(size));
            ++count;
        } while (size < rest.size() && size + 4 + lengthAt(rest.substr(size)) <= kBlockBytesMax);
        core::Buffer buffer =
            core::Buffer::unpooled(std::max(size, core::BufferPool::kSmallestBytes));
        std::memcpy(buffer.data(), rest.data(), size);
        core::BlockOrigin origin;
        origin.source = source_;
        origin.connection = core::queueConnection(log_->epoch(), source_);
        origin.firstLine = nextLine_;
        origin.lines = count;
        const auto outcome =
            log_->append(std::make_shared<core::Block>(std::move(buffer), size, origin));
        if (outcome != core::BlockLog::Outcome::kQueued) {
            core::logError("queue source " + core::toString(source_) +
                           ": the log takes nothing more");
            running_ = false;
            return;
        }
        nextLine_ += count;
        statistics_.records += count;
        statistics_.bytes += size;
        rest.remove_prefix(size);
    }
}

core::Result<> QueueSource::start() {
    std::lock_guard lock(mutex_);
    TM_CHECK(log_ != nullptr, "a queue source was started before it was connected to a log");
    running_ = true;
    return {};
}

void QueueSource::pause() {
    std::lock_guard lock(mutex_);
    paused_ = true;
}

void QueueSource::resume() {
    std::lock_guard lock(mutex_);
    paused_ = false;
}

void QueueSource::stop(bool graceful) {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    toDrain_ = graceful && running_ ? queue_.size() : 0;
    if (toDrain_ == 0) running_ = false;
}

core::SourceStatistics QueueSource::statistics() const {
    std::lock_guard lock(mutex_);
    return statistics_;
}

}  // namespace tidemill::sources
