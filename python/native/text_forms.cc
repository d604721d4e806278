#include "python/native/text_forms.h"

#include <array>
#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "core/cut_lines.h"
#include "core/operators/filter.h"
#include "core/operators/flat_map.h"
#include "core/operators/map.h"
#include "core/operators/reduce_by_key.h"
#include "core/split_words.h"
#include "python/native/split_at.h"
#include "python/native/utf8.h"

namespace tidemill::python {

template class StepNode<Count, Object>;
template class StepNode<Count, Pair>;

namespace {

using Text = std::string_view;

Object decoded(Text text, const char* errors) {
    return orThrow(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), errors));
}

// Pieces of text that are all UTF-8, nearly always, pass as they are.
class ValidNode final : public core::NarrowNode<Text, Text> {
public:
    explicit ValidNode(TextNode parent) : core::NarrowNode<Text, Text>("text", std::move(parent)) {}
    bool holdsElements() const override { return false; }

private:
    class ValidSink final : public core::Sink<Text> {
    public:
        ValidSink(core::Arena& arena, core::Downstream<Text> below)
            : arena_(arena), below_(std::move(below)) {}
        void takeText(Text text) override {
            if (isUtf8(text)) below_->takeText(text);
            else core::Sink<Text>::takeText(text);
        }
        void take(std::span<Text> lines) override {
            for (Text& line : lines)
                if (!isUtf8(line)) line = replaced(line);
            below_->take(lines);
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        Text replaced(Text line) {
            const GilScope gil;
            return arena_.copy(textOf(decoded(line, "replace").get()));
        }

        core::Arena& arena_;
        core::Downstream<Text> below_;
    };

    std::unique_ptr<core::Sink<Text>> makeSink(core::TaskContext& task,
                                               core::Downstream<Text> below) override {
        return std::make_unique<ValidSink>(task.arena, std::move(below));
    }
};

// At white space of all kinds.
template <class Take>
void splitLine(Text line, Take&& take) {
    while (true) {
        while (const std::size_t space = leadingSpace(line)) line.remove_prefix(space);
        if (line.empty()) return;
        std::size_t end = 0;
        while (end < line.size() && leadingSpace(line.substr(end)) == 0) ++end;
        take(line.substr(0, end));
        line.remove_prefix(end);
    }
}

struct Split {
    using Element = Text;
    void operator()(Text line, Emit<Text>& emit) const {
        splitLine(line, [&](Text word) { emit(word); });
    }
    template <class Take>
    void splitText(Text text, Take&& take) const {
        if (!hasUncommonSpace(text)) return core::splitText(text, std::forward<Take>(take));
        std::vector<Text> words;
        core::cutLines(text, [&](Text line) {
            splitLine(line, [&](Text word) {
                words.push_back(word);
                if (words.size() < core::kChunkElements) return;
                take(std::span<Text>(words));
                words.clear();
            });
            return true;
        });
        if (!words.empty()) take(std::span<Text>(words));
    }
};

struct SplitAt {
    using Element = Text;
    char separator;
    void operator()(Text line, Emit<Text>& emit) const {
        splitLineAt(line, separator, [&](Text word) { emit(word); });
    }
    template <class Take>
    void splitText(Text text, Take&& take) const {
        splitTextAt(text, separator, std::forward<Take>(take));
    }
};

// Of letters of ASCII here, of others by Python's method.
template <char kFirst, char kLast>
struct ChangeCase {
    using Element = Text;
    const char* method;

    void operator()(Text text, Emit<Text>& emit) const {
        if (!isAscii(text)) {
            const GilScope gil;
            const auto changed =
                orThrow(PyObject_CallMethod(decoded(text, "surrogatepass").get(), method, nullptr));
            return emit(emit.store(textOf(changed.get())));
        }
        std::string changed;
        for (const char letter : text) {
            const bool changes = letter >= kFirst && letter <= kLast;
            changed.push_back(changes ? static_cast<char>(letter ^ 0x20) : letter);
        }
        emit(changed == text ? text : emit.store(changed));
    }
    core::FunctionIdentity identity() const { return {method, {}}; }
};

struct Strip {
    Text operator()(const Text& whole) const {
        Text text = whole;
        while (const std::size_t space = leadingSpace(text)) text.remove_prefix(space);
        while (const std::size_t space = trailingSpace(text)) text.remove_suffix(space);
        return text;
    }
};

struct NotEmpty {
    bool operator()(const Text& text) const { return !text.empty(); }
};

struct WithNumber {
    std::int64_t number;
    Count operator()(const Text& text) const { return {text, number}; }
};

struct CountAsObject final : Step<Count, Object> {
    void apply(Count& count, std::vector<Object>& out, core::Arena&) const override {
        const auto text = decoded(count.first, "surrogatepass");
        const auto number = orThrow(PyLong_FromLongLong(count.second));
        out.push_back(orThrow(PyTuple_Pack(2, text.get(), number.get())));
    }
};

struct CountAsPair final : Step<Count, Pair> {
    void apply(Count& count, std::vector<Pair>& out, core::Arena&) const override {
        out.emplace_back(count.first, Entry{decoded(count.first, "surrogatepass"),
                                            orThrow(PyLong_FromLongLong(count.second))});
    }
};

template <class F>
TextNode flatMapped(const char* kind, TextNode texts, F function) {
    return std::make_shared<core::FlatMapNode<Text, Text, F>>(kind, std::move(texts),
                                                              std::move(function));
}

}  // namespace

TextNode makeValid(TextNode lines) { return std::make_shared<ValidNode>(std::move(lines)); }
TextNode makeSplit(TextNode lines) { return flatMapped("flatMap", std::move(lines), Split()); }
bool splitsNatively(std::string_view separator) {
    return separator.size() == 1 && isAscii(separator) && separator != "\r" && separator != "\n";
}
TextNode makeSplitAt(TextNode lines, char separator) {
    return flatMapped("flatMap", std::move(lines), SplitAt{separator});
}
TextNode makeLower(TextNode texts) {
    return flatMapped("map", std::move(texts), ChangeCase<'A', 'Z'>{"lower"});
}
TextNode makeUpper(TextNode texts) {
    return flatMapped("map", std::move(texts), ChangeCase<'a', 'z'>{"upper"});
}
TextNode makeStrip(TextNode texts) {
    return std::make_shared<core::MapNode<Text, Text, Strip, false>>("map", std::move(texts),
                                                                     Strip());
}
TextNode makeNotEmpty(TextNode texts) {
    return std::make_shared<core::FilterNode<Text, NotEmpty>>(std::move(texts), NotEmpty());
}
CountNode makePairs(TextNode texts, std::int64_t number) {
    return std::make_shared<core::MapNode<Text, Count, WithNumber>>("map", std::move(texts),
                                                                    WithNumber{number});
}
CountNode makeSums(CountNode pairs) {
    return core::makeReduceByKey<Text, std::int64_t>(std::move(pairs), std::plus<std::int64_t>());
}

std::shared_ptr<Step<Count, Object>> countAsObject() { return std::make_shared<CountAsObject>(); }
std::shared_ptr<Step<Count, Pair>> countAsPair() { return std::make_shared<CountAsPair>(); }

}  // namespace tidemill::python
