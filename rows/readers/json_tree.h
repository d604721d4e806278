// The JSON pointers of all fields as one tree, so that a record is walked once.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "rows/readers/field_plan.h"

namespace tidemill::rows {

// One name or index of pointers.
struct JsonNode {
    std::string name;                  // in its parent
    std::optional<std::size_t> index;  // the same in an array
    std::vector<const JsonNode*> children;
    std::vector<std::size_t> fields;       // whose pointer ends here
    std::size_t number = 0;                // in JsonTree::nodes
    std::vector<std::uint64_t> childKeys;  // nameKey() of each child
};

// The first 7 bytes of a name and its size, so that most names are told apart by one comparison.
// `room` bytes are there to be read.
inline std::uint64_t nameKey(std::string_view name, std::size_t room) {
    const std::size_t used = std::min<std::size_t>(name.size(), 7);
    std::uint64_t bytes = 0;
    if (room >= sizeof bytes) {
        std::memcpy(&bytes, name.data(), sizeof bytes);
    } else {
        std::memcpy(&bytes, name.data(), used);
    }
    static_assert(std::endian::native == std::endian::little, "the size is behind the bytes");
    return (bytes & ((std::uint64_t{1} << 8 * used) - 1)) |
           std::uint64_t{std::min<std::size_t>(name.size(), 255)} << 56;
}

// That of no name: it is not UTF-8.
inline constexpr std::uint64_t kNoNameKey = ~std::uint64_t{0};

// Thread safety: immutable once it is built.
struct JsonTree {
    JsonTree() = default;
    JsonTree(JsonTree&&) = default;  // nodes stay where they are
    JsonTree& operator=(JsonTree&&) = default;

    std::deque<JsonNode> nodes;  // the first is the whole record
};

// Errors: kInvalid, a place that is no pointer.
core::Result<JsonTree> jsonTreeOf(const FieldPlan& plan);

}  // namespace tidemill::rows
