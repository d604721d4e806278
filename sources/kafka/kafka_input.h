// The stream of records that a Kafka source received.
#pragma once

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/block.h"
#include "core/inputs/log_input.h"
#include "core/progress_marker.h"
#include "core/stream_node.h"
#include "sources/kafka/kafka_block.h"

namespace tidemill::sources::kafka {

// T: KafkaRecord, or std::string_view for the values alone, where a record without one is empty.
template <class T>
class KafkaInputNode final : public core::RootNode<T> {
public:
    KafkaInputNode(std::string kind, core::SourceId source)
        : core::RootNode<T>(std::move(kind)), source_(source) {}

    bool holdsElements() const override { return false; }
    bool probes() const override { return true; }

    std::uint32_t partitions(core::BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }

    void scan(core::TaskContext& task, core::BatchRun& run, core::Sink<T>& sink) override {
        std::vector<T> chunk;
        chunk.reserve(core::kChunkElements);
        core::scanBlocks(task, run, source_, sink,
                         [&](const core::Block& block, std::string_view bytes, std::size_t begin,
                             std::size_t end) {
                             const Piece piece(block, bytes, begin, end);
                             const auto& skipped = run.record().skippedByOption;
                             const bool whole = task.probe == nullptr && task.marker == nullptr &&
                                                std::none_of(skipped.begin(), skipped.end(),
                                                             [&](const auto& place) {
                                                                 return place.lsn == block.lsn();
                                                             });
                             if (whole) push(piece, chunk, sink);
                             else pushOneByOne(piece, run.record(), task, sink);
                             return sink.wanted() != 0;
                         });
    }

private:
    struct Piece {
        Piece(const core::Block& block, std::string_view bytes, std::size_t begin, std::size_t end)
            : lsn(block.lsn()),
              before(bytes.substr(0, begin)),
              bytes(bytes.substr(begin, end - begin)),
              lane(core::orThrow(laneOf(block))) {}

        core::Lsn lsn;
        std::string_view before, bytes;
        LaneParts lane;
    };

    static core::Result<LaneParts> laneOf(const core::Block& block) {
        if (const auto lane = partsOfLane(block.origin().lane)) return *lane;
        return core::fail(
            core::ErrorKind::kCorrupt,
            "a block of the log is of no Kafka partition: lsn=" + core::toString(block.lsn()));
    }

    [[gnu::always_inline]] static T next(std::string_view& rest, const Piece& piece) {
        const auto record = takePrefixed(rest);
        auto decoded = record ? decodeRecord(*record) : std::nullopt;
        if (!decoded)
            throw core::TaskFailure(core::Error{
                core::ErrorKind::kCorrupt,
                "a Kafka record in the log does not parse: lsn=" + core::toString(piece.lsn)});
        if constexpr (std::is_same_v<T, std::string_view>) {
            return decoded->value.value_or(std::string_view());
        } else {
            decoded->topic = piece.lane.topic;
            decoded->partition = piece.lane.partition;
            return *decoded;
        }
    }

    // Nothing when the bytes end before the record does.
    static std::optional<std::string_view> takePrefixed(std::string_view& rest) {
        if (rest.size() < 4) return std::nullopt;
        std::uint32_t size = 0;
        for (unsigned i = 0; i < 4; ++i)
            size |= std::uint32_t{static_cast<unsigned char>(rest[i])} << (8 * i);
        if (size > rest.size() - 4) return std::nullopt;
        const auto record = rest.substr(4, size);
        rest.remove_prefix(4 + size);
        return record;
    }

    static void push(const Piece& piece, std::vector<T>& chunk, core::Sink<T>& sink) {
        for (std::string_view rest = piece.bytes; !rest.empty();) {
            chunk.clear();
            const std::size_t wanted = std::min(sink.wanted(), core::kChunkElements);
            if (wanted == 0) return;
            while (chunk.size() < wanted && !rest.empty()) chunk.push_back(next(rest, piece));
            sink.take(chunk);
        }
    }

    // Without the records that the batch leaves out.
    static void pushOneByOne(const Piece& piece, const core::BatchRecord& record,
                             const core::TaskContext& task, core::Sink<T>& sink) {
        core::RecordPlace place{piece.lsn, 0};
        for (std::string_view before = piece.before; takePrefixed(before);) ++place.line;
        for (std::string_view rest = piece.bytes; !rest.empty();) {
            if (sink.wanted() == 0 ||
                (task.probe != nullptr && task.probe->seen == task.probe->limit))
                return;
            T value = next(rest, piece);
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

    core::SourceId source_;
};

}  // namespace tidemill::sources::kafka
