// Records of CSV (RFC 4180), which go on over line ends that stand in quotes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemill {

// How the records of a source are cut. A field is in quotes when it begins with one.
struct CsvRecords {
    char separator = ',';  // not a quote, and no part of a line end
    bool trim = false;     // blanks and tabs may stand before the quote that a field begins with
    bool operator==(const CsvRecords&) const = default;
};

namespace core {

// Whether a quote is open behind `line`, with or without its '\n'; `open`: one was before it, from
// an earlier line of the same record. What is in no quotes is as RFC 4180 has it or not: a quote
// inside of a field opens none.
bool isQuoteOpenBehind(std::string_view line, bool open, const CsvRecords& csv);

// What is to be done with the lines of a text, one after another. A record that would become longer
// than `recordBytesMax`, without its line end, ends before the line that makes it so: its quote is
// not closed then, and that line begins a new one. Thread safety: worker-confined.
class CsvCutter {
public:
    CsvCutter(CsvRecords csv, std::size_t recordBytesMax)
        : csv_(csv), recordBytesMax_(recordBytesMax) {}

    enum class Line : std::uint8_t {
        kGoesOn,   // the record goes on behind the line
        kEnds,     // it ends with it
        kTooLong,  // the line alone is too long, and no record
    };
    struct Verdict {
        // The record that was open ended before this line, which begins a new one.
        bool breaks = false;
        Line line = Line::kGoesOn;
    };

    // `line` with its '\n'; the last one of a text may lack it.
    Verdict take(std::string_view line);

    // Whether a line of which `begin` has come, without its end, is too long for the open record,
    // or for one of its own when none is open. One byte more may become the '\r' of its end.
    bool isTooLong(std::string_view begin) const;

    // A record is open: lines of it have come, but not its last.
    bool isOpen() const { return recordBytes_ != 0; }
    // The next line begins a record.
    void restart() { recordBytes_ = 0; }

private:
    CsvRecords csv_;
    std::size_t recordBytesMax_;
    std::size_t recordBytes_ = 0;  // of the open record, with the line ends
};

// Without its '\n' and one '\r' before that.
inline std::string_view withoutLineEnd(std::string_view line) {
    if (!line.ends_with('\n')) return line;
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// Calls take(record) for each record of `text`, which begins with one, without its line end, and
// tooLong() for each line that is none. The end of the text ends the last record. take returns
// false to stop.
template <class Take, class TooLong>
void cutCsvRecords(std::string_view text, CsvCutter cutter, Take&& take, TooLong&& tooLong) {
    std::size_t begin = 0;  // of the record
    for (std::size_t at = 0; at < text.size();) {
        const auto newline = text.find('\n', at);
        const auto end = newline == text.npos ? text.size() : newline + 1;
        const auto verdict = cutter.take(text.substr(at, end - at));
        if (verdict.breaks) {
            if (!take(withoutLineEnd(text.substr(begin, at - begin)))) return;
            begin = at;
        }
        at = end;
        if (verdict.line == CsvCutter::Line::kTooLong) {
            tooLong();
            begin = at;
        } else if (verdict.line == CsvCutter::Line::kEnds || at == text.size()) {
            if (!take(withoutLineEnd(text.substr(begin, at - begin)))) return;
            begin = at;
        }
    }
}

// "csv records with ','": another one makes other records of the same bytes.
std::string describe(const CsvRecords& csv);

}  // namespace core
}  // namespace tidemill
