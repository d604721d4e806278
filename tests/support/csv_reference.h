// Records of CSV cut byte by byte, as the page on sources has it: what the code is compared with.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/csv_records.h"

namespace tidemill::test {

struct CsvReference {
    std::vector<std::string> records;
    std::vector<std::size_t> ends;  // offsets behind them and behind the lines that are too long
    std::size_t tooLong = 0;
};

// `finished`: the end of the text ends its last record; else that is not among them.
inline CsvReference cutSlowly(std::string_view text, const CsvRecords& csv, std::size_t max,
                              bool finished = true) {
    CsvReference all;
    std::size_t begin = 0;
    while (begin < text.size()) {
        // Line ends of the record, up to the one that ends it.
        std::vector<std::size_t> lineEnds;
        bool quoted = false, fieldStart = true, ended = false;
        for (std::size_t i = begin; i < text.size() && !ended; ++i) {
            const char c = text[i];
            const bool isMark = i < begin + 3 && text.substr(begin, 3) == "\xEF\xBB\xBF";
            if (quoted) {
                if (c == '\n') lineEnds.push_back(i);
                if (c != '"') continue;
                if (i + 1 < text.size() && text[i + 1] == '"') ++i;
                else quoted = false;
            } else if (c == '\n') {
                lineEnds.push_back(i);
                ended = true;
            } else if (c == '"' && fieldStart) {
                quoted = true;
                fieldStart = false;
            } else if (c == csv.separator) {
                fieldStart = true;
            } else if (!isMark && !(csv.trim && (c == ' ' || c == '\t'))) {
                fieldStart = false;
            }
        }
        const auto sizeTo = [&](std::size_t lineEnd) {
            return lineEnd - begin - (lineEnd > begin && text[lineEnd - 1] == '\r' ? 1 : 0);
        };
        const bool toTheEnd = !ended && (lineEnds.empty() || lineEnds.back() + 1 < text.size());
        std::size_t fitting = 0;  // lines that fit into one record
        while (fitting < lineEnds.size() && sizeTo(lineEnds[fitting]) <= max) ++fitting;
        const bool isWhole = fitting == lineEnds.size();
        const bool restFits = !toTheEnd || text.size() - begin <= max;
        const auto take = [&](std::size_t sizeBytes, std::size_t next) {
            all.records.emplace_back(text.substr(begin, sizeBytes));
            all.ends.push_back(next);
            begin = next;
        };
        if (isWhole && ended) {
            take(sizeTo(lineEnds.back()), lineEnds.back() + 1);
        } else if (isWhole && restFits) {
            if (!finished) break;
            if (toTheEnd) take(text.size() - begin, text.size());
            else take(sizeTo(lineEnds.back()), text.size());
        } else if (fitting != 0) {
            take(sizeTo(lineEnds[fitting - 1]), lineEnds[fitting - 1] + 1);
        } else {
            // The first line is too long: it may not have ended.
            if (lineEnds.empty() && text.find('\n', begin) == text.npos && !finished) break;
            ++all.tooLong;
            const auto newline = text.find('\n', begin);
            begin = newline == text.npos ? text.size() : newline + 1;
            all.ends.push_back(begin);
        }
    }
    return all;
}

// Short texts in which everything that matters is near everything else.
inline std::string randomCsv(std::mt19937& random, std::size_t sizeBytes) {
    static const std::vector<std::string> kPieces = {
        "\"", "\"",       "\n",    "\n",           ",",    ",",
        "a",  "bc",       "\"\"",  "\r\n",         " ",    "\t",
        "\r", "\"x\ny\"", "\",\"", "\xEF\xBB\xBF", "\xff", std::string(1, '\0')};
    std::string text;
    while (text.size() < sizeBytes) text += kPieces[random() % kPieces.size()];
    return text;
}

}  // namespace tidemill::test
