// The I/O thread of the network, and the ways into it for others. Private to sources/.
#pragma once

#include <asio/io_context.hpp>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace tidemill::sources {

// Thread safety: thread-safe, except where said.
class EventLoop {
public:
    // `flush` is called on the I/O thread for each flushOpenBlocks(), or once for several.
    explicit EventLoop(std::function<void()> flush) : flush_(std::move(flush)) {}

    void start();
    // Ends the thread, and then tells what was cancelled. Idempotent.
    void stop();

    // Runs `work` on the I/O thread and returns when it is done; once the loop has stopped, here.
    void call(const std::function<void()>& work);
    // Runs it there later.
    void post(std::function<void()> work);

    // Returns when a flush that began behind this call is done.
    void flushOpenBlocks();

    // On the I/O thread: flushes when somebody waits for it. Every handler calls this first, so
    // that a batch time waits for one handler at most.
    void flushIfRequested();

    // For sockets and timers, which must go before this.
    asio::io_context& io() { return io_; }

private:
    const std::function<void()> flush_;
    asio::io_context io_{1};
    std::atomic<std::uint64_t> flushRequested_{0};
    std::mutex mutex_;  // guards what follows
    std::condition_variable flushed_;
    std::uint64_t flushDone_ = 0;
    bool running_ = false;
    std::thread thread_;
};

}  // namespace tidemill::sources
