// Which elements of a batch operators left out because a function threw, by their places. The next
// batch's record lists them, so that a re-run of the batch leaves out the same and no others,
// whatever the functions do by then.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::core {

// What one sink of an operator is given; its elements are counted from 0. Follows from the batch's
// record and the graph alone.
struct InputPlace {
    std::uint32_t node = 0;        // the operator's number
    std::uint32_t scanNumber = 0;  // see TaskContext, as the other two
    std::uint64_t way = 0;
    std::uint32_t partition = 0;
    auto operator<=>(const InputPlace&) const = default;
};

struct SkippedElements {
    InputPlace input;
    // Of the elements' numbers: for each run of consecutive ones, ascending, two varints (LEB128):
    // how many elements lie between it and the one before, and how long it is.
    std::string runs;
    bool operator==(const SkippedElements&) const = default;
};

// What one batch left out.
struct SkippedOfBatch {
    std::vector<SkippedElements> elements;  // by ascending place
    // There is no list: it would have been too long, or the batch ran before this start.
    bool unknown = false;
    bool operator==(const SkippedOfBatch&) const = default;
};

// Collects numbers into SkippedElements::runs. Thread safety: externally synchronized.
class SkippedRuns {
public:
    // False, and nothing is added: `number` is not above those before.
    bool add(std::uint64_t number);
    std::size_t sizeBytes() const { return bytes_.size() + kRunBytesMax; }
    std::string bytes() const;

private:
    static constexpr std::size_t kRunBytesMax = 20;
    static void append(std::string& into, std::uint64_t gap, std::uint64_t length);

    std::string bytes_;  // of the runs before the last one
    std::uint64_t endBefore_ = 0;
    std::uint64_t begin_ = 0;
    std::uint64_t length_ = 0;  // 0: none yet
};

// Answers for ascending numbers whether runs hold them. Thread safety: worker-confined.
class SkippedRunsReader {
public:
    SkippedRunsReader() = default;
    // `runs` must outlive it, and be well formed.
    explicit SkippedRunsReader(std::string_view runs) : rest_(runs) {}
    bool holds(std::uint64_t number);
    // Before the first call of holds().
    bool holdsNone() const { return rest_.empty(); }

private:
    std::string_view rest_;
    std::uint64_t begin_ = 0, end_ = 0;
};

// For what was read from a disk.
bool isWellFormed(std::string_view runs);

}  // namespace tidemill::core
