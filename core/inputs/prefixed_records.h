// Scanning logged records of Framing::kPrefixed: what streams of queues and of Kafka share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/byte_codec.h"
#include "core/inputs/log_input.h"

namespace tidemill::core {
namespace prefixed_detail {

[[gnu::always_inline]] inline std::string_view next(ByteReader& in) {
    const auto record = in.string(in.left());
    if (!in.ok())
        throw TaskFailure(Error{ErrorKind::kCorrupt, "a block of logged records does not parse"});
    return record;
}

template <class T, class Decode>
void push(std::string_view bytes, Decode& decode, std::vector<T>& chunk, Sink<T>& sink) {
    ByteReader in(bytes);
    while (!in.finished()) {
        chunk.clear();
        const std::size_t wanted = std::min(sink.wanted(), kChunkElements);
        if (wanted == 0) return;
        while (chunk.size() < wanted && !in.finished()) chunk.push_back(decode(next(in)));
        sink.take(chunk);
    }
}

// Without the records that the batch leaves out. `place`: of the record before.
template <class T, class Decode>
void pushOneByOne(RecordPlace place, std::string_view bytes, const BatchRecord& record,
                  const TaskContext& task, Decode& decode, Sink<T>& sink) {
    ByteReader in(bytes);
    while (!in.finished()) {
        if (sink.wanted() == 0 || (task.probe != nullptr && task.probe->seen == task.probe->limit))
            return;
        T value = decode(next(in));
        ++place.line;
        if (std::binary_search(record.skippedByOption.begin(), record.skippedByOption.end(), place))
            continue;
        if (task.probe != nullptr) {
            ++task.probe->seen;
            task.probe->last = place;
        }
        if (task.marker != nullptr) task.marker->record(place);
        sink.take(std::span(&value, 1));
    }
}

}  // namespace prefixed_detail

// Pushes the records of a task's partition that come from `source`. decoderOf(block) gives a
// function that makes a T of each record's bytes; both may throw TaskFailure.
template <class T, class DecoderOf>
void scanPrefixed(const TaskContext& task, BatchRun& run, SourceId source, Sink<T>& sink,
                  DecoderOf decoderOf) {
    std::vector<T> chunk;
    scanBlocks(
        task, run, source, sink,
        [&](const Block& block, std::string_view bytes, std::size_t begin, std::size_t end) {
            auto decode = decoderOf(block);
            const auto piece = bytes.substr(begin, end - begin);
            const auto& skipped = run.record().skippedByOption;
            const bool whole = task.probe == nullptr && task.marker == nullptr &&
                               std::none_of(skipped.begin(), skipped.end(), [&](const auto& place) {
                                   return place.lsn == block.lsn();
                               });
            if (whole) {
                prefixed_detail::push(piece, decode, chunk, sink);
            } else {
                RecordPlace place{block.lsn(), 0};
                for (ByteReader before(bytes.substr(0, begin)); !before.finished(); ++place.line)
                    (void)prefixed_detail::next(before);
                prefixed_detail::pushOneByOne(place, piece, run.record(), task, decode, sink);
            }
            return sink.wanted() != 0;
        });
}

}  // namespace tidemill::core
