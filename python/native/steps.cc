#include "python/native/steps.h"

#include <string>
#include <utility>

#include "python/native/key_codec.h"
#include "python/native/worker_pool.h"

namespace tidemill::python {
namespace {

Object pairOf(const Object& first, const Object& second) {
    return orThrow(PyTuple_Pack(2, first.get(), second.get()));
}

struct DecodeText final : Step<std::string_view, Object> {
    void apply(std::string_view& text, std::vector<Object>& out, core::Arena&) const override {
        out.push_back(orThrow(
            PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace")));
    }
};

struct CopyBytes final : Step<std::string_view, Object> {
    void apply(std::string_view& bytes, std::vector<Object>& out, core::Arena&) const override {
        out.push_back(orThrow(
            PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()))));
    }
};

struct MakeInt final : Step<std::int64_t, Object> {
    void apply(std::int64_t& number, std::vector<Object>& out, core::Arena&) const override {
        out.push_back(orThrow(PyLong_FromLongLong(number)));
    }
};

struct FormatLine final : Step<Object, std::string> {
    void apply(Object& element, std::vector<std::string>& out, core::Arena&) const override {
        const auto text = orThrow(PyObject_Str(element.get()));
        out.push_back(textOf(text.get()));
        out.back() += '\n';
    }
};

class EncodeText final : public Step<Object, std::string_view> {
public:
    explicit EncodeText(std::string operation) : operation_(std::move(operation)) {}
    void apply(Object& element, std::vector<std::string_view>& out,
               core::Arena& arena) const override {
        if (!PyUnicode_Check(element.get())) {
            PyErr_Format(PyExc_TypeError, "%s needs lines, of type str, and was given %R",
                         operation_.c_str(), element.get());
            throwPythonError();
        }
        out.push_back(arena.copy(textOf(element.get())));
    }

private:
    const std::string operation_;
};

PyObject* argumentOf(const Object& element) { return element.get(); }
PyObject* argumentOf(const Pair& pair) { return pair.second.value.get(); }

// A step that calls a function of the program. `kAs`: what is needed of what it gives.
template <class In, class Out, AnswerAs kAs = AnswerAs::kValue>
class Calling : public Step<In, Out> {
public:
    explicit Calling(Function function) : function_(std::move(function)) {}
    core::FunctionIdentity identity() const override { return function_.identity(); }
    void callIn(const std::shared_ptr<WorkerPool>& pool) override { function_.callIn(pool, kAs); }
    void callForAll(std::span<In> chunk, std::optional<WorkerCalls>& calls) const override {
        if (!function_.isInWorkers()) return;
        std::vector<PyObject*> arguments;
        arguments.reserve(chunk.size());
        for (const In& element : chunk) arguments.push_back(argumentOf(element));
        calls.emplace(function_, std::move(arguments));
    }

protected:
    Function function_;
};

struct Map final : Calling<Object, Object> {
    using Calling::Calling;
    void apply(Object& element, std::vector<Object>& out, core::Arena&) const override {
        out.push_back(function_(element.get()));
    }
};

struct FlatMap final : Calling<Object, Object, AnswerAs::kList> {
    using Calling::Calling;
    void apply(Object& element, std::vector<Object>& out, core::Arena&) const override {
        const auto made = function_(element.get());
        forEachIn(made.get(), [&](Object part) { out.push_back(std::move(part)); });
    }
    bool isOneToOne() const override { return false; }
};

struct Filter final : Calling<Object, Object, AnswerAs::kTruth> {
    using Calling::Calling;
    void apply(Object& element, std::vector<Object>& out, core::Arena&) const override {
        const auto answer = function_(element.get());
        const int isTrue = PyObject_IsTrue(answer.get());
        if (isTrue < 0) throwPythonError();
        if (isTrue != 0) out.push_back(std::move(element));
    }
    bool isOneToOne() const override { return false; }
};

struct Flatten final : Step<Object, Object> {
    void apply(Object& list, std::vector<Object>& out, core::Arena&) const override {
        forEachIn(list.get(), [&](Object part) { out.push_back(std::move(part)); });
    }
    bool isOneToOne() const override { return false; }
};

class SplitPair final : public Step<Object, Pair> {
public:
    explicit SplitPair(std::string operation) : operation_(std::move(operation)) {}
    void apply(Object& element, std::vector<Pair>& out, core::Arena& arena) const override {
        PyObject* const pair = element.get();
        if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) {
            PyErr_Format(PyExc_TypeError, "%s needs pairs, tuples (key, value), and was given %R",
                         operation_.c_str(), pair);
            throwPythonError();
        }
        Entry entry{Object::borrowed(PySequence_Fast_GET_ITEM(pair, 0)),
                    Object::borrowed(PySequence_Fast_GET_ITEM(pair, 1))};
        const std::string_view bytes = keyBytes(entry.key.get(), arena);
        out.emplace_back(bytes, std::move(entry));
    }

private:
    const std::string operation_;
};

struct UnderOneKey final : Step<Object, Pair> {
    void apply(Object& element, std::vector<Pair>& out, core::Arena& arena) const override {
        Entry entry{Object::borrowed(Py_None), std::move(element)};
        const std::string_view bytes = keyBytes(Py_None, arena);
        out.emplace_back(bytes, std::move(entry));
    }
};

struct AsKeys final : Step<Object, Pair> {
    void apply(Object& element, std::vector<Pair>& out, core::Arena& arena) const override {
        Entry entry{std::move(element), orThrow(PyLong_FromLong(1))};
        const std::string_view bytes = keyBytes(entry.key.get(), arena);
        out.emplace_back(bytes, std::move(entry));
    }
};

struct AsOnes final : Step<Object, Pair> {
    void apply(Object&, std::vector<Pair>& out, core::Arena& arena) const override {
        Entry entry{Object::borrowed(Py_None), orThrow(PyLong_FromLong(1))};
        const std::string_view bytes = keyBytes(Py_None, arena);
        out.emplace_back(bytes, std::move(entry));
    }
};

struct JoinPair final : Step<Pair, Object> {
    void apply(Pair& pair, std::vector<Object>& out, core::Arena&) const override {
        out.push_back(pairOf(keyOf(pair), pair.second.value));
    }
};

struct WithoutKey final : Step<Pair, Object> {
    void apply(Pair& pair, std::vector<Object>& out, core::Arena&) const override {
        out.push_back(std::move(pair.second.value));
    }
};

struct MapValues final : Calling<Pair, Pair> {
    using Calling::Calling;
    void apply(Pair& pair, std::vector<Pair>& out, core::Arena&) const override {
        auto made = function_(pair.second.value.get());
        out.emplace_back(pair.first, Entry{std::move(pair.second.key), std::move(made)});
    }
};

struct FlatMapValues final : Calling<Pair, Pair, AnswerAs::kList> {
    using Calling::Calling;
    void apply(Pair& pair, std::vector<Pair>& out, core::Arena&) const override {
        const auto made = function_(pair.second.value.get());
        forEachIn(made.get(), [&](Object value) {
            out.emplace_back(pair.first, Entry{pair.second.key, std::move(value)});
        });
    }
    bool isOneToOne() const override { return false; }
};

struct ListOfValue final : Step<Pair, Pair> {
    void apply(Pair& pair, std::vector<Pair>& out, core::Arena&) const override {
        auto list = orThrow(PyList_New(1));
        PyList_SET_ITEM(list.get(), 0, pair.second.value.release());
        out.emplace_back(pair.first, Entry{std::move(pair.second.key), std::move(list)});
    }
};

struct AsGroup final : Step<Pair, Grouped> {
    void apply(Pair& pair, std::vector<Grouped>& out, core::Arena&) const override {
        out.emplace_back(pair.first, std::vector<Entry>()).second.push_back(std::move(pair.second));
    }
};

// The values of one side, a list; and its key.
struct Side {
    explicit Side(std::vector<Entry>& entries) {
        if (entries.empty()) values = orThrow(PyList_New(0));
        else values = entries.front().value, key = entries.front().key;
    }
    Py_ssize_t size() const { return PyList_GET_SIZE(values.get()); }
    Object operator[](Py_ssize_t i) const {
        return Object::borrowed(PyList_GET_ITEM(values.get(), i));
    }
    Object values;
    Object key;
};

Object keyOfBoth(std::string_view bytes, const Side& left, const Side& right) {
    return left.key ? left.key : keyOf(bytes, right.key);
}

struct Cogroup final : Step<Cogrouped, Object> {
    void apply(Cogrouped& both, std::vector<Object>& out, core::Arena&) const override {
        const Side left(both.second.first), right(both.second.second);
        out.push_back(
            pairOf(keyOfBoth(both.first, left, right), pairOf(left.values, right.values)));
    }
};

class Join final : public Step<Cogrouped, Object> {
public:
    Join(bool left, bool right) : left_(left), right_(right) {}
    void apply(Cogrouped& both, std::vector<Object>& out, core::Arena&) const override {
        const Side left(both.second.first), right(both.second.second);
        if ((left.size() == 0 && !right_) || (right.size() == 0 && !left_)) return;
        const Object key = keyOfBoth(both.first, left, right);
        const auto none = Object::borrowed(Py_None);
        const auto add = [&](const Object& a, const Object& b) {
            out.push_back(pairOf(key, pairOf(a, b)));
        };
        for (Py_ssize_t i = 0; i < left.size(); ++i) {
            if (right.size() == 0) add(left[i], none);
            for (Py_ssize_t k = 0; k < right.size(); ++k) add(left[i], right[k]);
        }
        if (left.size() == 0)
            for (Py_ssize_t k = 0; k < right.size(); ++k) add(none, right[k]);
    }
    bool isOneToOne() const override { return false; }

private:
    const bool left_;
    const bool right_;
};

}  // namespace

