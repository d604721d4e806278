#include "core/arena.h"

#include <algorithm>

namespace tidemill::core {
namespace {

constexpr std::size_t kFirstChunkBytes = 4 << 10;
constexpr std::size_t kLargestChunkBytes = 1 << 20;

}  // namespace

void Arena::grow(std::size_t sizeBytes) {
    const std::size_t doubled = chunks_.empty() ? kFirstChunkBytes : 2 * chunks_.back().sizeBytes;
    const std::size_t size = std::max(sizeBytes, std::min(doubled, kLargestChunkBytes));
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    next_ = chunks_.back().memory.get();
    left_ = size;
    bytes_ += size;
}

void Arena::reset() {
    objects_.clear();
    std::erase_if(chunks_, [](const Chunk& chunk) { return chunk.sizeBytes > kLargestChunkBytes; });
    if (chunks_.size() > 1) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
    next_ = nullptr;
    left_ = bytes_ = 0;
    if (chunks_.empty()) return;
    next_ = chunks_.front().memory.get();
    left_ = chunks_.front().sizeBytes;
    bytes_ = left_;
}

}  // namespace tidemill::core
