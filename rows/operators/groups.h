// Groups on their way: out of the shuffle, as stored bytes, and as the rows of the result.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/stream_node.h"
#include "rows/chunk.h"
#include "rows/group_layout.h"

namespace tidemill::rows {

// A group of a batch; both live until the batch is complete.
struct Group {
    std::string_view key;
    const std::byte* record = nullptr;
};

// A group as it is stored: its key and record as bytes.
using StoredGroup = std::pair<std::string_view, std::string_view>;
using OwnedGroup = std::pair<std::string_view, std::string>;

// The shuffle: rows into groups. `keyPlaces`: of the layout's key in the rows.
std::shared_ptr<core::StreamNode<Group>> makeGroups(std::shared_ptr<core::StreamNode<Chunk>> rows,
                                                    std::shared_ptr<const GroupLayout> layout,
                                                    std::vector<std::size_t> keyPlaces);

std::shared_ptr<core::StreamNode<StoredGroup>> makeStored(
    std::shared_ptr<core::StreamNode<Group>> groups, std::shared_ptr<const GroupLayout> layout);

// Rows: the columns of the key, then the results. A result that cannot be told fails its row.
std::shared_ptr<core::StreamNode<Chunk>> makeResults(
    std::shared_ptr<core::StreamNode<Group>> groups, std::shared_ptr<const GroupLayout> layout);
std::shared_ptr<core::StreamNode<Chunk>> makeResults(
    std::shared_ptr<core::StreamNode<OwnedGroup>> groups,
    std::shared_ptr<const GroupLayout> layout);

}  // namespace tidemill::rows
