// Functions that make texts, in the arena.
#include <algorithm>
#include <array>
#include <cstring>

#include "rows/expressions/call.h"
#include "rows/expressions/function_table.h"
#include "rows/expressions/text_case.h"
#include "rows/expressions/utf8.h"

namespace tidemill::rows::expressions {
namespace {

using Text = std::string_view;
using Int = std::int64_t;
constexpr Type kInt = Type::kInt, kText = Type::kText;

// A function must not make of one record what memory does not hold.
constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;

bool isTooLarge(Call& call, const char* function, std::size_t bytes) {
    if (bytes <= kTextBytesMax) return false;
    call.fail(std::string(function) + " would make a text of more than " +
              std::to_string(kTextBytesMax) + " bytes");
    return true;
}

Text lower(Call& call, Text text) { return lowerCase(text, call.arena); }
Text upper(Call& call, Text text) { return upperCase(text, call.arena); }

Text concatenated(Call& call, Text a, Text b) {
    if (isTooLarge(call, "||", a.size() + b.size())) return {};
    char* out = call.arena.allocate(a.size() + b.size());
    if (!a.empty()) std::memcpy(out, a.data(), a.size());
    if (!b.empty()) std::memcpy(out + a.size(), b.data(), b.size());
    return {out, a.size() + b.size()};
}

Text replaced(Call& call, Text text, Text from, Text to) {
    if (from.empty()) return text;
    std::size_t count = 0;
    for (std::size_t at = text.find(from); at != Text::npos; at = text.find(from, at + from.size()))
        ++count;
    if (count == 0) return text;
    const std::size_t size = text.size() - count * from.size() + count * to.size();
    if (isTooLarge(call, "replace", size)) return {};
    char* const out = call.arena.allocate(size);
    char* end = out;
    std::size_t begin = 0;
    const auto append = [&](Text part) {
        if (!part.empty()) std::memcpy(end, part.data(), part.size());
        end += part.size();
    };
    for (std::size_t at = text.find(from); at != Text::npos; at = text.find(from, begin)) {
        append(text.substr(begin, at - begin));
        append(to);
        begin = at + from.size();
    }
    append(text.substr(begin));
    return {out, size};
}

// Fill characters before or behind until `count` are there; a longer text is cut at its end.
Text padded(Call& call, Text text, Int count, Text fill, bool isBefore) {
    const auto wanted = static_cast<std::size_t>(std::max<Int>(count, 0));
    if (isTooLarge(call, isBefore ? "lpad" : "rpad", wanted)) return {};
    const std::size_t has = characterCount(text);
    if (has >= wanted) return text.substr(0, offsetOf(text, wanted));
    if (fill.empty()) return text;
    const std::size_t missing = wanted - has, of = characterCount(fill);
    if (of == 0) return text;
    const std::size_t whole = missing / of;
    const Text part = fill.substr(0, offsetOf(fill, missing % of));
    const std::size_t size = text.size() + whole * fill.size() + part.size();
    if (isTooLarge(call, isBefore ? "lpad" : "rpad", size)) return {};
    char* const out = call.arena.allocate(size);
    char* end = out;
    const auto append = [&](Text bytes) {
        if (!bytes.empty()) std::memcpy(end, bytes.data(), bytes.size());
        end += bytes.size();
    };
    if (!isBefore) append(text);
    for (std::size_t i = 0; i < whole; ++i) append(fill);
    append(part);
    if (isBefore) append(text);
    return {out, size};
}

Text lpadWith(Call& call, Text text, Int count, Text fill) {
    return padded(call, text, count, fill, true);
}
Text rpadWith(Call& call, Text text, Int count, Text fill) {
    return padded(call, text, count, fill, false);
}
Text lpad(Call& call, Text text, Int count) { return padded(call, text, count, " ", true); }
Text rpad(Call& call, Text text, Int count) { return padded(call, text, count, " ", false); }

Text repeated(Call& call, Text text, Int count) {
    if (count <= 0 || text.empty()) return {};
    const auto times = static_cast<std::size_t>(count);
    if (times > kTextBytesMax || isTooLarge(call, "repeat", times * text.size())) {
        if (times > kTextBytesMax) isTooLarge(call, "repeat", times);
        return {};
    }
    char* const out = call.arena.allocate(times * text.size());
    for (std::size_t i = 0; i < times; ++i)
        std::memcpy(out + i * text.size(), text.data(), text.size());
    return {out, times * text.size()};
}

Text reversed(Call& call, Text text) {
    char* const out = call.arena.allocate(text.size());
    std::size_t end = text.size();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t next = nextCharacter(text, at);
        end -= next - at;
        std::memcpy(out + end, text.data() + at, next - at);
        at = next;
    }
    return {out, text.size()};
}

// Also initcap's rule: a letter or digit begins a word behind what is neither.
Text initcap(Call& call, Text text) {
    const Text lowered = lowerCase(text, call.arena);
    char* const out = call.arena.allocate(lowered.size());
    bool isInWord = false;
    for (std::size_t i = 0; i < lowered.size(); ++i) {
        const auto byte = static_cast<unsigned char>(lowered[i]);
        const bool isLetter = byte >= 'a' && byte <= 'z';
        out[i] = isLetter && !isInWord ? static_cast<char>(byte - 0x20) : lowered[i];
        isInWord = isLetter || (byte >= '0' && byte <= '9') || byte >= 0x80;
    }
    return {out, lowered.size()};
}

// concat and concat_ws: null arguments are passed over; only a null separator makes null.
class JoinEval final : public Eval {
public:
    JoinEval(Operands operands, bool hasSeparator, std::string what)
        : operands_(std::move(operands)), hasSeparator_(hasSeparator), what_(std::move(what)) {}

