// Buffers that received bytes are read into and stay in until their batch is complete.
// The budget bounds all of them together (invariant I5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tidemill::core {

class BufferPool;

// A movable handle on memory of `capacity()` bytes. Empty when default-made.
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          capacity_(std::exchange(other.capacity_, 0)),
          pool_(std::move(other.pool_)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
        std::swap(pool_, other.pool_);
        return *this;
    }
    ~Buffer();

    // Memory outside any budget: what recovery reads back, tests.
    static Buffer unpooled(std::size_t capacityBytes);

    char* data() { return data_; }
    const char* data() const { return data_; }
    std::size_t capacity() const { return capacity_; }
    explicit operator bool() const { return data_ != nullptr; }
    // The pool it goes back to; null: memory outside any budget.
    const std::shared_ptr<BufferPool>& pool() const { return pool_; }

private:
    friend class BufferPool;
    char* data_ = nullptr;
    std::size_t capacity_ = 0;
    std::shared_ptr<BufferPool> pool_;  // null: unpooled
};

// Thread safety: thread-safe.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
public:
    static constexpr std::size_t kSmallestBytes = 4 << 10;
    static constexpr std::size_t kLargestBytes = 64 << 20;

    static std::shared_ptr<BufferPool> make(std::size_t budgetBytes);
    ~BufferPool();

    // A buffer of at least `capacityBytes`, rounded up to a power of two between the two sizes
    // above; an empty one when that would exceed the budget. After such a refusal the release
    // listener is called once buffers have come back.
    Buffer tryAcquire(std::size_t capacityBytes);
    // The same, also beyond the budget: for what must be read so that memory comes back.
    Buffer acquire(std::size_t capacityBytes);

    // Called from whichever thread returns a buffer after a refusal; must not block.
    void setReleaseListener(std::function<void()> listener);

    std::size_t budgetBytes() const { return budgetBytes_; }
    // Bytes in buffers that are out; cached free ones do not count.
    std::size_t usedBytes() const;
    // More than half of the budget is used.
    bool isScarce() const { return usedBytes() > budgetBytes_ / 2; }

private:
    friend class Buffer;
    Buffer take(std::size_t capacityBytes, bool beyondBudget);
    explicit BufferPool(std::size_t budgetBytes) : budgetBytes_(budgetBytes) {}
    void giveBack(char* data, std::size_t capacity);
    std::pair<char*, std::size_t> takeOldestFree();

    struct Free {
        char* memory = nullptr;
        std::uint64_t returned = 0;  // number of the return
    };
    static constexpr std::size_t kClasses = 15;
    const std::size_t budgetBytes_;
    mutable std::mutex mutex_;
    std::size_t usedBytes_ = 0;
    std::size_t cachedBytes_ = 0;
    bool refused_ = false;
    std::uint64_t returns_ = 0;
    // By class; the last returned is taken first, for its bytes may still be in the CPU's caches.
    // Together with those that are out they stay inside the budget: beyond it the one goes that was
    // returned longest ago, so that sizes that are no longer asked for do not push out those that
    // are.
    std::array<std::deque<Free>, kClasses> free_;
    std::function<void()> listener_;
};

}  // namespace tidemill::core
