#include "rows/group_text.h"

#include <charconv>

#include "core/arena.h"
#include "core/format.h"
#include "core/workers.h"
#include "rows/chunk.h"
#include "rows/format/value_text.h"
#include "rows/key_encoding.h"
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

Result<std::string> GroupText::key(const std::string& text) const {
    // The parts between commas, without their backslashes; none for \N.
    std::vector<std::optional<std::string>> parts(1, std::string());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            if (text[++i] == 'N') parts.back().reset();
            else if (parts.back()) *parts.back() += text[i];
        } else if (text[i] == ',') {
            parts.emplace_back(std::string());
        } else if (parts.back()) {
            *parts.back() += text[i];
        }
    }
    const auto& key = layout_->key();
    if (key.empty() && text.empty()) return std::string();
    const auto wrong = [&] {
        std::string columns;
        for (const auto& column : key)
            columns += (columns.empty() ? "" : ", ") + column.name + " " + toString(column.type);
        return fail(ErrorKind::kInvalid, "\"" + text +
                                             "\" is no key of this table: its keys are (" +
                                             columns + "), with commas between them");
    };
    if (parts.size() != key.size()) return wrong();
    std::vector<ColumnBuffer> buffers;
    buffers.reserve(key.size());  // the columns point into them
    std::vector<Column> columns;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < key.size(); ++i) {
        auto& buffer = buffers.emplace_back(key[i].type);
        if (isTextual(key[i].type))
            buffer.as<Type::kText>()[0] =
                parts[i] ? std::string_view(*parts[i]) : std::string_view();
        const auto number = [&](auto& into) {
            const char* const end = parts[i]->data() + parts[i]->size();
            const auto read = std::from_chars(parts[i]->data(), end, into);
            return read.ec == std::errc() && read.ptr == end;
        };
        if (!parts[i]) buffer.setNull(0);
        else if (key[i].type == Type::kFloat && !number(buffer.as<Type::kFloat>()[0]))
            return wrong();
        else if (key[i].type == Type::kInt && !number(buffer.as<Type::kInt>()[0])) return wrong();
        else if (key[i].type == Type::kBool) buffer.as<Type::kBool>()[0] = *parts[i] == "true";
        else if (key[i].type == Type::kTime) {
            std::int64_t micros = 0;
            if (!number(micros)) return wrong();
            buffer.as<Type::kTime>()[0] = micros;
        }
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
