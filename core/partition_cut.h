// How a batch's blocks are cut into partitions.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"

namespace tidemill::core {

// A partition below this size is not worth a task of its own.
inline constexpr std::size_t kPartitionBytesMin = 64 << 10;

// Of one batch, however large it is and however many workers there are: a bound for its record.
inline constexpr unsigned kPartitionsMax = 1024;

// Cuts `blocks` into at most `partitions` parts, and at most kPartitionsMax, of about equal bytes,
// at record boundaries; blocks whose bytes are not in memory stay whole.
// `framing` says how a source's blocks are cut into records.
std::vector<CutPoint> cutPartitions(std::span<const BlockPtr> blocks, unsigned partitions,
                                    const std::function<Framing(SourceId)>& framing);

// Of a record that was read back: says (kCorrupt) when its cuts are none of these blocks at record
// boundaries, so that no record of the batch would be left out, seen twice or torn.
Result<> checkCuts(std::span<const BlockPtr> blocks, std::span<const CutPoint> cuts,
                   const std::function<Framing(SourceId)>& framing);

// Calls visit(block, begin, end) for the pieces that lie in partition `partition` of `cuts`, in
// order, until it returns false: the block's bytes from `begin` to `end`, not none.
void forEachPiece(std::span<const BlockPtr> blocks, std::span<const CutPoint> cuts,
                  std::uint32_t partition,
                  const std::function<bool(Block&, std::size_t, std::size_t)>& visit);

}  // namespace tidemill::core
