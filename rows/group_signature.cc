// Signatures of stored groups, written and read.
#include "rows/group_layout.h"
#include "rows/json.h"

namespace tidemill::rows {
namespace {

constexpr Type kAllTypes[] = {Type::kInt,  Type::kFloat, Type::kBool,
                              Type::kText, Type::kTime,  Type::kJson};
constexpr std::string_view kLoose = "number";

void appendQuoted(std::string& out, const std::string& name) {
    appendJsonString(out, isUtf8(name) ? name : base64(name));
}

std::string numberText(double number) {
    std::string text = std::to_string(number);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
}

// Reads what appendQuoted and the words between it wrote. Empty results: it is something else.
class Words {
public:
    explicit Words(std::string_view text) : rest_(text) {}

    bool take(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    std::optional<std::string> quoted() {
        if (!take("\"")) return std::nullopt;
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            text += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!take("\"")) return std::nullopt;
        return text;
    }
    std::string word() {
        std::size_t size = 0;
        while (size < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[size])) ||
                                       rest_[size] == '_' || rest_[size] == '.'))
            ++size;
        std::string word(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return word;
    }

private:
    std::string_view rest_;
};

std::optional<Type> typeNamed(const std::string& name) {
    for (const auto type : kAllTypes)
        if (name == toString(type)) return type;
    return std::nullopt;
}

std::optional<ColumnSpec> keyColumn(Words& words) {
    const auto name = words.quoted();
    if (!name || !words.take(" ")) return std::nullopt;
    const auto type = typeNamed(words.word());
    if (!type) return std::nullopt;
    return ColumnSpec{*name, *type};
}

std::optional<AggregateColumn> aggregateColumn(Words& words) {
    AggregateColumn column;
    column.call.function = words.word();
    if (!words.take("(")) return std::nullopt;
    if (!words.take(")")) {
        const auto argument = words.quoted();
        if (!argument || !words.take(" ")) return std::nullopt;
        column.call.argument = *argument;
        column.type = typeNamed(words.word());
        if (!column.type) return std::nullopt;
        column.isLoose = words.take(std::string(" ") + std::string(kLoose));
        if (words.take(", ")) column.call.number = std::stod("0" + words.word());
        if (!words.take(")")) return std::nullopt;
    }
    auto made = makeAccumulator(column.call, column.type, column.isLoose);
    if (!made) return std::nullopt;
    column.accumulator = *made;
    return column;
}

// "[a, b]" by read(words) for each of the elements.
template <class T, class Read>
bool readList(Words& words, std::vector<T>& into, Read read) {
    if (!words.take("[")) return false;
    while (!words.take("]")) {
        if (!into.empty() && !words.take(", ")) return false;
        auto one = read(words);
        if (!one) return false;
        into.push_back(std::move(*one));
    }
    return true;
}

}  // namespace

std::string GroupLayout::signature() const {
    std::string text = " key=[";
    for (const auto& column : key_) {
        if (text.back() != '[') text += ", ";
        appendQuoted(text, column.name);
        text += std::string(" ") + toString(column.type);
    }
    text += "] value=[";
    for (const auto& aggregate : aggregates_) {
        if (text.back() != '[') text += ", ";
        text += aggregate.call.function + "(";
        if (aggregate.type) {
            appendQuoted(text, aggregate.call.argument);
            text += std::string(" ") + toString(*aggregate.type);
            if (aggregate.isLoose) text += " " + std::string(kLoose);
            if (aggregate.call.number) text += ", " + numberText(*aggregate.call.number);
        }
        text += ')';
    }
    text += "] names=[";
    for (const auto& aggregate : aggregates_) {
        if (text.back() != '[') text += ", ";
        appendQuoted(text, aggregate.name);
    }
    return text + "]";
}

std::shared_ptr<const GroupLayout> parseGroupSignature(std::string_view signature) {
    const auto begin = signature.find(" key=[");
    if (begin == signature.npos) return nullptr;
    Words words(signature.substr(begin));
    words.take(" key=");
    std::vector<ColumnSpec> key;
    std::vector<AggregateColumn> aggregates;
    std::vector<std::string> names;
    if (!readList(words, key, keyColumn) || !words.take(" value=") ||
        !readList(words, aggregates, aggregateColumn) || !words.take(" names=") ||
        !readList(words, names, [](Words& of) { return of.quoted(); }) ||
        names.size() != aggregates.size())
        return nullptr;
    for (std::size_t i = 0; i < names.size(); ++i) aggregates[i].name = names[i];
    return std::make_shared<GroupLayout>(std::move(key), std::move(aggregates));
}

}  // namespace tidemill::rows
