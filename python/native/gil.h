// Python's global lock. Threads of the engine take it for a chunk of elements, never while they
// wait for one of the engine's own locks, whose holder may be waiting for it.
#pragma once

#include <Python.h>

namespace tidemill::python {

namespace gil_detail {

// How many scopes below hold the lock in this thread. A plain offset: it is asked for at every copy
// of an object.
extern thread_local int depth __attribute__((tls_model("initial-exec")));

bool hasLock();
void acquire();
void release();
void* suspend();
void resume(void* state);

}  // namespace gil_detail

// Whether the calling thread holds the lock by one of the scopes below.
inline bool holdsGil() { return gil_detail::depth != 0; }

// Holds the lock. Nests. For threads of the engine and for those of Python.
class GilScope {
public:
    GilScope() {
        if (gil_detail::depth++ == 0) gil_detail::acquire();
    }
    ~GilScope() {
        if (--gil_detail::depth == 0) gil_detail::release();
    }
    GilScope(const GilScope&) = delete;
    GilScope& operator=(const GilScope&) = delete;
};

// In a function that Python calls, and that waits or hands work to other threads: lets go of the
// lock until the scope ends.
class WithoutGil {
public:
    WithoutGil() : state_(gil_detail::suspend()) {}
    ~WithoutGil() { gil_detail::resume(state_); }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

private:
    void* state_;
};

// Gives up a reference in a thread that does not hold the lock: soon, when the thread takes it the
// next time, ends, or has gathered some thousands.
void dropLater(PyObject* object);

}  // namespace tidemill::python
