#include "python/native/shared_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace tidemill::python {
namespace {

constexpr std::size_t kSmallest = 64 << 10;

[[noreturn]] void throwErrno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

SharedMemory SharedMemory::make() {
    SharedMemory made;
    made.descriptor_ = ::memfd_create("tidemill", MFD_CLOEXEC);
    if (made.descriptor_ < 0) throwErrno("memfd_create");
    return made;
}

SharedMemory::~SharedMemory() {
    if (bytes_ != nullptr) ::munmap(bytes_, mapped_);
    if (descriptor_ >= 0) ::close(descriptor_);
}

void SharedMemory::write(std::string_view bytes) {
    if (bytes.size() > mapped_) {
        struct stat file {};
        if (::fstat(descriptor_, &file) != 0) throwErrno("fstat");
        // Twice as much as is needed now: most chunks are about as large as the one before.
        const std::size_t size = std::max(kSmallest, 2 * bytes.size());
        if (size > static_cast<std::size_t>(file.st_size) &&
            ::ftruncate(descriptor_, static_cast<off_t>(size)) != 0)
            throwErrno("ftruncate");
    }
    mapAtLeast(bytes.size());
    if (!bytes.empty()) std::memcpy(bytes_, bytes.data(), bytes.size());
}

std::string_view SharedMemory::read(std::size_t size) {
    mapAtLeast(size);
    return {bytes_, size};
}

// Maps all that the file has.
void SharedMemory::mapAtLeast(std::size_t size) {
    if (size <= mapped_) return;
    struct stat file {};
    if (::fstat(descriptor_, &file) != 0) throwErrno("fstat");
    const auto all = static_cast<std::size_t>(file.st_size);
    if (bytes_ != nullptr) ::munmap(bytes_, mapped_);
    bytes_ = nullptr;
    mapped_ = 0;
    void* const mapped = ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (mapped == MAP_FAILED) throwErrno("mmap");
    bytes_ = static_cast<char*>(mapped);
    mapped_ = all;
}

}  // namespace tidemill::python
