#include "core/workers.h"

#include <pthread.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "core/own_thread.h"

namespace tidemill::core {

Result<> catchingAll(const std::function<void()>& body) {
    try {
        body();
        return {};
    } catch (const TaskFailure& failure) {
        return fail(failure.error());
    } catch (const std::exception& thrown) {
        return fail(ErrorKind::kUserCode,
                    std::string("a function of the program threw: ") + thrown.what());
    } catch (...) {
        return fail(ErrorKind::kUserCode,
                    "a function of the program threw something that is no std::exception");
    }
}

Result<> Workers::start(unsigned count) {
    if (count > kMost)
        return fail(ErrorKind::kInvalid, "too many workers: workers=" + std::to_string(count) +
                                             " maximum=" + std::to_string(kMost) +
                                             "; more than the machine has cores gain nothing");
    if (count == 0) count = std::clamp(std::thread::hardware_concurrency(), 1u, kMost);
    threads_.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
        try {
            threads_.emplace_back([this] { loop(); });
        } catch (const std::system_error& error) {
            stop();
            return fail(ErrorKind::kIo,
                        "worker thread " + std::to_string(i + 1) + " of " + std::to_string(count) +
                            " cannot be started: " + error.code().message() +
                            "; set fewer workers, or raise the limit on threads (ulimit -u, "
                            "TasksMax= of a systemd unit)");
        }
        pthread_setname_np(threads_.back().native_handle(),
                           ("tm-work-" + std::to_string(i)).c_str());
    }
    return {};
}

Workers::~Workers() { stop(); }

void Workers::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

Result<> Workers::run(std::size_t tasks, const std::function<void(std::size_t)>& task) {
    if (tasks == 0) return {};
    if (tasks == 1 || inOrder_)
        return catchingAll([&] {
            for (std::size_t i = 0; i < tasks; ++i) {
                task(i);
                ++doneTasks_;
            }
        });
    std::unique_lock lock(mutex_);
    task_ = &task;
    next_ = 0;
    tasks_ = tasks;
    outcome_ = {};
    wake_.notify_all();
    done_.wait(lock, [this] { return next_ >= tasks_ && running_ == 0; });
    task_ = nullptr;
    return std::exchange(outcome_, {});
}

void Workers::loop() {
    const OwnThreadScope own;
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return stopping_ || (task_ != nullptr && next_ < tasks_); });
        if (stopping_) return;
        work(lock);
    }
}

void Workers::work(std::unique_lock<std::mutex>& lock) {
    ++running_;
    while (next_ < tasks_) {
        const std::size_t mine = next_++;
        const auto* task = task_;
        lock.unlock();
        Result<> result = catchingAll([&] { (*task)(mine); });
        ++doneTasks_;
        lock.lock();
        if (!result) {
            if (outcome_) outcome_ = std::move(result);
            next_ = tasks_;
        }
    }
    if (--running_ == 0) done_.notify_all();
}

}  // namespace tidemill::core
