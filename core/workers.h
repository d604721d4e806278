// The threads that run a batch's tasks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/error.h"

namespace tidemill::core {

// Carries an Error out of an operator, where no Result can be returned, to the task that runs it.
// The only exception the engine itself throws while a batch runs.
class TaskFailure : public std::exception {
public:
    explicit TaskFailure(Error error) : error_(std::move(error)) {}
    const Error& error() const { return error_; }
    const char* what() const noexcept override { return error_.message.c_str(); }

private:
    Error error_;
};

// The value of `result`, or its error thrown as TaskFailure.
template <class T>
T orThrow(Result<T> result) {
    if (!result) throw TaskFailure(std::move(result.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A fixed number of threads. run() is called by one thread, the scheduler's.
class Workers {
public:
    static constexpr unsigned kMost = 1024;

    Workers() = default;
    // Starts them. Errors: as start(), thrown as TaskFailure.
    explicit Workers(unsigned count) { orThrow(start(count)); }
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // Once, before any other call. `count` 0: one per core. Errors: kInvalid for more than kMost;
    // kIo when the system gives no more threads, and none is left running then.
    Result<> start(unsigned count);

    unsigned count() const { return static_cast<unsigned>(threads_.size()); }

    // From now on run() calls one task after another, in their order, on the calling thread.
    void runInOrder(bool inOrder) { inOrder_ = inOrder; }

    // Tasks that have returned so far. Thread-safe.
    std::uint64_t doneTasks() const { return doneTasks_; }

    // Calls task(i) for every i in [0, tasks), each once, and returns when all have returned.
    // Exceptions become Errors (what is not a TaskFailure: kUserCode); the first is returned and
    // tasks not begun by then are left out. A single task runs on the calling thread.
    Result<> run(std::size_t tasks, const std::function<void(std::size_t)>& task);

private:
    void stop();
    void loop();
    void work(std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    const std::function<void(std::size_t)>* task_ = nullptr;
    std::size_t next_ = 0;
    std::size_t tasks_ = 0;
    std::size_t running_ = 0;
    bool stopping_ = false;
    bool inOrder_ = false;
    std::atomic<std::uint64_t> doneTasks_ = 0;
    Result<> outcome_;
    std::vector<std::thread> threads_;
};

// Runs `body`; what it throws comes back as an Error.
Result<> catchingAll(const std::function<void()>& body);

}  // namespace tidemill::core
