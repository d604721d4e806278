#include "rows/sort_key.h"

#include <cmath>
#include <cstdint>

#include "core/key_codec.h"
#include "rows/number.h"

namespace tidemill::rows {
namespace {

enum Class : char { kNumber = 0, kValue = 1, kNan = 2, kNull = 3 };

// Exact for whole numbers of 64 bits and for floating point: both are told by a sign, an exponent
// and 64 bits of mantissa.
void appendNumber(std::string& out, const Number& number) {
    const long double value = number.isWhole ? static_cast<long double>(number.whole)
                                             : static_cast<long double>(number.real);
    int exponent = 0;
    const long double mantissa = std::frexp(std::fabs(value), &exponent);
    const auto bits = static_cast<std::uint64_t>(std::ldexp(mantissa, 64));
    const bool isNegative = value < 0;
    out += value == 0 ? '\1' : isNegative ? '\0' : '\2';
    const std::size_t begin = out.size();
    core::appendBigEndian(static_cast<std::uint16_t>(value == 0 ? 0 : exponent + 0x4000), out);
    core::appendBigEndian(bits, out);
    if (isNegative)
        for (std::size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
}

// Ends with two zeros, and holds no others.
void appendText(std::string& out, std::string_view text) {
    for (const char c : text) {
        out += c;
        if (c == '\0') out += '\xFF';
    }
    out.append(2, '\0');
}

// What comes behind the class, ascending.
Class appendValue(std::string& out, const Column& column, std::size_t row, bool isLoose) {
    switch (column.type) {
        case Type::kInt:
        case Type::kTime:
            core::appendBigEndian(core::key_detail::orderedBits(column.as<Type::kInt>()[row]), out);
            return kValue;
        case Type::kFloat: {
            const double value = column.as<Type::kFloat>()[row];
            if (std::isnan(value)) return kNan;
            core::appendBigEndian(core::key_detail::orderedBits(value), out);
            return kValue;
        }
        case Type::kBool: out += static_cast<char>(column.as<Type::kBool>()[row]); return kValue;
        case Type::kText:
        case Type::kJson: break;
    }
    const auto text = column.as<Type::kText>()[row];
    if (Number number; isLoose && parseNumber(text, number) == NumberText::kNumber) {
        appendNumber(out, number);
        return kNumber;
    }
    appendText(out, text);
    return kValue;
}

}  // namespace

void appendSortKey(std::string& out, const Chunk& chunk, std::size_t row,
                   const std::vector<SortColumn>& columns) {
    for (const auto& by : columns) {
        const Column& column = chunk.columns[by.place];
        const std::size_t begin = out.size();
        out += kNull;
        if (column.isNull(row)) continue;
        const Class kind = appendValue(out, column, row, by.isLoose);
        out[begin] = kind;
        if (by.isDescending)
            for (std::size_t i = begin + 1; i < out.size(); ++i)
                out[i] = static_cast<char>(~out[i]);
    }
}

}  // namespace tidemill::rows
