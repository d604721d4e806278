#include "tools/row.h"

#include <charconv>
#include <ostream>

namespace tidemill::tools {
namespace {

template <class N>
Field shortest(N number) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return {Field::Kind::kNumber, std::string(digits, end)};
}

}  // namespace

Field textField(std::string_view text) { return {Field::Kind::kText, std::string(text)}; }
Field numberField(std::int64_t number) { return shortest(number); }
Field numberField(double number) { return shortest(number); }

std::ostream& operator<<(std::ostream& out, const Row& row) {
    out << '(';
    for (std::size_t i = 0; i < row.fields.size(); ++i)
        out << (i == 0 ? "" : ",") << row.fields[i].text;
    return out << ')';
}

}  // namespace tidemill::tools
