#include "core/skipped_elements.h"

#include <limits>

namespace tidemill::core {
namespace {

void appendVarint(std::string& into, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) into += static_cast<char>(value | 0x80);
    into += static_cast<char>(value);
}

bool takeVarint(std::string_view& from, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (from.empty()) return false;
        const auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        if (shift == 63 && byte > 1) return false;
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

}  // namespace

bool SkippedRuns::add(std::uint64_t number) {
    if (length_ != 0) {
        if (number < begin_ + length_) return false;
        if (number == begin_ + length_) {
            ++length_;
            return true;
        }
        append(bytes_, begin_ - endBefore_, length_);
        endBefore_ = begin_ + length_;
    }
    begin_ = number;
    length_ = 1;
    return true;
}

std::string SkippedRuns::bytes() const {
    std::string all = bytes_;
    if (length_ != 0) append(all, begin_ - endBefore_, length_);
    return all;
}

void SkippedRuns::append(std::string& into, std::uint64_t gap, std::uint64_t length) {
    appendVarint(into, gap);
    appendVarint(into, length);
}

bool SkippedRunsReader::holds(std::uint64_t number) {
    while (number >= end_) {
        std::uint64_t gap = 0, length = 0;
        if (!takeVarint(rest_, gap) || !takeVarint(rest_, length)) {
            begin_ = end_ = std::numeric_limits<std::uint64_t>::max();
            return false;
        }
        begin_ = end_ + gap;
        end_ = begin_ + length;
    }
    return number >= begin_;
}

bool isWellFormed(std::string_view runs) {
    std::uint64_t end = 0;
    while (!runs.empty()) {
        std::uint64_t gap = 0, length = 0;
        if (!takeVarint(runs, gap) || !takeVarint(runs, length) || length == 0) return false;
        const auto most = std::numeric_limits<std::uint64_t>::max() - end;
        if (gap > most || length > most - gap) return false;
        end += gap + length;
    }
    return true;
}

}  // namespace tidemill::core
