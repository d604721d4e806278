// The same as rows_memory's job files by hand: one core, a flat table, the parsers that the readers
// have (memchr, RE2, simdjson), results beside the keys.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::bench {

struct HandAggregate {
    std::int64_t rows = 0;
    double sum = 0;
    double most = -1e300;
};

// Open addressing over views of keys that it owns.
class HandTable {
public:
    HandAggregate& at(std::string_view key) {
        std::size_t i = std::hash<std::string_view>()(key) & (slots_.size() - 1);
        for (;; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i].key.data() == nullptr) return insert(key, i);
            if (slots_[i].key == key) return slots_[i].aggregate;
        }
    }
    template <class F>
    void forEach(F&& f) const {
        for (const auto& slot : slots_)
            if (slot.key.data() != nullptr) f(slot.key, slot.aggregate);
    }

private:
    struct Slot {
        std::string_view key;
        HandAggregate aggregate;
    };
    HandAggregate& insert(std::string_view key, std::size_t i) {
        if (++used_ * 2 > slots_.size()) {
            std::vector<Slot> old(slots_.size() * 2);
            old.swap(slots_);
            for (auto& slot : old) {
                if (slot.key.data() == nullptr) continue;
                std::size_t j = std::hash<std::string_view>()(slot.key) & (slots_.size() - 1);
                while (slots_[j].key.data() != nullptr) j = (j + 1) & (slots_.size() - 1);
                slots_[j] = slot;
            }
            --used_;
            return at(key);
        }
        slots_[i].key = owned_.emplace_back(key);
        return slots_[i].aggregate;
    }
    std::vector<Slot> slots_{std::vector<Slot>(1 << 12)};
    std::deque<std::string> owned_;
    std::size_t used_ = 0;
};

struct HandRows {
    HandTable groups;  // rows, sum and most of a number by key
    HandTable paths;   // rows by path
    std::int64_t lines = 0, wrong = 0;
};

// `text` is lines, with 64 bytes behind them that may be read.
void handSplit(std::string_view text, HandRows& into);
void handCsv(std::string_view text, HandRows& into);
void handRegex(std::string_view text, const char* pattern, HandRows& into);
void handJson(std::string_view text, HandRows& into);

}  // namespace tidemill::bench
