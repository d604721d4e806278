// Minimum, maximum, sum and count of numbers by key, written by hand for this one task: the
// reference of numbers.memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace tidemill::bench {

// A number of the input holds its key and a reading.
inline std::int64_t keyOf(std::int64_t number) { return number >> 16; }
inline std::int64_t readingOf(std::int64_t number) { return number & 0xFFFF; }

struct Summary {
    std::int64_t min = std::numeric_limits<std::int64_t>::max();
    std::int64_t max = std::numeric_limits<std::int64_t>::min();
    std::int64_t sum = 0;
    std::int64_t count = 0;

    void add(std::int64_t reading) {
        min = std::min(min, reading);
        max = std::max(max, reading);
        sum += reading;
        ++count;
    }
    friend bool operator==(const Summary&, const Summary&) = default;
};

// An open-addressing table with the summaries in its slots, 64 of which are prefetched at a time.
// Thread safety: worker-confined.
class HandNumbers {
public:
    void add(std::span<const std::int64_t> numbers);

    // Calls take(key, summary) for every key, in no order.
    void forEach(const std::function<void(std::int64_t, const Summary&)>& take) const;

private:
    struct Slot {
        std::int64_t key = 0;
        Summary summary;  // count 0: the slot is free
    };
    static constexpr std::size_t kGroup = 64;

    void addGroup(const std::int64_t* numbers, std::size_t count);
    void grow();

    std::vector<Slot> slots_ = std::vector<Slot>(1 << 18);
    std::size_t used_ = 0;
};

}  // namespace tidemill::bench
