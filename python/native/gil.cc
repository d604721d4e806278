#include "python/native/gil.h"

#include <cxxabi.h>
#include <unistd.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "core/check.h"

namespace tidemill::python {
namespace gil_detail {

thread_local int depth = 0;

namespace {

constexpr std::size_t kPendingMost = 4096;

// What Python knows of this thread, and the references it has to give up. A thread state is kept
// while its thread lives: making one for each chunk would cost more than the chunk.
struct ThreadState {
    PyThreadState* state = nullptr;
    bool isOwn = false;     // made here
    bool released = false;  // by release(): the thread is one of Python's, which held it before
    std::vector<PyObject*> pending;

    ~ThreadState() {
        if ((state == nullptr || !isOwn) && pending.empty()) return;
        if (!Py_IsInitialized()) return;
        if (depth++ == 0) acquire();
        if (isOwn) {
            PyThreadState_Clear(state);
            PyThreadState_DeleteCurrent();
        } else {
            release();
        }
        depth = 0;
    }
};

thread_local ThreadState thread;

// Takes the lock. A Python that is ending ends the threads that ask for it, by unwinding their
// stacks (pthread_exit in take_gil of CPython's ceval_gil.h), and the destructors on the way let
// nothing through: the process would abort. Such a thread stands still instead until the process is
// gone, as CPython itself has it since 3.14.
void takeLock(PyThreadState* state) {
    try {
        PyEval_RestoreThread(state);
    } catch (const abi::__forced_unwind&) {
        for (;;) ::pause();
    }
}

void dropPending() {
    // Giving one up may add others.
    while (!thread.pending.empty())
        for (PyObject* object : std::exchange(thread.pending, {})) Py_DECREF(object);
}

}  // namespace

void acquire() {
    // A thread that Python called from holds the lock already.
    thread.released = PyGILState_Check() == 0;
    if (thread.released) {
        if (thread.state == nullptr) {
            thread.state = PyGILState_GetThisThreadState();
            if (thread.state == nullptr) {
                thread.state = PyThreadState_New(PyInterpreterState_Main());
                TM_CHECK(thread.state != nullptr, "Python gives every thread a state");
                thread.isOwn = true;
            }
        }
        takeLock(thread.state);
    }
    if (!thread.pending.empty()) dropPending();
}

void release() {
    if (thread.released) PyEval_SaveThread();
}

namespace {

struct Suspended {
    int depth;
    bool released;
    PyThreadState* state;
};

}  // namespace

void* suspend() {
    if (PyGILState_Check() == 0) return nullptr;
    auto* suspended = new Suspended{depth, thread.released, nullptr};
    depth = 0;
    suspended->state = PyEval_SaveThread();
    return suspended;
}

void resume(void* state) {
    if (state == nullptr) return;
    auto* suspended = static_cast<Suspended*>(state);
    takeLock(suspended->state);
    depth = suspended->depth;
    thread.released = suspended->released;
    if (!thread.pending.empty()) dropPending();
    delete suspended;
}

}  // namespace gil_detail

void dropLater(PyObject* object) {
    using gil_detail::thread;
    thread.pending.push_back(object);
    if (thread.pending.size() >= gil_detail::kPendingMost) GilScope drops;
}

}  // namespace tidemill::python
