// SharedMemory: bytes that a process and its children see alike, and that grow.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace tidemill::python {

// Each process maps it for itself, after the fork too. Thread safety: none.
class SharedMemory {
public:
    SharedMemory() = default;
    // An anonymous file of no bytes. Throws std::system_error.
    static SharedMemory make();
    SharedMemory(SharedMemory&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)),
          bytes_(std::exchange(other.bytes_, nullptr)),
          mapped_(std::exchange(other.mapped_, 0)) {}
    SharedMemory& operator=(SharedMemory&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        std::swap(bytes_, other.bytes_);
        std::swap(mapped_, other.mapped_);
        return *this;
    }
    ~SharedMemory();

    // Makes it as large as that, if it is smaller, and writes them at its beginning. Throws
    // std::system_error.
    void write(std::string_view bytes);
    // Its first bytes, which were written by either side. Valid until the next call. Throws
    // std::system_error.
    std::string_view read(std::size_t size);

private:
    void mapAtLeast(std::size_t size);

    int descriptor_ = -1;
    char* bytes_ = nullptr;
    std::size_t mapped_ = 0;
};

}  // namespace tidemill::python
