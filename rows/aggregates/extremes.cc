// min, max, first, last.
#include <cmath>

#include "rows/aggregates/functions.h"

namespace tidemill::rows {
namespace {

enum class Which { kLeast, kMost, kFirst, kLast };

// NaN orders after all numbers.
template <class T>
bool isBefore(const T& a, const T& b) {
    if constexpr (std::is_same_v<T, double>) return a < b || (std::isnan(b) && !std::isnan(a));
    else return a < b;
}

// True when `value`, which comes later in the stream, takes the place of `kept`.
template <Which which, class T>
bool takesPlace(const T& value, const T& kept) {
    if constexpr (which == Which::kLeast) return isBefore(value, kept);
    else if constexpr (which == Which::kMost) return isBefore(kept, value);
    else return which == Which::kLast;
}

template <class T, Which which>
struct __attribute__((packed)) Kept {
    T value{};
    std::uint8_t seen = 0;

    void add(T other) {
        if (seen != 0 && !takesPlace<which, T>(other, T(value))) return;
        value = other;
        seen = 1;
    }
    void merge(const Kept& other) {
        if (other.seen != 0) add(other.value);
    }
};

template <Type type, Which which>
class KeepNumber final : public FixedAccumulator<Kept<Held<type>, which>, type> {
public:
    Type resultType() const override { return type; }

private:
    void report(const Kept<Held<type>, which>& state, std::size_t row,
                ResultColumn& into) const override {
        if (state.seen == 0) return into.values.setNull(row);
        into.values.as<type>()[row] = state.value;
    }
};

template <Which which>
struct KeptText {
    std::string text;
    bool isSeen = false;

    void add(std::string_view other) {
        if (isSeen && !takesPlace<which, std::string_view>(other, text)) return;
        text = other;
        isSeen = true;
    }
    void merge(const KeptText& other) {
        if (other.isSeen) add(other.text);
    }
    std::size_t heldBytes() const { return text.capacity(); }
    void encode(std::string& out) const {
        out += '\1';
        out += text;
    }
    static std::unique_ptr<KeptText> decode(std::string_view bytes) {
        if (bytes.front() != '\1') return nullptr;
        return std::make_unique<KeptText>(KeptText{std::string(bytes.substr(1)), true});
    }
};

template <Which which>
class KeepText final : public ObjectAccumulator<KeptText<which>> {
public:
    explicit KeepText(Type type) : type_(type) {}
    Type resultType() const override { return type_; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        const auto* values = column.as<Type::kText>();
        forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
            this->made(record + offset).add(values[row]);
        });
    }

private:
    void report(const KeptText<which>* object, std::size_t row, ResultColumn& into) const override {
        into.values.as<Type::kText>()[row] = {};
        if (object == nullptr) return into.values.setNull(row);
        into.values.as<Type::kText>()[row] = into.arena.copy(object->text);
    }

    Type type_;
};

template <Which which>
std::shared_ptr<const Accumulator> make(Type type) {
    switch (type) {
        case Type::kInt: return std::make_shared<KeepNumber<Type::kInt, which>>();
        case Type::kFloat: return std::make_shared<KeepNumber<Type::kFloat, which>>();
        case Type::kBool: return std::make_shared<KeepNumber<Type::kBool, which>>();
        case Type::kTime: return std::make_shared<KeepNumber<Type::kTime, which>>();
        case Type::kText:
        case Type::kJson: break;
    }
    return std::make_shared<KeepText<which>>(type);
}

}  // namespace

std::shared_ptr<const Accumulator> makeExtreme(const AggregateCall& call, Type type) {
    if (call.function == "min") return make<Which::kLeast>(type);
    if (call.function == "max") return make<Which::kMost>(type);
    if (call.function == "first") return make<Which::kFirst>(type);
    if (call.function == "last") return make<Which::kLast>(type);
    return nullptr;
}

}  // namespace tidemill::rows
