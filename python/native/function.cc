#include "python/native/function.h"

#include "core/check.h"
#include "python/native/worker_calls.h"
#include "python/native/worker_pool.h"

namespace tidemill::python {
namespace {

constexpr std::pair<const char*, Form> kForms[] = {
    {"", Form::kUnknown},
    {"split", Form::kSplit},
    {"splitAt", Form::kSplitAt},
    {"lower", Form::kLower},
    {"upper", Form::kUpper},
    {"strip", Form::kStrip},
    {"pair", Form::kPair},
    {"itself", Form::kItself},
    {"truth", Form::kTruth},
    {"length", Form::kLength},
    {"longerThanNothing", Form::kLongerThanNothing},
    {"notEmptyText", Form::kNotEmptyText},
    {"add", Form::kAdd},
    {"subtract", Form::kSubtract},
    {"maximum", Form::kMaximum},
    {"minimum", Form::kMinimum},
};

Form formOf(const std::string& name) {
    for (const auto& [known, form] : kForms)
        if (name == known) return form;
    TM_CHECK(false, "Python names forms that are known here");
}

}  // namespace

Function::Function(Object callable, std::string code, const std::string& form, std::string text,
                   std::int64_t number)
    : callable_(std::move(callable)),
      code_(std::move(code)),
      form_(formOf(form)),
      text_(std::move(text)),
      number_(number) {
    if (form_ == Form::kPair) constant_ = orThrow(PyLong_FromLongLong(number_));
    if (form_ == Form::kSplitAt)
        constant_ = orThrow(PyUnicode_DecodeUTF8(
            text_.data(), static_cast<Py_ssize_t>(text_.size()), "surrogatepass"));
}

void Function::callIn(const std::shared_ptr<WorkerPool>& pool, AnswerAs as) {
    if (form_ != Form::kUnknown) return;
    numberInPool_ = pool->add(*this, as);
    pool_ = pool;
    form_ = Form::kInWorkers;
}

std::string Function::name() const {
    const auto name = Object::owned(PyObject_GetAttrString(callable_.get(), "__qualname__"));
    if (!name || !PyUnicode_Check(name.get())) PyErr_Clear();
    else return textOf(name.get());
    const auto shown = Object::owned(PyObject_Repr(callable_.get()));
    if (shown) return textOf(shown.get());
    PyErr_Clear();
    return "a function";
}

Object Function::knownOf(PyObject* argument) const {
    switch (form_) {
        case Form::kSplit:
            if (PyUnicode_CheckExact(argument))
                return orThrow(PyUnicode_Split(argument, nullptr, -1));
            break;
        case Form::kSplitAt:
            if (PyUnicode_CheckExact(argument))
                return orThrow(PyUnicode_Split(argument, constant_.get(), -1));
            break;
        case Form::kPair: return orThrow(PyTuple_Pack(2, argument, constant_.get()));
        case Form::kItself: return Object::borrowed(argument);
        case Form::kInWorkers:
            if (auto answer = WorkerCalls::answerOf(*this, argument)) return std::move(*answer);
            break;
        default: break;
    }
    return callHere(argument);
}

Object Function::knownOf(PyObject* first, PyObject* second) const {
    switch (form_) {
        case Form::kAdd: return orThrow(PyNumber_Add(first, second));
        case Form::kSubtract: return orThrow(PyNumber_Subtract(first, second));
        case Form::kMaximum:
        case Form::kMinimum: {
            const int other =
                PyObject_RichCompareBool(second, first, form_ == Form::kMaximum ? Py_GT : Py_LT);
            if (other < 0) throwPythonError();
            return Object::borrowed(other != 0 ? second : first);
        }
        default: break;
    }
    PyObject* arguments[] = {nullptr, first, second};
    return call(arguments + 1, 2);
}

}  // namespace tidemill::python