StepPtr<std::string_view, Object> decodeText() { return std::make_shared<DecodeText>(); }
StepPtr<std::string_view, Object> copyBytes() { return std::make_shared<CopyBytes>(); }
StepPtr<std::int64_t, Object> makeInt() { return std::make_shared<MakeInt>(); }
StepPtr<Object, std::string> formatLine() { return std::make_shared<FormatLine>(); }
StepPtr<Object, std::string_view> encodeText(std::string operation) {
    return std::make_shared<EncodeText>(std::move(operation));
}
StepPtr<Object, Object> map(Function function) {
    return std::make_shared<Map>(std::move(function));
}
StepPtr<Object, Object> flatMap(Function function) {
    return std::make_shared<FlatMap>(std::move(function));
}
StepPtr<Object, Object> filter(Function predicate) {
    return std::make_shared<Filter>(std::move(predicate));
}
StepPtr<Object, Object> flatten() { return std::make_shared<Flatten>(); }
StepPtr<Object, Pair> asOnes() { return std::make_shared<AsOnes>(); }
StepPtr<Object, Pair> splitPair(std::string operation) {
    return std::make_shared<SplitPair>(std::move(operation));
}
StepPtr<Object, Pair> underOneKey() { return std::make_shared<UnderOneKey>(); }
StepPtr<Object, Pair> asKeys() { return std::make_shared<AsKeys>(); }
StepPtr<Pair, Object> joinPair() { return std::make_shared<JoinPair>(); }
StepPtr<Pair, Object> withoutKey() { return std::make_shared<WithoutKey>(); }
StepPtr<Pair, Pair> mapValues(Function function) {
    return std::make_shared<MapValues>(std::move(function));
}
StepPtr<Pair, Pair> flatMapValues(Function function) {
    return std::make_shared<FlatMapValues>(std::move(function));
}
StepPtr<Pair, Pair> listOfValue() { return std::make_shared<ListOfValue>(); }
StepPtr<Pair, Grouped> asGroup() { return std::make_shared<AsGroup>(); }
StepPtr<Cogrouped, Object> cogrouped() { return std::make_shared<Cogroup>(); }
StepPtr<Cogrouped, Object> joined(bool left, bool right) {
    return std::make_shared<Join>(left, right);
}

}  // namespace tidemill::python
