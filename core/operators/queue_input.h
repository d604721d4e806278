// The stream of elements that a program queued itself.
#pragma once

#include <vector>

#include "core/block.h"
#include "core/byte_codec.h"
#include "core/operators/log_input.h"
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

    void scan(TaskContext& task, BatchRun& run, Sink<T>& sink) override {
        std::vector<T> chunk;
        scanBlocks(task, run, source_, sink,
                   [&](const Block&, std::string_view bytes, std::size_t begin, std::size_t end) {
                       push(bytes.substr(begin, end - begin), chunk, sink);
                       return sink.wanted() != 0;
                   });
    }

private:
    static void push(std::string_view bytes, std::vector<T>& chunk, Sink<T>& sink) {
        ByteReader in(bytes);
        while (!in.finished()) {
            chunk.clear();
            const std::size_t wanted = std::min(sink.wanted(), kChunkElements);
            if (wanted == 0) return;
            while (chunk.size() < wanted && !in.finished()) {
                const auto record = in.string(bytes.size());
                if (!in.ok())
                    throw TaskFailure(
                        Error{ErrorKind::kCorrupt, "a block of queued records does not parse"});
                T value{};
                orThrow(ValueCodec<T>::decode(record, value));
                chunk.push_back(std::move(value));
            }
            sink.take(chunk);
        }
    }

    SourceId source_;
};

}  // namespace tidemill::core
