#include "sources/csv_file_cut.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace tidemill::sources {
namespace {

constexpr std::uint64_t kStepBytes = 1 << 20;

// Follows the lines of a file up to the end that is looked for.
class RecordEnds {
public:
    RecordEnds(std::uint64_t begin, std::uint64_t wanted, core::CsvCutter cutter)
        : wanted_(wanted), cutter_(cutter), lineBegin_(begin) {}

    // Takes the whole lines of `bytes`, and leaves what follows them; of a line that is too long
    // nothing. `isLast`: what follows is a line, too. True: the end is found.
    bool take(std::string& bytes, bool isLast, std::size_t recordBytesMax) {
        std::size_t used = 0;
        while (true) {
            const auto newline = bytes.find('\n', used);
            if (newline == bytes.npos && (!isLast || used == bytes.size())) break;
            const auto line = std::string_view(bytes).substr(
                used, newline == bytes.npos ? newline : newline + 1 - used);
            used += line.size();
            const bool isSkipped = std::exchange(skipping_, false);
            const auto verdict = isSkipped ? core::CsvCutter::Verdict{} : cutter_.take(line);
            if (verdict.breaks && ends(lineBegin_)) return true;
            lineBegin_ += line.size();
            const bool isEnd = isSkipped || verdict.line != core::CsvCutter::Line::kGoesOn;
            if (isEnd && ends(lineBegin_)) return true;
        }
        bytes.erase(0, used);
        if (!skipping_ && bytes.size() > recordBytesMax + 1) {
            // Whatever follows before its end.
            if (cutter_.take(bytes).breaks && ends(lineBegin_)) return true;
            skipping_ = true;
        }
        if (skipping_) {
            lineBegin_ += bytes.size();
            bytes.clear();
        }
        return false;
    }

    std::optional<std::uint64_t> found() const { return found_; }

private:
    // A record ends at `at`. True: this, or the one before, is what is looked for.
    bool ends(std::uint64_t at) {
        if (at <= wanted_ || !found_) found_ = at;
        return at >= wanted_;
    }

    const std::uint64_t wanted_;
    core::CsvCutter cutter_;
    std::uint64_t lineBegin_;
    bool skipping_ = false;  // inside of a line that is too long
    std::optional<std::uint64_t> found_;
};

}  // namespace

core::Result<std::uint64_t> csvRecordEnd(FileText& text, std::uint64_t begin, std::uint64_t wanted,
                                         std::uint64_t end, const CsvRecords& csv,
                                         std::size_t recordBytesMax) {
    RecordEnds ends(begin, wanted, core::CsvCutter(csv, recordBytesMax));
    std::string bytes;
    for (auto at = begin; at < end;) {
        // Behind what is wanted, the end that was found before it does.
        if (at > wanted && ends.found()) break;
        const auto held = bytes.size();
        const auto step = std::min(kStepBytes, end - at);
        bytes.resize(held + step);
        TM_ASSIGN(const auto got, text.readAt(at, bytes.data() + held, step));
        bytes.resize(held + got);
        at += got;
        const bool isLast = at == end || got < step;
        if (ends.take(bytes, isLast, recordBytesMax) || isLast) break;
    }
    return ends.found().value_or(end);
}

}  // namespace tidemill::sources
