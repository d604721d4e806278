#include "core/zeroed_memory.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace tidemill::core {
namespace {

constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kHugePageBytes = 2 << 20;
// Larger tables are probed with prefetches and do as well on small pages, while a virtual machine
// may have to get each large page from its host first, at milliseconds a page.
constexpr std::size_t kHugePagesMaxBytes = 64 << 20;

bool isMapped(std::size_t sizeBytes) { return sizeBytes >= kHugePageBytes; }

}  // namespace

ZeroedMemory::ZeroedMemory(std::size_t sizeBytes) : sizeBytes_(sizeBytes) {
    if (sizeBytes == 0) return;
    if (!isMapped(sizeBytes)) {
        data_ = ::operator new (sizeBytes, std::align_val_t{kLineBytes});
        std::memset(data_, 0, sizeBytes);
        return;
    }
    // Mapped larger and trimmed to where 2 MiB pages may begin.
    const std::size_t mappedBytes = sizeBytes + kHugePageBytes;
    void* mapped =
        mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    auto* begin = static_cast<char*>(mapped);
    const auto over = reinterpret_cast<std::size_t>(begin) % kHugePageBytes;
    const std::size_t before = over == 0 ? 0 : kHugePageBytes - over;
    if (before != 0) munmap(begin, before);
    munmap(begin + before + sizeBytes, mappedBytes - before - sizeBytes);
    data_ = begin + before;
#if defined(MADV_HUGEPAGE)
    // Only advice: a kernel without such pages serves small ones.
    if (sizeBytes <= kHugePagesMaxBytes) (void)madvise(data_, sizeBytes, MADV_HUGEPAGE);
#endif
}

ZeroedMemory::~ZeroedMemory() {
    if (data_ == nullptr) return;
    if (isMapped(sizeBytes_)) munmap(data_, sizeBytes_);
    else ::operator delete (data_, std::align_val_t{kLineBytes});
}

void ZeroedMemory::grow(std::size_t sizeBytes) {
    if (sizeBytes_ > kHugePagesMaxBytes) {
        void* const moved = mremap(data_, sizeBytes_, sizeBytes, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) throw std::bad_alloc();
        data_ = moved;
        sizeBytes_ = sizeBytes;
        return;
    }
    ZeroedMemory grown(sizeBytes);
    if (sizeBytes_ != 0) std::memcpy(grown.data_, data_, sizeBytes_);
    *this = std::move(grown);
}

void ZeroedMemory::clear() {
    if (data_ != nullptr) std::memset(data_, 0, sizeBytes_);
}

}  // namespace tidemill::core
