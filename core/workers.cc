#include "core/workers.h"

#include <pthread.h>

#include <algorithm>
#include <string>

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

Workers::Workers(unsigned count) {
    if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
    threads_.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
        threads_.emplace_back([this] { loop(); });
        pthread_setname_np(threads_.back().native_handle(), ("tm-work-" + std::to_string(i)).c_str());
    }
}

Workers::~Workers() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

Result<> Workers::run(std::size_t tasks, const std::function<void(std::size_t)>& task) {
    if (tasks == 0) return {};
    if (tasks == 1) return catchingAll([&] { task(0); });
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
        lock.lock();
        if (!result) {
            if (outcome_) outcome_ = std::move(result);
            next_ = tasks_;
        }
    }
    if (--running_ == 0) done_.notify_all();
}

}  // namespace tidemill::core
