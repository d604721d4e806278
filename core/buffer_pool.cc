#include "core/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "core/check.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kPageBytes = 4096;

char* allocate(std::size_t capacity) {
    // Untouched pages cost nothing, so large classes do not make a quiet process big.
    const std::size_t pages = std::max<std::size_t>(1, (capacity + kPageBytes - 1) / kPageBytes);
    void* memory = std::aligned_alloc(kPageBytes, pages * kPageBytes);
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<char*>(memory);
}

std::size_t classOf(std::size_t capacity) {
    return static_cast<std::size_t>(std::countr_zero(capacity) -
                                    std::countr_zero(BufferPool::kSmallestBytes));
}

}  // namespace

Buffer::~Buffer() {
    if (pool_) {
        pool_->giveBack(data_, capacity_);
    } else {
        std::free(data_);
    }
}

Buffer Buffer::unpooled(std::size_t capacityBytes) {
    Buffer buffer;
    buffer.data_ = allocate(capacityBytes);
    buffer.capacity_ = capacityBytes;
    return buffer;
}

std::shared_ptr<BufferPool> BufferPool::make(std::size_t budgetBytes) {
    return std::shared_ptr<BufferPool>(new BufferPool(budgetBytes));
}

BufferPool::~BufferPool() {
    for (auto& list : free_)
        for (char* memory : list) std::free(memory);
}

Buffer BufferPool::tryAcquire(std::size_t capacityBytes) { return take(capacityBytes, false); }

Buffer BufferPool::acquire(std::size_t capacityBytes) { return take(capacityBytes, true); }

Buffer BufferPool::take(std::size_t capacityBytes, bool beyondBudget) {
    const std::size_t capacity = std::bit_ceil(std::max(capacityBytes, kSmallestBytes));
    TM_CHECK(capacity <= kLargestBytes, "a buffer larger than the largest class was asked for");
    char* memory = nullptr;
    {
        std::lock_guard lock(mutex_);
        // One buffer is always granted, or a budget below one buffer would stop everything.
        if (!beyondBudget && usedBytes_ != 0 && usedBytes_ + capacity > budgetBytes_) {
            refused_ = true;
            return {};
        }
        usedBytes_ += capacity;
        auto& list = free_[classOf(capacity)];
        if (!list.empty()) {
            memory = list.back();
            list.pop_back();
            cachedBytes_ -= capacity;
        }
    }
    Buffer buffer;
    buffer.data_ = memory != nullptr ? memory : allocate(capacity);
    buffer.capacity_ = capacity;
    buffer.pool_ = shared_from_this();
    return buffer;
}

void BufferPool::giveBack(char* data, std::size_t capacity) {
    std::function<void()> listener;
    {
        std::lock_guard lock(mutex_);
        usedBytes_ -= capacity;
        // Cached and used together stay inside the budget.
        if (cachedBytes_ + usedBytes_ + capacity <= budgetBytes_) {
            free_[classOf(capacity)].push_back(data);
            cachedBytes_ += capacity;
            data = nullptr;
        }
        if (std::exchange(refused_, false)) listener = listener_;
    }
    std::free(data);
    if (listener) listener();
}

void BufferPool::setReleaseListener(std::function<void()> listener) {
    std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
}

std::size_t BufferPool::usedBytes() const {
    std::lock_guard lock(mutex_);
    return usedBytes_;
}

}  // namespace tidemill::core
