// WorkerCalls: what worker processes have made of a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/native/function.h"

namespace tidemill::python {

// While it lives, calls of the function by this thread with one of the arguments give what a
// process has made of it. Scopes nest. Requires Python's lock.
class WorkerCalls {
public:
    // `arguments` (borrowed) are in the order in which the function is called; some may be left
    // out then. Throws core::TaskFailure.
    WorkerCalls(const Function& function, std::vector<PyObject*> arguments);
    ~WorkerCalls();
    WorkerCalls(const WorkerCalls&) = delete;
    WorkerCalls& operator=(const WorkerCalls&) = delete;

    // Of the innermost scope, if it is one of this function and argument: the answer, and adds to
    // accumulators what the call has added. Throws PythonError with the process's traceback.
    static std::optional<Object> answerOf(const Function& function, PyObject* argument);

private:
    struct Answer {
        bool raised = false;
        std::string_view bytes;  // the value, or the traceback
        std::vector<std::pair<std::string_view, std::string_view>> added;  // name, term
    };
    Answer take();
    Object next();
    void skip() { take(); }
    std::string_view takeSized();

    const Function& function_;
    const std::vector<PyObject*> arguments_;
    std::vector<std::string> refused_;  // by argument: why it cannot be sent; empty: it was
    std::string all_;
    std::string_view left_;  // of all_, not read yet
    std::size_t read_ = 0;   // arguments before this one are done with
    WorkerCalls* const outer_;
};

}  // namespace tidemill::python
