#include "sources/follow/line_cut.h"

#include <algorithm>
#include <cstring>

#include "sources/line_scan.h"

namespace tidemill::sources::follow {
namespace {

// Without its end; `end` is that of the line: its '\n'.
std::size_t lengthOf(const char* begin, const char* end) {
    const auto length = static_cast<std::size_t>(end - begin);
    return length != 0 && end[-1] == '\r' ? length - 1 : length;
}

// Whether any of these whole lines may be too long: some bytes in a row without a line end.
bool mayHaveLong(const char* at, const char* end, std::size_t recordBytesMax) {
    while (static_cast<std::size_t>(end - at) > recordBytesMax) {
        const char* last = lastLineEnd(at, at + recordBytesMax + 1);
        if (last == nullptr) return true;
        at = last + 1;
    }
    return false;
}

bool isLimited(const core::Allowance& allowance, std::size_t bytes) {
    return allowance.records != core::Allowance::kUnlimited || allowance.bytes < bytes;
}

}  // namespace

LineCut cutLines(std::string_view bytes, std::size_t recordBytesMax,
                 const core::Allowance& allowance) {
    const char* const begin = bytes.data();
    const char* last = lastLineEnd(begin, begin + bytes.size());
    LineCut cut;
    if (last == nullptr) return cut;
    const char* const end = last + 1;
    cut.bytes = static_cast<std::size_t>(end - begin);
    if (!isLimited(allowance, cut.bytes) && !mayHaveLong(begin, end, recordBytesMax)) {
        cut.lines = static_cast<std::uint32_t>(countLineEnds({begin, cut.bytes}));
        return cut;
    }
    const char* at = begin;
    while (at != end && cut.lines + cut.oversize < allowance.records &&
           static_cast<std::size_t>(at - begin) < allowance.bytes) {
        const char* const lineEnd = firstLineEnd(at, end);
        if (lengthOf(at, lineEnd) > recordBytesMax) ++cut.oversize;
        else ++cut.lines;
        at = lineEnd + 1;
    }
    cut.bytes = static_cast<std::size_t>(at - begin);
    return cut;
}

std::size_t removeLongLines(char* data, std::size_t bytes, std::size_t recordBytesMax) {
    std::size_t kept = 0;
    for (const char *at = data, *const end = data + bytes; at != end;) {
        const char* const next = firstLineEnd(at, end) + 1;
        if (lengthOf(at, next - 1) <= recordBytesMax) {
            const auto size = static_cast<std::size_t>(next - at);
            std::memmove(data + kept, at, size);
            kept += size;
        }
        at = next;
    }
    return kept;
}

}  // namespace tidemill::sources::follow
