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
    flushed_.notify_all();
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
            flushIfRequested();
            work();
            done.set_value();
        });
    }
    done.get_future().wait();
}

void EventLoop::post(std::function<void()> work) { asio::post(io_, std::move(work)); }

void EventLoop::flushOpenBlocks() {
    std::unique_lock lock(mutex_);
    if (!running_) return;
    const std::uint64_t wanted = flushRequested_.fetch_add(1) + 1;
    asio::post(io_, [this] { flushIfRequested(); });
    flushed_.wait(lock, [&] { return flushDone_ >= wanted || !running_; });
}

void EventLoop::flushIfRequested() {
    const std::uint64_t wanted = flushRequested_.load();
    if (wanted == flushDone_) return;  // only this thread changes flushDone_
    flush_();
    {
        std::lock_guard lock(mutex_);
        flushDone_ = wanted;
    }
    flushed_.notify_all();
}

}  // namespace tidemill::sources
