// How long to wait before the next attempt of something that has failed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace tidemill::core {

// Twice as long after each failure, up to kMost; of that at random between half and all, so that
// many who lost the same peer do not come back at one moment. Thread safety: externally
// synchronized.
class Backoff {
public:
    static constexpr std::chrono::milliseconds kMost{30'000};

    // `first` is at least 1 ms. The same seed gives the same waits.
    Backoff(std::chrono::milliseconds first, std::uint64_t seed)
        : first_(std::clamp(first, std::chrono::milliseconds(1), kMost)), random_(seed) {}

    std::chrono::milliseconds next() {
        wait_ = wait_.count() == 0 ? first_ : std::min(2 * wait_, kMost);
        const auto least = wait_.count() - wait_.count() / 2;
        return std::chrono::milliseconds(
            least + static_cast<std::int64_t>(
                        random_() % static_cast<std::uint64_t>(wait_.count() - least + 1)));
    }

    // It has worked: the next failure is a first one again.
    void reset() { wait_ = {}; }

private:
    const std::chrono::milliseconds first_;
    std::chrono::milliseconds wait_{};
    std::mt19937_64 random_;
};

}  // namespace tidemill::core
