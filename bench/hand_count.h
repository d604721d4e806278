// A word count written by hand for this one task: the reference of the word benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemill::bench {

// How a user's own function would split a line: emit(word) for each word between spaces.
template <class Emit>
void splitCharByChar(std::string_view line, Emit&& emit) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != ' ') continue;
        if (i > begin) emit(line.substr(begin, i - begin));
        begin = i + 1;
    }
    if (line.size() > begin) emit(line.substr(begin));
}

// Counts words between single bytes ' ' and '\n' in an open-addressing table of 32-byte slots that
// hold words up to 15 bytes, 64 of them prefetched at a time. Longer words are looked for one by
// one: this is as good as it gets only for text whose words are short. Needs AVX2.
// Thread safety: worker-confined.
class HandCount {
public:
    // `text` must have 64 writable bytes behind it: the first 32 become spaces.
    void add(char* text, std::size_t sizeBytes);
    // The same, line by line through splitCharByChar.
    void addCharByChar(const char* text, std::size_t sizeBytes);

    std::uint64_t words() const { return words_; }
    std::size_t distinct() const { return used_ + longWords_.size(); }

    // Calls take(word, count) for every word, in no order.
    void forEach(const std::function<void(std::string_view, std::uint64_t)>& take) const;

    // The slots in use, 24 bytes each: what a checkpoint writes.
    std::string slotBytes() const;

private:
    struct Slot {
        std::uint64_t a, b;
        std::uint64_t count;
        std::uint64_t padding;
    };
    static constexpr int kGroup = 64;

    void word(const char* begin, std::size_t size);
    void longWord(const char* begin, std::size_t size);
    void probeGroup();
    void grow();

    std::vector<Slot> slots_ = std::vector<Slot>(1 << 18);
    std::size_t used_ = 0;
    std::uint64_t words_ = 0;
    std::vector<std::pair<std::string, std::uint64_t>> longWords_;
    std::uint64_t groupA_[kGroup], groupB_[kGroup], groupHash_[kGroup];
    int groupSize_ = 0;
};

}  // namespace tidemill::bench
