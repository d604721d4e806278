#include "core/csv_records.h"

#include <cstring>

namespace tidemill::core {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool isBlank(char c) { return c == ' ' || c == '\t'; }

// Where the first `c` of `line` from `at` on stands; npos: nowhere.
std::size_t find(std::string_view line, char c, std::size_t at) {
    const void* const found =
        at >= line.size() ? nullptr : std::memchr(line.data() + at, c, line.size() - at);
    return found == nullptr
               ? line.npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
}

// A field begins at the quote at `quote`. `from`: where the line begins or a field goes on behind
// the quotes that it began with; `isStart`: the first of these.
bool opens(std::string_view line, std::size_t quote, std::size_t from, bool isStart,
           const CsvRecords& csv) {
    std::size_t at = quote;
    if (csv.trim)
        while (at > from && isBlank(line[at - 1]) && line[at - 1] != csv.separator) --at;
    if (at > from) {
        if (line[at - 1] == csv.separator) return true;
        return isStart && line.substr(0, at) == kByteOrderMark;
    }
    return isStart;
}

}  // namespace

bool isQuoteOpenBehind(std::string_view line, bool open, const CsvRecords& csv) {
    std::size_t from = 0;
    bool isStart = !open;
    for (std::size_t at = 0;;) {
        const auto quote = find(line, '"', at);
        if (quote == line.npos) return open;
        at = quote + 1;
        if (!open) {
            open = opens(line, quote, from, isStart, csv);
        } else if (at < line.size() && line[at] == '"') {
            ++at;  // a doubled quote is one in the text
        } else {
            open = false;
            from = at;
            isStart = false;
        }
    }
}

CsvCutter::Verdict CsvCutter::take(std::string_view line) {
    const auto sizeBytes = withoutLineEnd(line).size();
    Verdict verdict;
    if (isOpen() && recordBytes_ + sizeBytes > recordBytesMax_) {
        verdict.breaks = true;
        restart();
    }
    if (sizeBytes > recordBytesMax_) {
        verdict.line = Line::kTooLong;
        return verdict;
    }
    if (isQuoteOpenBehind(line, isOpen(), csv_)) {
        recordBytes_ += line.size();
    } else {
        verdict.line = Line::kEnds;
        restart();
    }
    return verdict;
}

bool CsvCutter::isTooLong(std::string_view begin) const {
    const auto sizeBytes = recordBytes_ + begin.size();
    return sizeBytes > recordBytesMax_ + 1 ||
           (sizeBytes == recordBytesMax_ + 1 && !begin.ends_with('\r'));
}

std::string describe(const CsvRecords& csv) {
    return std::string("csv records with '") + csv.separator + "'" + (csv.trim ? ", trimmed" : "");
}

}  // namespace tidemill::core
