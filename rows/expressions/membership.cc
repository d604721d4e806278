#include "rows/expressions/membership.h"

#include <algorithm>
#include <memory>

#include "rows/expressions/comparison.h"

namespace tidemill::rows::expressions {
namespace {

// Few values are compared one by one, many are found by halving.
constexpr std::size_t kFew = 8;

// Sorted; immutable.
struct Values {
    std::vector<Value> owned;
    bool hasNull = false;
};

template <Type type>
class MembershipEval final : public Eval {
public:
    MembershipEval(Operands operands, std::shared_ptr<const Values> values)
        : of_(std::move(operands[0])), values_(std::move(values)) {
        for (const Value& value : values_->owned) list_.push_back(value.as<type>());
    }

    Column run(Frame& frame, const Rows& rows) override {
        const Column in = of_.run(frame, rows);
        const std::uint64_t* nulls = setNulls(out_, &in, 1);
        const Held<type>* values = in.as<type>();
        std::uint8_t* out = out_.as<Type::kBool>();
        if (list_.size() <= kFew && !isTextual(type)) {
            rows.forEachAtLeast([&](std::size_t i) { out[i] = 0; });
            for (const Held<type> one : list_)
                rows.forEachAtLeast(
                    [&](std::size_t i) { out[i] |= isEqual<type>(values[i], one); });
        } else if (list_.size() <= kFew) {
            rows.forEach([&](std::size_t i) {
                bool is = false;
                for (const auto& one : list_) is |= isEqual<type>(values[i], one);
                out[i] = is;
            });
        } else {
            rows.forEach([&](std::size_t i) {
                out[i] = std::binary_search(list_.begin(), list_.end(), values[i], isLess<type>);
            });
        }
        if (values_->hasNull)
            rows.forEach([&](std::size_t i) {
                if (out[i] == 0 && !isSet(nulls, i)) out_.setNull(i);
            });
        return out_.column();
    }

private:
    Operand of_;
    std::shared_ptr<const Values> values_;
    std::vector<Held<type>> list_;
    ColumnBuffer out_{Type::kBool};
};

}  // namespace

MakeEval membershipOf(Type type, const std::vector<Value>& values) {
    auto made = std::make_shared<Values>();
    for (const Value& value : values) {
        if (value.isNull) made->hasNull = true;
        else made->owned.push_back(value);
    }
    withType(type, [&](auto held) {
        constexpr Type t = held();
        std::sort(made->owned.begin(), made->owned.end(),
                  [](const Value& a, const Value& b) { return isLess<t>(a.as<t>(), b.as<t>()); });
    });
    return [type, made](Operands operands, const std::string&) {
        return withType(type, [&](auto held) -> std::unique_ptr<Eval> {
            return std::make_unique<MembershipEval<held()>>(std::move(operands), made);
        });
    };
}

}  // namespace tidemill::rows::expressions
