// Rows: records with named fields, as job files take them out of lines and compute with them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::tools {

// A field's text; numbers and JSON are written without quotes where the output is JSON.
struct Field {
    enum class Kind : std::uint8_t { kText, kNumber, kJson } kind = Kind::kText;
    std::string text;
    bool operator==(const Field&) const = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(kind, text);
    }
};

Field textField(std::string_view text);
Field numberField(std::int64_t number);
// The shortest text that reads back as the same number.
Field numberField(double number);

// The names are the stream's, not the row's.
struct Row {
    std::vector<Field> fields;
    bool operator==(const Row&) const = default;
};

// (a,b,c), as a tuple is printed.
std::ostream& operator<<(std::ostream& out, const Row& row);

}  // namespace tidemill::tools
