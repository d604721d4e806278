// The stream of elements that a program queued itself.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "core/block.h"
#include "core/byte_codec.h"
#include "core/inputs/log_input.h"
#include "core/progress_marker.h"
#include "core/stream_node.h"
#include "core/value_codec.h"

namespace tidemill::core {

template <class T>
class QueueInputNode final : public RootNode<T> {
public:
    explicit QueueInputNode(SourceId source) : RootNode<T>("queueStream"), source_(source) {}

    bool holdsElements() const override { return false; }

    std::uint32_t partitions(BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }

    bool probes() const override { return true; }

    void scan(TaskContext& task, BatchRun& run, Sink<T>& sink) override {
        std::vector<T> chunk;
        scanBlocks(
            task, run, source_, sink,
            [&](const Block& block, std::string_view bytes, std::size_t begin, std::size_t end) {
                const auto piece = bytes.substr(begin, end - begin);
                const auto& skipped = run.record().skippedByOption;
                const bool whole =
                    task.probe == nullptr && task.marker == nullptr &&
                    std::none_of(skipped.begin(), skipped.end(),
                                 [&](const auto& place) { return place.lsn == block.lsn(); });
                if (whole) push(piece, chunk, sink);
                else
                    pushOneByOne({block.lsn(), recordsIn(bytes.substr(0, begin))}, piece,
                                 run.record(), task, sink);
                return sink.wanted() != 0;
            });
    }

private:
    [[gnu::always_inline]] static T next(ByteReader& in, std::size_t sizeBytesMax) {
        const auto record = in.string(sizeBytesMax);
        if (!in.ok())
            throw TaskFailure(
                Error{ErrorKind::kCorrupt, "a block of queued records does not parse"});
        T value{};
        orThrow(ValueCodec<T>::decode(record, value));
        return value;
    }

    static void push(std::string_view bytes, std::vector<T>& chunk, Sink<T>& sink) {
        ByteReader in(bytes);
        while (!in.finished()) {
            chunk.clear();
            const std::size_t wanted = std::min(sink.wanted(), kChunkElements);
            if (wanted == 0) return;
            while (chunk.size() < wanted && !in.finished()) chunk.push_back(next(in, bytes.size()));
            sink.take(chunk);
        }
    }

    static std::uint32_t recordsIn(std::string_view bytes) {
        std::uint32_t count = 0;
        for (ByteReader in(bytes); !in.finished() && in.ok(); ++count)
            (void)in.string(bytes.size());
        return count;
    }

    // Without the records that the batch leaves out. `place`: of the record before.
    static void pushOneByOne(RecordPlace place, std::string_view bytes, const BatchRecord& record,
                             const TaskContext& task, Sink<T>& sink) {
        ByteReader in(bytes);
        while (!in.finished()) {
            if (sink.wanted() == 0 ||
                (task.probe != nullptr && task.probe->seen == task.probe->limit))
                return;
            T value = next(in, bytes.size());
            ++place.line;
            if (std::binary_search(record.skippedByOption.begin(), record.skippedByOption.end(),
                                   place))
                continue;
            if (task.probe != nullptr) {
                ++task.probe->seen;
                task.probe->last = place;
            }
            if (task.marker != nullptr) task.marker->record(place);
            sink.take(std::span(&value, 1));
        }
    }

    SourceId source_;
};

}  // namespace tidemill::core
