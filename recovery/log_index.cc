#include "recovery/log_index.h"

#include <algorithm>
#include <cstring>

#include "recovery/segment_reader.h"
#include "recovery/stored_blocks.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

core::BlockPtr toBlock(const DataPayload& data, Lsn lsn, core::BufferPool* buffers) {
    const auto size = data.bytes.size();
    auto buffer = buffers != nullptr && size <= core::BufferPool::kLargestBytes
                      ? buffers->acquire(size)
                      : core::Buffer::unpooled(size);
    std::memcpy(buffer.data(), data.bytes.data(), data.bytes.size());
    return std::make_shared<core::Block>(std::move(buffer), data.bytes.size(), data.origin, lsn);
}

}  // namespace

std::string toString(const LsnRange& range) {
    if (range.last.value == ~std::uint64_t{0}) return "LSNs from " + toString(range.first) + " on";
    if (range.first == range.last) return "LSN " + toString(range.first);
    return "LSNs " + toString(range.first) + " to " + toString(range.last);
}

core::Result<> LogIndex::readBlocks(
    core::FileSystem& files, LsnRange range,
    const std::function<core::Result<>(core::BlockPtr)>& visit) const {
    const auto opened = std::make_shared<SegmentFiles>(files, directory, uuid);
    Lsn next = range.first;
    std::string damage;
    for (const auto& segment : segments) {
        if (next > range.last) break;
        if (segment.lastLsn < next) continue;
        auto place = std::upper_bound(segment.places.begin(), segment.places.end(), next,
                                      [](Lsn lsn, const auto& p) { return lsn < p.lsn; });
        if (place == segment.places.begin()) break;
        --place;
        const SegmentName name{segment.firstLsn, segment.epoch};
        TM_ASSIGN(const auto reader, SegmentReader::open(files, directory, name, uuid));
        const auto store = std::make_shared<StoredBlocks>(opened, name);
        reader->seek(place->offset, place->lsn);
        while (next <= range.last && next <= segment.lastLsn) {
            TM_ASSIGN(auto step, reader->next());
            if (step.kind == SegmentReader::Step::Kind::kDamage) {
                damage = step.damage.what;  // harmless when it lies before what is wanted
                continue;
            }
            if (step.kind == SegmentReader::Step::Kind::kEnd) break;
            const auto& header = step.frame.header;
            if (header.lsn < next) continue;
            if (header.lsn != next) break;
            next = next.next();
            if (header.type != FrameType::kData) continue;
            TM_ASSIGN(const auto data, decodeDataPayload(step.frame.payload));
            auto block = toBlock(data, header.lsn, buffers.get());
            block->stored(store, step.frame.offset);
            TM_TRY(visit(std::move(block)));
        }
    }
    if (next <= range.last)
        return core::fail(ErrorKind::kCorrupt, "the log no longer holds LSN " + toString(next) +
                                                   ": directory=" + directory.string() +
                                                   (damage.empty() ? "" : "; " + damage));
    return {};
}

core::Result<std::vector<core::BlockPtr>> LogIndex::blocks(core::FileSystem& files, LsnRange range,
                                                           std::size_t bytesInMemory) const {
    std::vector<core::BlockPtr> blocks;
    if (range.first > range.last) return blocks;
    std::size_t bytes = 0;
    TM_TRY(readBlocks(files, range, [&](core::BlockPtr block) {
        bytes += block->sizeBytes();
        if (bytes > bytesInMemory) block->release();
        blocks.push_back(std::move(block));
        return core::Result<>();
    }));
    return blocks;
}

}  // namespace tidemill::recovery
