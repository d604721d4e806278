// What tasks collected, put back into the order of the stream.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/stream_node.h"

namespace tidemill::core {

// Thread safety: open() by all tasks; the rest between stages, by the scheduler's thread.
template <class T>
class Collected {
public:
    std::unique_ptr<Sink<T>> open(TaskContext& task) {
        std::lock_guard lock(mutex_);
        parts_.push_back(std::make_unique<Part>());
        parts_.back()->order = task.order();
        return std::make_unique<AppendSink<T>>(parts_.back()->elements);
    }

    // One vector per task and way, in the order of the stream.
    std::vector<std::vector<T>> take() {
        std::sort(parts_.begin(), parts_.end(),
                  [](const auto& a, const auto& b) { return a->order < b->order; });
        std::vector<std::vector<T>> all;
        for (auto& part : parts_) all.push_back(std::move(part->elements));
        parts_.clear();
        return all;
    }

    void clear() { parts_.clear(); }

private:
    struct Part {
        TaskOrder order;
        std::vector<T> elements;
    };
    std::mutex mutex_;
    std::vector<std::unique_ptr<Part>> parts_;
};

// Pushes elements [begin, end) of `from` into `sink` as copies, as long as it wants any.
template <class T>
void pushCopies(const std::vector<T>& from, std::size_t begin, std::size_t end, Sink<T>& sink) {
    std::vector<T> chunk;
    while (begin < end) {
        const std::size_t count = std::min({kChunkElements, end - begin, sink.wanted()});
        if (count == 0) return;
        const auto first = from.begin() + static_cast<std::ptrdiff_t>(begin);
        chunk.assign(first, first + static_cast<std::ptrdiff_t>(count));
        sink.take(chunk);
        begin += count;
    }
}

}  // namespace tidemill::core
