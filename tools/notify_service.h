// What the service manager that started the process (systemd) is told of its start, its end and
// its life between. Protocol: sd_notify(3).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace tidemill::tools {

// Does nothing without $NOTIFY_SOCKET. Thread safety: status() is thread-safe, the rest confined to
// the thread that starts and stops the job.
class ServiceManager {
public:
    ServiceManager();
    ~ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    // The start, or the stop, has begun and may take longer than the unit allows: from the first
    // second until ready(), or until the end, the time limit is extended every 5 s; a start's only
    // while getsOn(), which is called then, says so.
    void starting(std::function<bool()> getsOn);
    void ready();
    // The start has failed: getsOn() is not called any more when it returns.
    void failed() { stopExtending(); }
    void stopping();

    // What `systemctl status` shows.
    void status(std::string_view line);

    // Whether alive() should be called now: a watchdog is set (WatchdogSec=) and wants a sign.
    bool wantsSign();
    // The job has completed `batches` so far and completes one every `interval`. The watchdog gets
    // its sign as long as the last change of `batches` is younger than `interval` and the
    // watchdog's own time together: a job that is stuck is restarted.
    void alive(std::uint64_t batches, std::chrono::milliseconds interval);

private:
    using Clock = std::chrono::steady_clock;
    void extend(const char* what, std::function<bool()> getsOn);
    void stopExtending();

    std::optional<std::chrono::microseconds> watchdog_;
    std::uint64_t batches_ = 0;
    Clock::time_point batchesChanged_{};
    Clock::time_point signSent_{};

    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::string status_;
    bool extending_ = false;
    std::thread thread_;
};

}  // namespace tidemill::tools
