#include "python/native/row_columns.h"

#include <cstring>
#include <string_view>

#include "core/batch.h"
#include "python/native/errors.h"
#include "python/native/row_values.h"
#include "python/native/utf8.h"
#include "rows/outputs/scan_rows.h"

namespace tidemill::python {
namespace {

using rows::Chunk;
using rows::Column;
using rows::Type;

std::string replaced(std::string_view text) {
    const GilScope gil;
    return textOf(
        orThrow(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"))
            .get());
}

template <class T>
void append(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Rows of one partition, and then of all, added to a column.
class ColumnBuilder {
public:
    explicit ColumnBuilder(const rows::ColumnSpec& spec) {
        column_->name = spec.name;
        column_->type = spec.type;
        if (rows::isTextual(spec.type)) append(column_->values, std::int64_t{0});
    }

    void add(const Column& from, std::size_t row) {
        auto& to = *column_;
        const bool isNull = from.isNull(row);
        if (isNull) setNull(to.size);
        else if (!to.present.empty()) setPresent(to.size);
        ++to.size;
        switch (from.type) {
            case Type::kBool: append(to.values, from.as<Type::kBool>()[row]); return;
            case Type::kFloat: append(to.values, from.as<Type::kFloat>()[row]); return;
            case Type::kInt: append(to.values, from.as<Type::kInt>()[row]); return;
            case Type::kTime: append(to.values, from.as<Type::kTime>()[row]); return;
            case Type::kText:
            case Type::kJson: break;
        }
        if (!isNull) {
            const std::string_view text = from.as<Type::kText>()[row];
            if (isUtf8(text)) to.text += text;
            else to.text += replaced(text);
        }
        append(to.values, static_cast<std::int64_t>(to.text.size()));
    }

    void add(const RowColumn& from) {
        auto& to = *column_;
        if (from.nullCount != 0 || !to.present.empty())
            for (std::size_t row = 0; row < from.size; ++row) {
                if (from.isNull(row)) setNull(to.size + row);
                else if (!to.present.empty()) setPresent(to.size + row);
            }
        to.size += from.size;
        if (!rows::isTextual(to.type)) {
            to.values += from.values;
            return;
        }
        const auto before = static_cast<std::int64_t>(to.text.size());
        for (std::size_t row = 1; row <= from.size; ++row) {
            std::int64_t end = 0;
            std::memcpy(&end, from.values.data() + row * sizeof end, sizeof end);
            append(to.values, before + end);
        }
        to.text += from.text;
    }

    std::shared_ptr<const RowColumn> column() const { return column_; }

private:
    void setPresent(std::size_t row) {
        auto& bits = column_->present;
        if (bits.size() <= row / 8) bits.resize(row / 8 + 1);
        bits[row / 8] = static_cast<char>(bits[row / 8] | 1 << (row % 8));
    }
    void setNull(std::size_t row) {
        auto& bits = column_->present;
        if (bits.empty())
            for (std::size_t before = 0; before < row; ++before) setPresent(before);
        if (bits.size() <= row / 8) bits.resize(row / 8 + 1);
        ++column_->nullCount;
    }

    std::shared_ptr<RowColumn> column_ = std::make_shared<RowColumn>();
};

std::vector<ColumnBuilder> buildersOf(const rows::Schema& schema) {
    return {schema.columns().begin(), schema.columns().end()};
}

class ColumnsSink final : public core::Sink<Chunk> {
public:
    explicit ColumnsSink(std::vector<ColumnBuilder>& into) : into_(into) {}
    void take(std::span<Chunk> chunks) override {
        for (const Chunk& chunk : chunks)
            for (std::size_t i = 0; i < into_.size(); ++i)
                rows::forEachRow(chunk,
                                 [&](std::size_t row) { into_[i].add(chunk.columns[i], row); });
    }
    void finish() override {}
    bool flush() override { return true; }

private:
    std::vector<ColumnBuilder>& into_;
};

// A text's end in front of row 0 is that of nothing.
template <class T>
T elementOf(const RowColumn& column, std::size_t place) {
    T value;
    std::memcpy(&value, column.values.data() + place * sizeof value, sizeof value);
    return value;
}

Object valueIn(const RowColumn& column, std::size_t row) {
    if (column.isNull(row)) return Object::borrowed(Py_None);
    switch (column.type) {
        case Type::kInt: return rowInt(elementOf<std::int64_t>(column, row));
        case Type::kFloat: return rowFloat(elementOf<double>(column, row));
        case Type::kBool: return rowBool(elementOf<char>(column, row) != 0);
        case Type::kTime: return rowTime(elementOf<std::int64_t>(column, row));
        case Type::kText:
        case Type::kJson: break;
    }
    const auto begin = static_cast<std::size_t>(elementOf<std::int64_t>(column, row));
    const auto end = static_cast<std::size_t>(elementOf<std::int64_t>(column, row + 1));
    const auto text = std::string_view(column.text).substr(begin, end - begin);
    return column.type == Type::kText ? rowText(text) : rowJson(text);
}

}  // namespace

RowColumns collectColumns(core::StreamNode<Chunk>& node, core::BatchRun& run,
                          const rows::Schema& schema, std::size_t rowsMax) {
    std::vector<ColumnBuilder> all = buildersOf(schema);
    if (rowsMax != rows::kAllRows) {
        rows::scanRows(node, run, rowsMax, [&](const Chunk& chunk, std::size_t row) {
            for (std::size_t i = 0; i < all.size(); ++i) all[i].add(chunk.columns[i], row);
        });
    } else {
        const Batch<Chunk> batch(node, run);
        std::vector<std::vector<ColumnBuilder>> parts;
        for (std::uint32_t i = 0; i < batch.partitions(); ++i) parts.push_back(buildersOf(schema));
        batch.scanInParallel([&](std::uint32_t partition) {
            return std::make_unique<ColumnsSink>(parts[partition]);
        });
        for (const auto& part : parts)
            for (std::size_t i = 0; i < all.size(); ++i) all[i].add(*part[i].column());
    }
    RowColumns columns;
    for (const auto& builder : all) columns.push_back(builder.column());
    return columns;
}

Object listOf(const RowColumn& column) {
    auto list = orThrow(PyList_New(static_cast<Py_ssize_t>(column.size)));
    for (std::size_t row = 0; row < column.size; ++row)
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(row), valueIn(column, row).release());
    return list;
}

}  // namespace tidemill::python
