#include "rows/group_text.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/format.h"
#include "core/logging.h"
#include "core/workers.h"
#include "rows/chunk.h"
#include "rows/format/value_text.h"
#include "rows/key_encoding.h"
#include "rows/parse_value.h"
#include "state/operators/cut_window.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

// Row 0 of the columns.
struct GroupText::Row {
    std::vector<std::string> names;
    std::vector<ColumnBuffer> columns;
    core::Arena arena;
};

std::unique_ptr<GroupText> GroupText::of(const std::string& signature) {
    auto layout = parseGroupSignature(signature);
    if (!layout) return nullptr;
    const bool isOfTwo = signature.find(" rows=older_newer") != signature.npos;
    return std::unique_ptr<GroupText>(new GroupText(std::move(layout), isOfTwo));
}

GroupText::GroupText(std::shared_ptr<const GroupLayout> layout, bool isOfTwo)
    : layout_(std::move(layout)), isOfTwo_(isOfTwo), row_(std::make_unique<Row>()) {
    for (const auto& column : layout_->key()) {
        row_->names.push_back(column.name);
        row_->columns.emplace_back(column.type);
    }
    for (const auto& aggregate : layout_->aggregates()) {
        row_->names.push_back(aggregate.name);
        row_->columns.emplace_back(aggregate.accumulator->resultType());
    }
}
GroupText::~GroupText() = default;

Result<> GroupText::read(std::string_view key, std::string_view value) {
    row_->arena.reset();
    for (auto& column : row_->columns) column.clearNulls();
    const std::size_t keys = layout_->key().size();
    if (!decodeKey(key, 0, std::span(row_->columns).first(keys)))
        return fail(ErrorKind::kCorrupt, "a stored key of " + std::to_string(key.size()) +
                                             " bytes is not of the table's columns");
    std::string merged(value);
    if (isOfTwo_) {
        try {
            const state::CutWindow<std::string, GroupMerge>::Value both{GroupMerge(layout_)};
            merged = both(state::ValueKind::kBytes, value);
        } catch (const core::TaskFailure& failure) {
            return fail(failure.error());
        }
    }
    GroupRecord record(*layout_);
    TM_TRY(layout_->decode(merged, record.get()));
    const std::byte* const place = record.get();
    for (std::size_t i = 0; i < layout_->aggregates().size(); ++i) {
        RowFailures failures;
        ResultColumn into{row_->columns[keys + i], row_->arena, failures};
        layout_->aggregates()[i].accumulator->result(&place, 1, layout_->offset(i), into);
        if (!failures.empty()) row_->columns[keys + i].setNull(0);  // over what can be told
    }
    return {};
}

Result<std::string> GroupText::json(std::string_view key, std::string_view value) {
    TM_TRY(read(key, value));
    std::string text;
    for (std::size_t i = 0; i < row_->names.size(); ++i) {
        if (i != 0) text += ", ";
        appendJsonMember(text, row_->names[i], row_->columns[i].column(), 0);
    }
    return text;
}

Result<std::string> GroupText::line(std::string_view key, std::string_view value) {
    TM_TRY(read(key, value));
    const std::size_t keys = layout_->key().size();
    std::string text;
    for (std::size_t i = 0; i < row_->names.size(); ++i) {
        const Column column = row_->columns[i].column();
        std::string printable, one;
        appendValue(one, column, 0);
        core::appendPrintable(printable, one);
        if (i == keys) text += '\t';
        else if (i != 0) text += i < keys ? "," : ", ";
        if (i >= keys) {
            text += row_->names[i] + "=" + (column.isNull(0) ? "null" : printable);
        } else if (column.isNull(0)) {
            text += "\\N";
        } else {
            for (const char c : one) {
                if (c == ',' || c == '\\') text += '\\';
                core::appendPrintable(text, std::string_view(&c, 1));
            }
        }
    }
    return text;
}

namespace {

// A column's part of a key as it is typed.
struct KeyPart {
    std::string text;
    bool isNull = false;  // \N stands behind the text
};

// The parts between commas, without their backslashes.
std::vector<KeyPart> partsOf(const std::string& text) {
    std::vector<KeyPart> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            if (text[++i] == 'N') parts.back().isNull = true;
            else parts.back().text += text[i];
        } else if (text[i] == ',') {
            parts.emplace_back();
        } else {
            parts.back().text += text[i];
        }
    }
    return parts;
}

// NAME=VALUE for each column, in any order: puts the values into the columns' order. False: they
// are not given so.
bool sortByName(std::vector<KeyPart>& parts, std::span<const ColumnSpec> key) {
    if (parts.size() != key.size()) return false;
    std::vector<KeyPart> sorted;
    for (const auto& column : key) {
        const std::string begin = column.name + "=";
        const auto found = std::find_if(parts.begin(), parts.end(), [&](const KeyPart& part) {
            return part.text.starts_with(begin);
        });
        if (found == parts.end()) return false;
        sorted.push_back({found->text.substr(begin.size()), found->isNull});
    }
    parts = std::move(sorted);
    return true;
}

// Reads `part` into row 0; false when it is no value of the column's type.
bool readPart(const KeyPart& part, Type type, ColumnBuffer& into) {
    if (part.isNull) {
        if (isTextual(type)) into.as<Type::kText>()[0] = {};
        into.setNull(0);
        return part.text.empty();
    }
    switch (type) {
        case Type::kInt: return parseInt(part.text, into.as<Type::kInt>()[0]) == Parsed::kValue;
        case Type::kFloat:
            return parseFloat(part.text, into.as<Type::kFloat>()[0]) == Parsed::kValue;
        case Type::kBool: return parseBool(part.text, into.as<Type::kBool>()[0]) == Parsed::kValue;
        case Type::kTime: return parseTime(part.text, into.as<Type::kTime>()[0]) == Parsed::kValue;
        case Type::kText:
        case Type::kJson: into.as<Type::kText>()[0] = part.text; return true;
    }
    return false;
}

}  // namespace

Result<std::string> GroupText::key(const std::string& text) const {
    const auto& key = layout_->key();
    if (key.empty() && text.empty()) return std::string();
    const auto wrong = [&](const std::string& why) {
        std::string columns;
        for (const auto& column : key)
            columns += (columns.empty() ? "" : ", ") + column.name + " " + toString(column.type);
        return fail(ErrorKind::kInvalid, "\"" + core::escaped(text) +
                                             "\" is no key of this table: " + why +
                                             "; its keys are (" + columns +
                                             "), values with commas between them or NAME=VALUE "
                                             "for each, null as \\N");
    };
    auto parts = partsOf(text);
    if (parts.size() != key.size())
        return wrong("it has " + std::to_string(parts.size()) +
                     (parts.size() == 1 ? " value" : " values") + " for " +
                     std::to_string(key.size()));
    sortByName(parts, key);
    std::vector<ColumnBuffer> buffers;
    buffers.reserve(key.size());  // the columns point into them
    std::vector<Column> columns;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < key.size(); ++i) {
        auto& buffer = buffers.emplace_back(key[i].type);
        if (!readPart(parts[i], key[i].type, buffer))
            return wrong("\"" + core::escaped(parts[i].text) + (parts[i].isNull ? "\\N" : "") +
                         "\" is no " + toString(key[i].type) + " for " + key[i].name);
        columns.push_back(buffer.column());
        places.push_back(i);
    }
    Chunk chunk;
    chunk.rows = chunk.selectedCount = 1;
    chunk.columns = columns;
    KeyEncoder encoder(places);
    return std::string(encoder.encode(chunk)[0]);
}

}  // namespace tidemill::rows