    Column run(Frame& frame, const Rows& rows) override {
        in_.clear();
        for (const Operand& operand : operands_) in_.push_back(operand.run(frame, rows));
        out_.clearNulls();
        if (hasSeparator_) setNulls(out_, in_.data(), 1);
        Text* out = out_.as<kText>();
        const std::uint64_t* nulls = out_.column().nulls;
        rows.forEach([&](std::size_t i) {
            if (isSet(nulls, i)) {
                out[i] = {};
                return;
            }
            const Text separator = hasSeparator_ ? in_[0].as<kText>()[i] : Text();
            std::size_t size = 0, parts = 0;
            for (std::size_t k = hasSeparator_; k < in_.size(); ++k) {
                if (isSet(in_[k].nulls, i)) continue;
                size += in_[k].as<kText>()[i].size();
                ++parts;
            }
            size += parts > 1 ? (parts - 1) * separator.size() : 0;
            if (size > kTextBytesMax) {
                addFailure(frame, i, what_,
                           "a text of " + std::to_string(size) + " bytes is too large");
                out_.setNull(i);
                out[i] = {};
                return;
            }
            char* end = frame.arena.allocate(size);
            out[i] = {end, size};
            bool isFirst = true;
            const auto append = [&](Text part) {
                if (!part.empty()) std::memcpy(end, part.data(), part.size());
                end += part.size();
            };
            for (std::size_t k = hasSeparator_; k < in_.size(); ++k) {
                if (isSet(in_[k].nulls, i)) continue;
                if (!isFirst) append(separator);
                isFirst = false;
                append(in_[k].as<kText>()[i]);
            }
        });
        return out_.column();
    }

private:
    Operands operands_;
    bool hasSeparator_;
    std::string what_;
    std::vector<Column> in_;
    ColumnBuffer out_{kText};
};

MakeEval joining(bool hasSeparator) {
    return [hasSeparator](Operands operands, const std::string& what) -> std::unique_ptr<Eval> {
        return std::make_unique<JoinEval>(std::move(operands), hasSeparator, what);
    };
}

}  // namespace

Family textShapeFunctions() {
    std::vector<Function> all;
    const auto add = [&](std::string name, std::vector<Type> arguments, MakeEval make,
                         std::string meaning, bool canFail = false, bool isVariadic = false) {
        all.push_back({std::move(name), std::move(arguments), kText, std::move(meaning), canFail,
                       isVariadic, always(std::move(make))});
    };
    add("lower", {kText}, map<lower, kText, kText>(), "in lower case");
    add("upper", {kText}, map<upper, kText, kText>(), "in upper case");
    add("initcap", {kText}, map<initcap, kText, kText>(),
        "each word with a capital (of A to Z) and then in lower case");
    add("textcat", {kText, kText}, map<concatenated, kText, kText, kText>(),
        "`x \\|\\| y`: one behind the other, null when one is null", true);
    add("concat", {kText}, joining(false),
        "all as text, one behind the other; null counts as nothing", true, true);
    add("concat_ws", {kText, kText}, joining(true),
        "all but the first as text, with the first between them; nulls are passed over", true,
        true);
    add("replace", {kText, kText, kText}, map<replaced, kText, kText, kText, kText>(),
        "the third wherever the second is", true);
    add("lpad", {kText, kInt}, map<lpad, kText, kText, kInt>(),
        "blanks before it until it has n characters; cut when it has more", true);
    add("lpad", {kText, kInt, kText}, map<lpadWith, kText, kText, kInt, kText>(),
        "likewise with other characters", true);
    add("rpad", {kText, kInt}, map<rpad, kText, kText, kInt>(), "likewise behind it", true);
    add("rpad", {kText, kInt, kText}, map<rpadWith, kText, kText, kInt, kText>(), "likewise", true);
    add("repeat", {kText, kInt}, map<repeated, kText, kText, kInt>(), "n times; at most 1 MiB",
        true);
    add("reverse", {kText}, map<reversed, kText, kText>(),
        "the characters from the last to the first");
    return {"Text", std::move(all)};
}

}  // namespace tidemill::rows::expressions
