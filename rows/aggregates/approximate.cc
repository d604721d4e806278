// approx_distinct and approx_percentile, over sketches.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "rows/aggregates/functions.h"
#include "rows/key_encoding.h"
#include "rows/sketches/distinct_sketch.h"
#include "rows/sketches/percentile_sketch.h"

namespace tidemill::rows {
namespace {

// A sketch as ObjectAccumulator wants it.
template <class Sketch>
struct Stored : Sketch {
    Stored() = default;
    explicit Stored(Sketch sketch) : Sketch(std::move(sketch)) {}
    static std::unique_ptr<Stored> decode(std::string_view bytes) {
        auto sketch = Sketch::decode(bytes);
        return sketch ? std::make_unique<Stored>(std::move(*sketch)) : nullptr;
    }
};
using StoredDistinct = Stored<DistinctSketch>;
using StoredPercentile = Stored<PercentileSketch>;

class ApproxDistinct final : public ObjectAccumulator<StoredDistinct> {
public:
    Type resultType() const override { return Type::kInt; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        std::string form;
        forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
            form.clear();
            appendKeyValue(form, column, row);
            made(record + offset).add(form);
        });
    }

private:
    void report(const StoredDistinct* object, std::size_t row, ResultColumn& into) const override {
        into.values.as<Type::kInt>()[row] =
            object == nullptr ? 0 : static_cast<std::int64_t>(object->estimate());
    }
};

template <Type type>
class ApproxPercentile final : public ObjectAccumulator<StoredPercentile> {
public:
    explicit ApproxPercentile(double share) : share_(share) {}
    Type resultType() const override { return Type::kFloat; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        const auto* values = column.as<type>();
        forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
            made(record + offset).add(static_cast<double>(values[row]));
        });
    }

private:
    void report(const StoredPercentile* object, std::size_t row,
                ResultColumn& into) const override {
        const auto value = object == nullptr ? std::nullopt : object->at(share_);
        if (!value) return into.values.setNull(row);
        into.values.as<Type::kFloat>()[row] = *value;
    }

    const double share_;
};

}  // namespace

std::shared_ptr<const Accumulator> makeApproximate(const AggregateCall& call, Type type) {
    if (call.function == "approx_distinct") return std::make_shared<ApproxDistinct>();
    if (call.function != "approx_percentile") return nullptr;
    if (type == Type::kInt) return std::make_shared<ApproxPercentile<Type::kInt>>(*call.number);
    if (type == Type::kFloat) return std::make_shared<ApproxPercentile<Type::kFloat>>(*call.number);
    return nullptr;
}

}  // namespace tidemill::rows
