// Memory for bytes that live as long as a batch: taken bit by bit, given back all at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemill::core {

// Thread safety: worker-confined.
class Arena {
public:
    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // Memory for `sizeBytes` bytes, not aligned; lives until reset().
    char* allocate(std::size_t sizeBytes) {
        // Equal too, so that even no bytes have an address.
        if (sizeBytes >= left_) [[unlikely]]
            grow(sizeBytes);
        char* memory = next_;
        next_ += sizeBytes;
        left_ -= sizeBytes;
        return memory;
    }

    // A copy that lives until reset().
    std::string_view copy(std::string_view bytes) {
        char* memory = allocate(bytes.size());
        if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
        return {memory, bytes.size()};
    }

    // An object that lives until reset().
    template <class T, class... Args>
    T& make(Args&&... args) {
        auto made = std::make_shared<T>(std::forward<Args>(args)...);
        objects_.push_back(made);
        return *made;
    }

    // Forgets everything; one chunk of at most 1 MiB is kept for the next use.
    void reset();

    // Memory held for bytes, used or not.
    std::size_t bytes() const { return bytes_; }

private:
    struct Chunk {
        std::unique_ptr<char[]> memory;
        std::size_t sizeBytes;
    };
    void grow(std::size_t sizeBytes);

    std::vector<Chunk> chunks_;
    std::vector<std::shared_ptr<void>> objects_;
    char* next_ = nullptr;
    std::size_t left_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace tidemill::core
