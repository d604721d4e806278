#include "core/partition_cut.h"

#include <algorithm>
#include <string>

namespace tidemill::core {
namespace {

// The first record boundary at or after `offset`.
std::size_t boundaryAfter(std::string_view bytes, std::size_t offset, Framing framing) {
    if (framing == Framing::kLines) {
        if (offset == 0) return 0;
        const auto newline = bytes.find('\n', offset - 1);
        return newline == bytes.npos ? bytes.size() : newline + 1;
    }
    // Prefixed records can only be walked from the start; such blocks stay whole.
    return offset == 0 ? 0 : bytes.size();
}

}  // namespace

std::vector<CutPoint> cutPartitions(std::span<const BlockPtr> blocks, unsigned partitions,
                                    const std::function<Framing(SourceId)>& framing) {
    std::size_t total = 0;
    for (const auto& block : blocks) total += block->sizeBytes();
    if (blocks.empty()) return {};
    partitions = static_cast<unsigned>(std::clamp<std::size_t>(
        total / kPartitionBytesMin, 1, std::clamp(partitions, 1u, kPartitionsMax)));

    std::vector<CutPoint> cuts{{0, 0}};
    std::size_t before = 0;  // bytes in blocks already walked
    for (std::uint32_t i = 0; i < blocks.size() && cuts.size() < partitions; ++i) {
        const Block& block = *blocks[i];
        const std::size_t sizeBytes = block.sizeBytes();
        while (cuts.size() < partitions) {
            const std::size_t target = total * cuts.size() / partitions;
            if (target >= before + sizeBytes) break;
            const std::size_t wanted = target > before ? target - before : 0;
            const std::size_t offset =
                wanted == 0 ? 0
                : block.inMemory()
                    ? boundaryAfter(block.bytesInMemory(), wanted, framing(block.origin().source))
                    : sizeBytes;
            CutPoint cut{i, static_cast<std::uint32_t>(offset)};
            if (offset == sizeBytes) cut = {i + 1, 0};
            if (cut.block == blocks.size()) return cuts;
            if (cut == cuts.back()) {
                // Records larger than a share: give the share up.
                --partitions;
                continue;
            }
            cuts.push_back(cut);
            if (cut.block != i) break;
        }
        before += sizeBytes;
    }
    return cuts;
}

Result<> checkCuts(std::span<const BlockPtr> blocks, std::span<const CutPoint> cuts,
                   const std::function<Framing(SourceId)>& framing) {
    const auto misfit = [&](std::size_t i, const char* what) {
        return fail(
            ErrorKind::kCorrupt,
            "the cut into partitions does not fit the batch's blocks: " + std::string(what) +
                ": cut=" + std::to_string(i) + " of " + std::to_string(cuts.size()) +
                " block=" + std::to_string(cuts[i].block) + " of " + std::to_string(blocks.size()) +
                " offset=" + std::to_string(cuts[i].offsetBytes));
    };
    if (cuts.empty() && !blocks.empty())
        return fail(ErrorKind::kCorrupt,
                    "the batch's " + std::to_string(blocks.size()) + " blocks are in no partition");
    if (cuts.size() > kPartitionsMax) return misfit(kPartitionsMax, "there are too many");
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        const CutPoint& cut = cuts[i];
        if (cut.block >= blocks.size()) return misfit(i, "there is no such block");
        // A block may hold nothing, when all its records were too long.
        if (cut.offsetBytes != 0 && cut.offsetBytes >= blocks[cut.block]->sizeBytes())
            return misfit(i, "it lies behind the block's end");
        if (i == 0 ? cut != CutPoint{} : cut <= cuts[i - 1])
            return misfit(i, i == 0 ? "the first is not at the beginning" : "it is out of order");
        const Block& block = *blocks[cut.block];
        if (cut.offsetBytes == 0) continue;
        TM_ASSIGN(const auto bytes, block.bytes());
        if (boundaryAfter(bytes.view(), cut.offsetBytes, framing(block.origin().source)) !=
            cut.offsetBytes)
            return misfit(i, "it lies within a record");
    }
    return {};
}

void forEachPiece(std::span<const BlockPtr> blocks, std::span<const CutPoint> cuts,
                  std::uint32_t partition,
                  const std::function<bool(Block&, std::size_t, std::size_t)>& visit) {
    const CutPoint from = cuts[partition];
    const CutPoint to = partition + 1 < cuts.size()
                            ? cuts[partition + 1]
                            : CutPoint{static_cast<std::uint32_t>(blocks.size()), 0};
    for (std::uint32_t i = from.block; i < blocks.size() && i <= to.block; ++i) {
        const std::size_t begin = i == from.block ? from.offsetBytes : 0;
        const std::size_t end = i == to.block ? to.offsetBytes : blocks[i]->sizeBytes();
        if (begin < end && !visit(*blocks[i], begin, end)) return;
    }
}

}  // namespace tidemill::core
