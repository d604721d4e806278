#include "core/block.h"

#include <algorithm>

#include "core/check.h"

namespace tidemill::core {

Result<BlockBytes> Block::bytes() const {
    std::shared_ptr<const BlockStore> store;
    std::uint64_t offset = 0;
    {
        std::lock_guard lock(mutex_);
        if (buffer_) return BlockBytes(buffer_, sizeBytes_, false);
        store = store_;
        offset = offset_;
    }
    Buffer buffer =
        pool_ ? pool_->acquire(sizeBytes_) : Buffer::unpooled(std::max<std::size_t>(sizeBytes_, 1));
    TM_TRY(store->read(*this, offset, buffer));
    return BlockBytes(std::make_shared<const Buffer>(std::move(buffer)), sizeBytes_, true);
}

std::string_view Block::bytesInMemory() const {
    std::lock_guard lock(mutex_);
    TM_CHECK(buffer_ != nullptr, "a block's bytes are not in memory");
    return {buffer_->data(), sizeBytes_};
}

bool Block::inMemory() const {
    std::lock_guard lock(mutex_);
    return buffer_ != nullptr;
}

void Block::stored(std::shared_ptr<const BlockStore> store, std::uint64_t offset) {
    std::lock_guard lock(mutex_);
    store_ = std::move(store);
    offset_ = offset;
}

bool Block::release() {
    std::shared_ptr<const Buffer> released;  // its memory goes back without the lock
    {
        std::lock_guard lock(mutex_);
        if (!store_) return false;
        released = std::move(buffer_);
    }
    return true;
}

}  // namespace tidemill::core
