// Fills memory with a pattern before it is freed; see poison.h.
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

void fillAndFree(void* memory) {
    if (memory == nullptr) return;
    std::memset(memory, 0xDB, malloc_usable_size(memory));
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { fillAndFree(memory); }
void operator delete[](void* memory) noexcept { fillAndFree(memory); }
void operator delete(void* memory, std::size_t) noexcept { fillAndFree(memory); }
void operator delete[](void* memory, std::size_t) noexcept { fillAndFree(memory); }

#endif
