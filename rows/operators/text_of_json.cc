#include "rows/operators/text_of_json.h"

#include "rows/format/value_text.h"
#include "rows/row_codec.h"

namespace tidemill::rows {

using core::Result;

namespace {

// The text of a JSON column: strings without their quotes.
class TextOfJson final : public Expression {
public:
    explicit TextOfJson(std::size_t place) : place_(place) {}
    Type type() const override { return Type::kText; }
    std::string text() const override { return "text of json"; }
    std::unique_ptr<Evaluator> makeEvaluator() const override {
        class Unquote final : public Evaluator {
        public:
            explicit Unquote(std::size_t place) : place_(place) {}
            Column evaluate(const Chunk& chunk, core::Arena& arena, RowFailures&) override {
                const Column& json = chunk.columns[place_];
                texts_.clearNulls();
                forEachRow(chunk, [&](std::size_t row) {
                    if (json.isNull(row)) return setNull(texts_, row);
                    texts_.as<Type::kText>()[row] =
                        arena.copy(unquotedJson(json.as<Type::kJson>()[row]));
                });
                return texts_.column();
            }

        private:
            const std::size_t place_;
            ColumnBuffer texts_{Type::kText};
        };
        return std::make_unique<Unquote>(place_);
    }

private:
    const std::size_t place_;
};

}  // namespace

Result<RowStream> withTextKeys(const RowStream& stream, const Schema& other,
                               const std::vector<std::string>& on) {
    std::vector<ComputedColumn> computed;
    for (const auto& name : on) {
        TM_ASSIGN(const auto place, stream.schema.indexOf(name));
        TM_ASSIGN(const auto otherPlace, other.indexOf(name));
        if (stream.schema[place].type == Type::kJson && other[otherPlace].type == Type::kText)
            computed.push_back({name, std::make_shared<TextOfJson>(place)});
    }
    if (computed.empty()) return stream;
    return compute(stream, std::move(computed));
}

}  // namespace tidemill::rows
