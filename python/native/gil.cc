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
    bool isOwn = false;      // made here
    bool released = false;   // by release(): the thread is one of Python's, which held it before
    bool suspended = false;  // a WithoutGil is open
    std::vector<PyObject*> pending;

    ~ThreadState() {
        if ((state == nullptr || !isOwn) && pending.empty()) return;
        // What is left then is of no use to anybody, and the lock is not to be had any more.
        if (!Py_IsInitialized() || _Py_IsFinalizing() != 0) return;
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

// What Python says is right until it ends: then it says that every thread holds the lock.
bool hasLock() {
    if (thread.suspended || thread.isOwn) return depth != 0;
    return PyGILState_Check() != 0;
}

void acquire() {
    // A thread that Python called from holds the lock already.
    --depth;
    thread.released = !hasLock();
    ++depth;
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
    bool suspended;
    PyThreadState* state;
};

}  // namespace

void* suspend() {
    if (!hasLock()) return nullptr;
    auto* suspended = new Suspended{depth, thread.released, thread.suspended, nullptr};
    depth = 0;
    thread.suspended = true;
    suspended->state = PyEval_SaveThread();
    return suspended;
}

void resume(void* state) {
    if (state == nullptr) return;
    auto* suspended = static_cast<Suspended*>(state);
    takeLock(suspended->state);
    depth = suspended->depth;
    thread.released = suspended->released;
    thread.suspended = suspended->suspended;
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
