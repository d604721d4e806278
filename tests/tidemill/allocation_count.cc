#include "tests/tidemill/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations{0};

void* orThrow(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

std::uint64_t tidemill::test::allocationCount() { return allocations.load(); }

// The other forms come to these by default, but where a sanitizer has its own of those that do not
// throw.
void* operator new(std::size_t sizeBytes) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return orThrow(std::malloc(sizeBytes == 0 ? 1 : sizeBytes));
}
void* operator new(std::size_t sizeBytes, std::align_val_t alignment) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    const auto to = static_cast<std::size_t>(alignment);
    return orThrow(std::aligned_alloc(to, (sizeBytes + to) / to * to));
}
void* operator new(std::size_t sizeBytes, const std::nothrow_t&) noexcept {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return std::malloc(sizeBytes == 0 ? 1 : sizeBytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
