#include "bench/hand_numbers.h"

namespace tidemill::bench {
namespace {

inline std::size_t hashOf(std::int64_t key) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{static_cast<std::uint64_t>(key)} * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(product) ^ static_cast<std::size_t>(product >> 64);
}

}  // namespace

void HandNumbers::grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const auto& slot : old) {
        if (slot.summary.count == 0) continue;
        std::size_t i = hashOf(slot.key) & mask;
        while (slots_[i].summary.count != 0) i = (i + 1) & mask;
        slots_[i] = slot;
    }
}

inline void HandNumbers::addGroup(const std::int64_t* numbers, std::size_t count) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t places[kGroup];
    for (std::size_t j = 0; j < count; ++j) {
        places[j] = hashOf(keyOf(numbers[j])) & mask;
        __builtin_prefetch(&slots_[places[j]], 1);
    }
    for (std::size_t j = 0; j < count; ++j) {
        const std::int64_t key = keyOf(numbers[j]);
        std::size_t i = places[j];
        while (slots_[i].key != key && slots_[i].summary.count != 0) i = (i + 1) & mask;
        if (slots_[i].summary.count == 0) {
            slots_[i].key = key;
            ++used_;
        }
        slots_[i].summary.add(readingOf(numbers[j]));
    }
    if (used_ * 2 > slots_.size()) grow();
}

void HandNumbers::add(std::span<const std::int64_t> numbers) {
    for (std::size_t at = 0; at < numbers.size(); at += kGroup)
        addGroup(numbers.data() + at, std::min(kGroup, numbers.size() - at));
}

void HandNumbers::forEach(const std::function<void(std::int64_t, const Summary&)>& take) const {
    for (const auto& slot : slots_)
        if (slot.summary.count != 0) take(slot.key, slot.summary);
}

}  // namespace tidemill::bench
