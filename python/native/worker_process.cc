#include "python/native/worker_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "core/check.h"
#include "python/native/function.h"
#include "python/native/value_codec.h"
#include "python/native/varint.h"

namespace tidemill::python {
namespace {

constexpr char kGave = 0;
constexpr char kRaised = 1;

void appendSized(std::string& out, std::string_view bytes) {
    appendVarint(out, bytes.size());
    out += bytes;
}

Object listOf(const Object& iterable) {
    if (PyList_CheckExact(iterable.get()) || PyTuple_CheckExact(iterable.get())) return iterable;
    return orThrow(PySequence_List(iterable.get()));
}

Object answerTo(const Function& function, const Object& argument, AnswerAs as) {
    switch (as) {
        case AnswerAs::kValue: return function.callHere(argument.get());
        case AnswerAs::kList: return listOf(function.callHere(argument.get()));
        case AnswerAs::kTruth: {
            const auto value = function.callHere(argument.get());
            const int isTrue = PyObject_IsTrue(value.get());
            if (isTrue < 0) throwPythonError();
            return Object::borrowed(isTrue != 0 ? Py_True : Py_False);
        }
        case AnswerAs::kPartition: {
            const auto elements = orThrow(PyObject_GetIter(PyTuple_GET_ITEM(argument.get(), 1)));
            return listOf(function(PyTuple_GET_ITEM(argument.get(), 0), elements.get()));
        }
    }
    TM_CHECK(false, "there are four ways to answer");
}

}  // namespace

void flushPrinted() {
    for (const char* name : {"stdout", "stderr"}) {
        PyObject* const file = PySys_GetObject(name);  // borrowed
        if (file == nullptr || file == Py_None) continue;
        const auto flushed = Object::owned(PyObject_CallMethod(file, "flush", nullptr));
        if (!flushed) PyErr_Clear();
    }
}

bool sendAll(int socket, const void* message, std::size_t size) {
    const char* at = static_cast<const char*>(message);
    while (size != 0) {
        const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receiveAll(int socket, void* message, std::size_t size) {
    char* at = static_cast<char*>(message);
    while (size != 0) {
        const ssize_t got = ::recv(socket, at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

void WorkerProcess::run() {
    // A terminal sends Ctrl-C to all its processes: the engine's ends the job, and so this one.
    ::signal(SIGINT, SIG_IGN);
    std::string out;
    try {
        while (true) {
            CallMessage message;
            bool received = false;
            {
                const WithoutGil others;  // threads that functions have started
                received = receiveAll(socket_, &message, sizeof message);
            }
            if (!received) break;
            out.clear();
            answer(message, out);
            flushPrinted();  // what is printed is seen with its chunk
            AnswerMessage back{AnswerMessage::kTooLarge};
            if (out.size() <= WorkerPool::kBytesMax) {
                memory_.write(out);
                back.bytes = out.size();
            }
            if (!sendAll(socket_, &back, sizeof back)) break;
        }
    } catch (const std::exception& error) {
        PySys_WriteStderr("tidemill: a worker process ends: %.900s\n", error.what());
    }
    flushPrinted();
    ::_exit(0);
}

void WorkerProcess::answer(const CallMessage& message, std::string& out) const {
    TM_CHECK(message.function < pool_.calls_.size(), "the engine calls functions it has added");
    // A copy: the answer is written into the same memory.
    const std::string all(memory_.read(message.bytes));
    std::string_view arguments = all;
    for (std::uint32_t i = 0; i < message.arguments; ++i) {
        std::uint64_t size = 0;
        TM_CHECK(takeVarint(arguments, size) && size <= arguments.size(),
                 "the engine has written whole arguments");
        if (out.size() > WorkerPool::kBytesMax) return;
        answerOne(pool_.calls_[message.function], arguments.substr(0, size),
                  static_cast<AddScope::Of>(message.adds), out);
        arguments.remove_prefix(size);
    }
}

void WorkerProcess::answerOne(const WorkerPool::Call& call, std::string_view argument,
                              AddScope::Of adds, std::string& out) const {
    AddScope scope(adds);
    const std::size_t begin = out.size();
    try {
        std::string value;
        appendValue(answerTo(*call.function, valueFrom(argument), call.as).get(), value);
        std::string added;
        const auto additions = scope.takePending();
        for (const auto& [accumulator, term] : additions) {
            appendSized(added, accumulator->name());
            std::string bytes;
            appendValue(term.get(), bytes);
            appendSized(added, bytes);
        }
        out.push_back(kGave);
        appendSized(out, value);
        appendVarint(out, additions.size());
        out += added;
    } catch (const PythonError& error) {
        out.resize(begin);
        out.push_back(kRaised);
        appendSized(out, error.what());
    }
}

}  // namespace tidemill::python
