// Rows for tests: a reader that takes a line apart at blanks, rows as printed tuples, and columns
// named as expressions.
#pragma once

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rows/format/value_text.h"
#include "rows/row_stream.h"
#include "tests/support/batch_harness.h"

namespace tidemill::rows::test {

// "a 7 -" for (text, int, float): "-" is null; what is no number fails the row.
class BlankReader final : public Reader {
public:
    explicit BlankReader(Schema schema) : schema_(std::move(schema)) {}
    const Schema& schema() const override { return schema_; }
    std::unique_ptr<RowReader> makeRowReader() const override {
        return std::make_unique<Rows>(schema_);
    }

private:
    class Rows final : public RowReader {
    public:
        explicit Rows(const Schema& schema) : schema_(schema) {
            for (const auto& column : schema.columns()) buffers_.emplace_back(column.type);
            columns_.resize(buffers_.size());
        }
        std::span<const Column> read(std::span<const std::string_view> records, core::Arena&,
                                     RowFailures& failures) override {
            for (auto& buffer : buffers_) buffer.clearNulls();
            for (std::size_t row = 0; row < records.size(); ++row) {
                auto rest = records[row];
                for (std::size_t i = 0; i < buffers_.size(); ++i) {
                    const auto end = std::min(rest.find(' '), rest.size());
                    set(rest.substr(0, end), row, i, failures);
                    rest.remove_prefix(std::min(end + 1, rest.size()));
                }
            }
            for (std::size_t i = 0; i < buffers_.size(); ++i) columns_[i] = buffers_[i].column();
            return columns_;
        }

    private:
        void set(std::string_view text, std::size_t row, std::size_t i, RowFailures& failures) {
            auto& buffer = buffers_[i];
            if (isTextual(buffer.type())) buffer.as<Type::kText>()[row] = text;
            if (text == "-") return buffer.setNull(row);
            bool good = true;
            const auto read = [&](auto& into) {
                good = std::from_chars(text.data(), text.data() + text.size(), into).ptr ==
                       text.data() + text.size();
            };
            if (buffer.type() == Type::kInt) read(buffer.as<Type::kInt>()[row]);
            if (buffer.type() == Type::kFloat) read(buffer.as<Type::kFloat>()[row]);
            if (!good) failures.add(row, schema_[i].name + ": \"" + std::string(text) + "\"");
        }

        const Schema& schema_;
        std::vector<ColumnBuffer> buffers_;
        std::vector<Column> columns_;
    };

    Schema schema_;
};

inline RowStream rowsOf(const DStream<std::string_view>& lines, std::vector<ColumnSpec> columns) {
    return readRows(lines,
                    std::make_shared<BlankReader>(core::orThrow(Schema::of(std::move(columns)))));
}

// Each row as a text: f(chunk, row).
template <class F>
DStream<std::string> textsOf(const RowStream& rows, F f) {
    class TextsNode final : public core::NarrowNode<Chunk, std::string> {
    public:
        TextsNode(std::shared_ptr<core::StreamNode<Chunk>> from, F f)
            : NarrowNode("texts", std::move(from)), f_(std::move(f)) {}

    private:
        class TextsSink final : public core::Sink<Chunk> {
        public:
            TextsSink(const F& f, core::Downstream<std::string> below)
                : f_(f), below_(std::move(below)) {}
            void take(std::span<Chunk> chunks) override {
                std::vector<std::string> out;
                for (const auto& chunk : chunks)
                    forEachRow(chunk, [&](std::size_t row) { out.push_back(f_(chunk, row)); });
                if (!out.empty()) below_->take(out);
            }
            void finish() override { below_->finish(); }

        private:
            const F& f_;
            core::Downstream<std::string> below_;
        };
        std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext&,
                                                    core::Downstream<std::string> below) override {
            return std::make_unique<TextsSink>(f_, std::move(below));
        }

        const F f_;
    };
    return {rows.job, rows.job->graph.add(std::make_shared<TextsNode>(rows.node, std::move(f)))};
}

// The rows as printed tuples.
inline DStream<std::string> tuples(const RowStream& rows) {
    return textsOf(rows, [](const Chunk& chunk, std::size_t row) {
        std::string text;
        appendTuple(text, chunk, row);
        return text;
    });
}

// The column at `place` with its values.
class ColumnExpression final : public Expression {
public:
    ColumnExpression(std::size_t place, Type type) : place_(place), type_(type) {}
    Type type() const override { return type_; }
    std::string text() const override { return "column " + std::to_string(place_); }
    std::unique_ptr<Evaluator> makeEvaluator() const override {
        class Same final : public Evaluator {
        public:
            explicit Same(std::size_t place) : place_(place) {}
            Column evaluate(const Chunk& chunk, core::Arena&, RowFailures&) override {
                return chunk.columns[place_];
            }

        private:
            std::size_t place_;
        };
        return std::make_unique<Same>(place_);
    }

private:
    std::size_t place_;
    Type type_;
};

// f(value) for each int of a column, of type int or bool; f may fail a row by throwing a text.
template <Type kOut, class F>
class IntExpression final : public Expression {
public:
    IntExpression(std::size_t place, F f) : place_(place), f_(std::move(f)) {}
    Type type() const override { return kOut; }
    std::string text() const override { return "f"; }
    std::unique_ptr<Evaluator> makeEvaluator() const override {
        class Each final : public Evaluator {
        public:
            Each(std::size_t place, const F& f) : place_(place), f_(f) {}
            Column evaluate(const Chunk& chunk, core::Arena&, RowFailures& failures) override {
                out_.clearNulls();
                const Column& column = chunk.columns[place_];
                forEachRow(chunk, [&](std::size_t row) {
                    if (column.isNull(row)) return out_.setNull(row);
                    try {
                        out_.template as<kOut>()[row] =
                            static_cast<Held<kOut>>(f_(column.as<Type::kInt>()[row]));
                    } catch (const char* what) {
                        failures.add(row, what);
                    }
                });
                return out_.column();
            }

        private:
            std::size_t place_;
            const F& f_;
            ColumnBuffer out_{kOut};
        };
        return std::make_unique<Each>(place_, f_);
    }

private:
    std::size_t place_;
    F f_;
};

template <Type kOut, class F>
std::shared_ptr<const Expression> ofInt(std::size_t place, F f) {
    return std::make_shared<IntExpression<kOut, F>>(place, std::move(f));
}

}  // namespace tidemill::rows::test
