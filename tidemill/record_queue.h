// RecordQueue<T>: an input that the program fills itself, for queueStream.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/value_codec.h"
#include "sources/queue_source.h"
#include "tidemill/job.h"

namespace tidemill {

// Feeds one stream: queueStream refuses it while another stream that has not ended reads it. What
// no batch has taken then is there for the next one.
// Thread safety: thread-safe. May be filled before and while the job runs; copies share one queue.
template <class T>
class RecordQueue {
public:
    // Queues the elements that one batch will take; what is more than a batch may hold
    // (StreamingOptions::maxBatchBytes) comes in the next ones. Throws std::invalid_argument, and
    // queues nothing, when an element has more than 64 MiB - 4 bytes as it is stored.
    void push(const std::vector<T>& elements) {
        auto records = encode(elements, "RecordQueue::push");
        std::lock_guard lock(shared_->mutex);
        if (shared_->source) shared_->source->push(std::move(records));
        else shared_->early.push_back(std::move(records));
    }

    // Of what was pushed, how much no batch has taken yet.
    std::size_t queued() const {
        std::lock_guard lock(shared_->mutex);
        return shared_->source ? shared_->source->queued() : shared_->early.size();
    }

    // For queueStream: how the job reads this queue. Throws std::invalid_argument when another
    // stream reads it, and as push does.
    SourceDeclaration declare(const Job& job, bool oneAtATime,
                              std::optional<std::vector<T>> byDefault) const {
        std::optional<sources::QueuedRecords> standing;
        if (byDefault) standing = encode(*byDefault, "queueStream: the default");
        SourceDeclaration declaration;
        declaration.kind = "queueStream";
        declaration.elements = core::ValueCodec<T>::signature();
        declaration.description = "queueStream of " + declaration.elements;
        declaration.framing = core::Framing::kPrefixed;
        declaration.isText = false;
        const auto reader = becomeReader(job, "source " + std::to_string(job.sources.size()) +
                                                  " (" + declaration.description + ")");
        declaration.receive = [shared = shared_, reader, oneAtATime,
                               standing = std::move(standing)](const SourceEnvironment& environment)
            -> core::Result<std::shared_ptr<core::Source>> {
            auto source =
                std::make_shared<sources::QueueSource>(environment.id, oneAtATime, standing);
            source->connect(environment.log);
            std::lock_guard lock(shared->mutex);
            for (auto& records : shared->early) source->push(std::move(records));
            shared->early.clear();
            shared->source = reader->source = source;
            return source;
        };
        return declaration;
    }

private:
    // Lives as long as the job of the stream.
    struct Reader {
        std::string name;
        const Job* job = nullptr;                      // to be compared only
        std::shared_ptr<sources::QueueSource> source;  // once the job has started
    };
    struct Shared {
        std::mutex mutex;
        std::deque<sources::QueuedRecords> early;
        std::shared_ptr<sources::QueueSource> source;
        std::weak_ptr<Reader> reader;
    };

    std::shared_ptr<Reader> becomeReader(const Job& job, std::string name) const {
        std::lock_guard lock(shared_->mutex);
        const bool ended = shared_->source && shared_->source->hasStopped();
        if (const auto other = shared_->reader.lock(); other && !ended)
            throw std::invalid_argument(
                "queueStream: the RecordQueue that " + name +
                " is to read feeds another stream already, " + other->name +
                (other->job == &job ? "" : " of another StreamingContext") +
                ", and each of them would lose what the other takes; give every stream a queue of "
                "its own, or read one stream as often as you like");
        if (shared_->source) shared_->early = shared_->source->takeQueued();
        shared_->source = nullptr;
        auto reader = std::make_shared<Reader>();
        reader->name = std::move(name);
        reader->job = &job;
        shared_->reader = reader;
        return reader;
    }

    static sources::QueuedRecords encode(const std::vector<T>& elements, const char* what) {
        sources::QueuedRecords records;
        std::string bytes;
        for (const T& element : elements) {
            bytes.clear();
            core::ValueCodec<T>::encode(element, bytes);
            if (bytes.size() > sources::kQueuedRecordBytesMax)
                throw std::invalid_argument(
                    std::string(what) + ": element " + std::to_string(records.records() + 1) +
                    " of " + std::to_string(elements.size()) + " has " +
                    std::to_string(bytes.size()) +
                    " bytes, more than can be logged as one record (" +
                    std::to_string(sources::kQueuedRecordBytesMax) + "); cut it into smaller ones");
            records.add(bytes);
        }
        return records;
    }

    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace tidemill
