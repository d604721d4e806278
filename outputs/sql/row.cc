#include "outputs/sql/row.h"

#include <cstring>

#include "core/format.h"

namespace tidemill::outputs {
namespace {

constexpr std::size_t kShownBytes = 4096;

// How many bytes at the beginning are ASCII and no NUL, by eights.
std::size_t plainBytes(std::string_view text) {
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        constexpr std::uint64_t kLow = 0x0101010101010101, kHigh = 0x8080808080808080;
        if (((word | (word - kLow)) & kHigh) != 0) break;
    }
    return at;
}

}  // namespace

const char* toString(SqlType type) {
    constexpr const char* kNames[] = {"int", "float", "bool", "text", "time", "json"};
    return kNames[static_cast<std::size_t>(type)];
}

std::string textOf(const std::vector<SqlColumn>& columns, SqlRow row) {
    std::string text = "(";
    for (std::size_t i = 0; i < row.size() && text.size() < kShownBytes; ++i) {
        const auto& cell = row[i];
        if (i != 0) text += ',';
        if (cell.isNull) {
            text += "null";
            continue;
        }
        switch (columns[i].type) {
            case SqlType::kFloat: core::appendElement(text, cell.real); break;
            case SqlType::kBool: text += cell.integer != 0 ? "true" : "false"; break;
            case SqlType::kText:
            case SqlType::kJson:
                core::appendPrintable(text, cell.text.substr(0, kShownBytes));
                break;
            case SqlType::kInt: text += std::to_string(cell.integer); break;
            case SqlType::kTime: text += std::to_string(cell.integer) + "us"; break;
        }
    }
    return text + ")";
}

std::string_view wrongText(std::string_view text) {
    for (std::size_t at = plainBytes(text); at < text.size();) {
        if (text[at] == '\0') return "holds a NUL byte";
        const auto length = core::utf8SequenceLength(text.substr(at));
        if (length == 0) return "is not UTF-8";
        at += length;
        if (length > 1) continue;
        at += plainBytes(text.substr(at));
    }
    return {};
}

}  // namespace tidemill::outputs
