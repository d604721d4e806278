// Function: a function of a Python program, as operators hold it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/stream_node.h"
#include "python/native/errors.h"

namespace tidemill::python {

class WorkerPool;
enum class AnswerAs : std::uint8_t;

// Forms of functions whose meaning is known, so that they need not be called; see
// python/tidemill/_forms.py.
enum class Form {
    kUnknown,
    kSplit,              // x.split()
    kSplitAt,            // x.split(text)
    kLower,              // x.lower()
    kUpper,              // x.upper()
    kStrip,              // x.strip()
    kPair,               // (x, number)
    kItself,             // x
    kTruth,              // bool(x)
    kLength,             // len(x)
    kLongerThanNothing,  // len(x) > 0
    kNotEmptyText,       // x != ""
    kAdd,                // a + b
    kSubtract,           // a - b
    kMaximum,            // max(a, b)
    kMinimum,            // min(a, b)
    kInWorkers,          // not known, and called by worker processes
};

// Thread safety: thread-safe; calls need the lock.
class Function {
public:
    // `code`: the same for functions of the same code in every run of the program. `form`: as
    // Python's form_of has it, empty: unknown.
    Function(Object callable, std::string code, const std::string& form = {}, std::string text = {},
             std::int64_t number = 0);

    Form form() const { return form_; }
    const std::string& text() const { return text_; }
    std::int64_t number() const { return number_; }
    // Whether filter() of it keeps what is not empty.
    bool keepsNotEmpty() const {
        return form_ == Form::kItself || form_ == Form::kTruth || form_ == Form::kLength ||
               form_ == Form::kLongerThanNothing || form_ == Form::kNotEmptyText;
    }

    // From now on the pool's processes call it, for chunks of arguments (WorkerCalls); not when its
    // form is known, which costs less than the way there and back. Before the job starts.
    void callIn(const std::shared_ptr<WorkerPool>& pool, AnswerAs as);
    bool isInWorkers() const { return form_ == Form::kInWorkers; }
    WorkerPool* pool() const { return pool_.get(); }
    std::uint32_t numberInPool() const { return numberInPool_; }
    // As Python calls it, for messages. Requires the lock.
    std::string name() const;

    // Throw PythonError.
    Object callHere(PyObject* argument) const {
        return orThrow(PyObject_CallOneArg(callable_.get(), argument));
    }
    Object operator()(PyObject* argument) const {
        if (form_ != Form::kUnknown) return knownOf(argument);
        return callHere(argument);
    }
    Object operator()(PyObject* first, PyObject* second) const {
        if (form_ != Form::kUnknown) return knownOf(first, second);
        PyObject* arguments[] = {nullptr, first, second};
        return call(arguments + 1, 2);
    }
    Object operator()(PyObject* first, PyObject* second, PyObject* third) const {
        PyObject* arguments[] = {nullptr, first, second, third};
        return call(arguments + 1, 3);
    }
    // The element before the first of `arguments` is one too, for the callee.
    Object call(PyObject* const* arguments, std::size_t count) const {
        return orThrow(PyObject_Vectorcall(callable_.get(), arguments,
                                           count | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
    }

    // See core::identityOf.
    core::FunctionIdentity identity() const {
        return {"python:" + code_,
                std::to_string(reinterpret_cast<std::uintptr_t>(callable_.get()))};
    }

private:
    Object knownOf(PyObject* argument) const;
    Object knownOf(PyObject* first, PyObject* second) const;

    Object callable_;
    std::string code_;
    Form form_;
    std::string text_;
    std::int64_t number_;
    Object constant_;  // text_ or number_
    std::shared_ptr<WorkerPool> pool_;
    std::uint32_t numberInPool_ = 0;
};

// Calls take(object) for each that `iterable` gives. Throws PythonError. Requires the lock.
template <class Take>
void forEachIn(PyObject* iterable, Take take) {
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable)) {
        // Its size is asked for each time: `take` may call what changes a list.
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(iterable); ++i)
            take(Object::borrowed(PySequence_Fast_GET_ITEM(iterable, i)));
        return;
    }
    const auto iterator = orThrow(PyObject_GetIter(iterable));
    while (auto next = Object::owned(PyIter_Next(iterator.get()))) take(std::move(next));
    if (PyErr_Occurred() != nullptr) throwPythonError();
}

}  // namespace tidemill::python
