// RecordQueue<T>: an input that the program fills itself, for queueStream.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/value_codec.h"
#include "sources/queue_source.h"
#include "tidemill/job.h"

namespace tidemill {

// Thread safety: thread-safe. May be filled before and while the job runs; copies share one queue.
template <class T>
class RecordQueue {
public:
    // Queues the elements that one batch will take.
    void push(const std::vector<T>& elements) {
        std::lock_guard lock(shared_->mutex);
        if (shared_->source)
            shared_->source->push(encode(elements));
        else
            shared_->early.push_back(encode(elements));
    }

    // Of what was pushed, how much no batch has taken yet.
    std::size_t queued() const {
        std::lock_guard lock(shared_->mutex);
        return shared_->source ? shared_->source->queued() : shared_->early.size();
    }

    // For queueStream: how the job reads this queue.
    SourceDeclaration declare(bool oneAtATime, std::optional<std::vector<T>> byDefault) const {
        SourceDeclaration declaration;
        declaration.kind = declaration.description = "queueStream";
        declaration.framing = core::Framing::kPrefixed;
        declaration.receive = [shared = shared_, oneAtATime, byDefault = std::move(byDefault)](
                                  const SourceEnvironment& environment)
            -> core::Result<std::shared_ptr<core::Receiver>> {
            std::optional<sources::QueuedRecords> standing;
            if (byDefault) standing = encode(*byDefault);
            auto source = std::make_shared<sources::QueueSource>(environment.id, oneAtATime,
                                                                 std::move(standing));
            source->connect(environment.log);
            std::lock_guard lock(shared->mutex);
            for (auto& records : shared->early) source->push(std::move(records));
            shared->early.clear();
            shared->source = source;
            return source;
        };
        declaration.poll = [shared = shared_](BatchTime time) { shared->source->poll(time); };
        return declaration;
    }

private:
    struct Shared {
        std::mutex mutex;
        std::deque<sources::QueuedRecords> early;
        std::shared_ptr<sources::QueueSource> source;
    };

    static sources::QueuedRecords encode(const std::vector<T>& elements) {
        sources::QueuedRecords records;
        std::string bytes;
        for (const T& element : elements) {
            bytes.clear();
            core::ValueCodec<T>::encode(element, bytes);
            records.add(bytes);
        }
        return records;
    }

    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace tidemill
