// How a batch's blocks are cut into partitions.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/batch_record.h"
#include "core/block.h"

namespace tidemill::core {

// A partition below this size is not worth a task of its own.
inline constexpr std::size_t kPartitionBytesMin = 64 << 10;

// Cuts `blocks` into at most `partitions` parts of about equal bytes, at record boundaries.
// `framing` says how a source's blocks are cut into records.
std::vector<CutPoint> cutPartitions(std::span<const BlockPtr> blocks, unsigned partitions,
                                    const std::function<Framing(SourceId)>& framing);

// Calls visit(block, bytes) for the pieces that lie in partition `partition` of `cuts`, in order.
void forEachPiece(std::span<const BlockPtr> blocks, std::span<const CutPoint> cuts,
                  std::uint32_t partition,
                  const std::function<void(const Block&, std::string_view)>& visit);

}  // namespace tidemill::core
