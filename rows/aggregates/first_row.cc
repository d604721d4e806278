// first_row: the value of the first row, null or not, of which distinct makes whole rows.
#include "rows/aggregates/functions.h"

namespace tidemill::rows {
namespace {

// Calls f(record, row) for each row, also where its value is null.
template <class F>
void forEachRowOf(const GroupRows& rows, F&& f) {
    for (std::size_t i = 0; i < rows.count; ++i)
        f(rows.records[i], rows.rows == nullptr ? i : std::size_t{rows.rows[i]});
}

template <class T>
struct __attribute__((packed)) FirstValue {
    T value{};
    enum : std::uint8_t { kNone = 0, kValue = 1, kNull = 2 } seen = kNone;
};

template <Type type>
class FirstNumber final : public Accumulator {
public:
    using State = FirstValue<Held<type>>;
    std::size_t bytes() const override { return sizeof(State); }
    Type resultType() const override { return type; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        const auto* values = column.as<type>();
        forEachRowOf(rows, [&](std::byte* record, std::size_t row) {
            if (loadState<State>(record + offset).seen != State::kNone) return;
            State state;
            state.seen = column.isNull(row) ? State::kNull : State::kValue;
            if (state.seen == State::kValue) state.value = values[row];
            storeState(record + offset, state);
        });
    }
    void merge(std::byte* into, const std::byte* from) const override {
        if (loadState<State>(into).seen == State::kNone) storeState(into, loadState<State>(from));
    }
    void result(const std::byte* const* records, std::size_t count, std::size_t offset,
                ResultColumn& into) const override {
        for (std::size_t i = 0; i < count; ++i) {
            const auto state = loadState<State>(records[i] + offset);
            if (state.seen == State::kValue) into.values.as<type>()[i] = state.value;
            else into.values.setNull(i);
        }
    }
};

struct FirstText {
    std::string text;
    enum Seen : char { kNone = 0, kValue = 1, kNull = 2 } seen = kNone;

    void merge(const FirstText& other) {
        if (seen == kNone) *this = other;
    }
    std::size_t heldBytes() const { return text.capacity(); }
    void encode(std::string& out) const {
        out += static_cast<char>(seen);
        out += text;
    }
    static std::unique_ptr<FirstText> decode(std::string_view bytes) {
        const char seen = bytes.front();
        if (seen != kValue && seen != kNull) return nullptr;
        return std::make_unique<FirstText>(
            FirstText{std::string(bytes.substr(1)), static_cast<Seen>(seen)});
    }
};

class FirstTexts final : public ObjectAccumulator<FirstText> {
public:
    explicit FirstTexts(Type type) : type_(type) {}
    Type resultType() const override { return type_; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        const auto* values = column.as<Type::kText>();
        forEachRowOf(rows, [&](std::byte* record, std::size_t row) {
            if (objectAt(record + offset) != nullptr) return;
            auto& first = made(record + offset);
            first.seen = column.isNull(row) ? FirstText::kNull : FirstText::kValue;
            if (first.seen == FirstText::kValue) first.text = values[row];
        });
    }

private:
    void report(const FirstText* object, std::size_t row, ResultColumn& into) const override {
        into.values.as<Type::kText>()[row] = {};
        if (object == nullptr || object->seen != FirstText::kValue) return into.values.setNull(row);
        into.values.as<Type::kText>()[row] = into.arena.copy(object->text);
    }

    const Type type_;
};

}  // namespace

std::shared_ptr<const Accumulator> makeFirstRow(const AggregateCall& call, Type type) {
    if (call.function != "first_row") return nullptr;
    switch (type) {
        case Type::kInt: return std::make_shared<FirstNumber<Type::kInt>>();
        case Type::kFloat: return std::make_shared<FirstNumber<Type::kFloat>>();
        case Type::kBool: return std::make_shared<FirstNumber<Type::kBool>>();
        case Type::kTime: return std::make_shared<FirstNumber<Type::kTime>>();
        case Type::kText:
        case Type::kJson: break;
    }
    return std::make_shared<FirstTexts>(type);
}

}  // namespace tidemill::rows
