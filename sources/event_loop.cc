#include "sources/event_loop.h"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <future>
#include <utility>

#include "core/own_thread.h"

namespace tidemill::sources {

void EventLoop::start() {
    std::lock_guard lock(mutex_);
    running_ = true;
    thread_ = std::thread([this, work = asio::make_work_guard(io_)] {
        const core::OwnThreadScope own;
        io_.run();
    });
}

void EventLoop::stop() {
    {
        std::lock_guard lock(mutex_);
        if (!running_) return;
        running_ = false;
    }
    sealed_.notify_all();
    io_.stop();
    thread_.join();
    // What was cancelled still holds its connections until it has been told.
    io_.restart();
    io_.poll();
}

void EventLoop::call(const std::function<void()>& work) {
    std::promise<void> done;
    {
        std::unique_lock lock(mutex_);
        if (!running_ || std::this_thread::get_id() == thread_.get_id()) {
            lock.unlock();
            return work();
        }
        asio::post(io_, [&] {
            sealIfWanted();
            work();
            done.set_value();
        });
    }
    done.get_future().wait();
}

void EventLoop::post(std::function<void()> work) { asio::post(io_, std::move(work)); }

void EventLoop::sealOpenBlocks() {
    std::unique_lock lock(mutex_);
    if (!running_) return;
    const std::uint64_t wanted = sealWanted_.fetch_add(1) + 1;
    asio::post(io_, [this] { sealIfWanted(); });
    sealed_.wait(lock, [&] { return sealDone_ >= wanted || !running_; });
}

void EventLoop::sealIfWanted() {
    const std::uint64_t wanted = sealWanted_.load();
    if (wanted == sealDone_) return;  // only this thread changes sealDone_
    seal_();
    {
        std::lock_guard lock(mutex_);
        sealDone_ = wanted;
    }
    sealed_.notify_all();
}

}  // namespace tidemill::sources
