#include "core/buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "core/check.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kPageBytes = 4096;

// From here on buffers are mapped: on the heap, small objects that live longer come to lie between
// them, and what is given back stays with the process.
constexpr std::size_t kMappedBytesMin = 64 << 10;

std::size_t wholePages(std::size_t capacity) {
    return std::max<std::size_t>(1, (capacity + kPageBytes - 1) / kPageBytes) * kPageBytes;
}

char* allocate(std::size_t capacity) {
    // Untouched pages cost nothing, so large classes do not make a quiet process big.
    const std::size_t bytes = wholePages(capacity);
    void* memory = bytes < kMappedBytesMin ? std::aligned_alloc(kPageBytes, bytes)
                                           : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == nullptr || memory == MAP_FAILED) throw std::bad_alloc();
    return static_cast<char*>(memory);
}

void deallocate(char* memory, std::size_t capacity) {
    const std::size_t bytes = wholePages(capacity);
    if (memory == nullptr) return;
    if (bytes < kMappedBytesMin) std::free(memory);
    else ::munmap(memory, bytes);
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
        deallocate(data_, capacity_);
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
    for (std::size_t i = 0; i < free_.size(); ++i)
        for (const Free& free : free_[i]) deallocate(free.memory, kSmallestBytes << i);
}

Buffer BufferPool::tryAcquire(std::size_t capacityBytes) { return take(capacityBytes, false); }

Buffer BufferPool::acquire(std::size_t capacityBytes) { return take(capacityBytes, true); }

Buffer BufferPool::take(std::size_t capacityBytes, bool beyondBudget) {
    const std::size_t capacity = std::bit_ceil(std::max(capacityBytes, kSmallestBytes));
    TM_CHECK(capacity <= kLargestBytes, "a buffer larger than the largest class was asked for");
    char* memory = nullptr;
    std::vector<std::pair<char*, std::size_t>> dropped;  // to the system, without the lock
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
            memory = list.back().memory;
            list.pop_back();
            cachedBytes_ -= capacity;
        }
        while (cachedBytes_ != 0 && cachedBytes_ + usedBytes_ > budgetBytes_)
            dropped.push_back(takeOldestFree());
    }
    for (const auto& [free, bytes] : dropped) deallocate(free, bytes);
    Buffer buffer;
    buffer.capacity_ = capacity;
    buffer.pool_ = shared_from_this();  // which has it back if there is no memory for it
    if (memory == nullptr) memory = allocate(capacity);
    buffer.data_ = memory;
    return buffer;
}

void BufferPool::giveBack(char* data, std::size_t capacity) {
    std::function<void()> listener;
    std::vector<std::pair<char*, std::size_t>> dropped;  // to the system, without the lock
    {
        std::lock_guard lock(mutex_);
        usedBytes_ -= capacity;
        if (data != nullptr) {
            free_[classOf(capacity)].push_back({data, ++returns_});
            cachedBytes_ += capacity;
        }
        while (cachedBytes_ != 0 && cachedBytes_ + usedBytes_ > budgetBytes_)
            dropped.push_back(takeOldestFree());
        if (std::exchange(refused_, false)) listener = listener_;
    }
    for (const auto& [memory, bytes] : dropped) deallocate(memory, bytes);
    if (listener) listener();
}

std::pair<char*, std::size_t> BufferPool::takeOldestFree() {
    std::size_t oldest = kClasses;
    for (std::size_t i = 0; i < kClasses; ++i)
        if (!free_[i].empty() &&
            (oldest == kClasses || free_[i].front().returned < free_[oldest].front().returned))
            oldest = i;
    char* const memory = free_[oldest].front().memory;
    const std::size_t capacity = kSmallestBytes << oldest;
    free_[oldest].pop_front();
    cachedBytes_ -= capacity;
    return {memory, capacity};
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
