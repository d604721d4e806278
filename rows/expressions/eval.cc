#include "rows/expressions/eval.h"

#include <algorithm>

namespace tidemill::rows::expressions {
namespace {

class ColumnEval final : public Eval {
public:
    explicit ColumnEval(std::size_t column) : column_(column) {}
    Column run(Frame& frame, const Rows&) override { return frame.chunk.columns[column_]; }

private:
    std::size_t column_;
};

class ConstantEval final : public Eval {
public:
    explicit ConstantEval(const Value& value) : column_(value.type) {
        withType(value.type, [&](auto type) {
            auto* values = column_.as<type()>();
            std::fill(values, values + kChunkRows, value.as<type()>());
        });
        if (value.isNull) std::fill_n(column_.nullsForOverwrite(), kNullWords, ~std::uint64_t{0});
    }
    Column run(Frame&, const Rows&) override { return column_.column(); }

private:
    ColumnBuffer column_;
};

// Long expressions are cut: a message is for a person.
constexpr std::size_t kShownBytes = 100;

}  // namespace

void addFailure(Frame& frame, std::size_t row, const std::string& what,
                const std::string& message) {
    if (frame.failures.failed(row)) return;
    frame.failures.add(
        row,
        message + " in " + (what.size() <= kShownBytes ? what : what.substr(0, kShownBytes) + "…"));
}

std::unique_ptr<Eval> makeColumnEval(std::size_t column) {
    return std::make_unique<ColumnEval>(column);
}

std::unique_ptr<Eval> makeConstantEval(const Value& value) {
    return std::make_unique<ConstantEval>(value);
}

}  // namespace tidemill::rows::expressions
